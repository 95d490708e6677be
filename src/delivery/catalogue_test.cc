// The event types that a profile brings into a store.
#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class Catalogue : public EngineTest {
 protected:
  void SetUp() override {}

  static EventType type(const std::string& name, const std::string& description = "") {
    return {.name = name,
            .description = description,
            .category = "C",
            .sample = "{}",
            .schema = {},
            .created_at = {}};
  }
  void start_with(std::vector<EventType> types) {
    catalogue = std::move(types);
    start();
  }
  std::string description_of(const std::string& name) {
    const auto found = engine->directory().event_type(name);
    return found ? found->description : "(none)";
  }
  void remove(const std::string& name) {
    ASSERT_TRUE(call<Unit>(
        [&](auto reply) { engine->delete_event_type(name, {}, loop, std::move(reply)); }));
  }
  void put_type(const EventType& next, bool must_be_new) {
    ASSERT_TRUE(call<Unit>([&](auto reply) {
      engine->put_event_type(next, must_be_new, std::nullopt, loop, std::move(reply));
    }));
  }
};

TEST_F(Catalogue, IsThereFromTheFirstStartAndAfterTheNext) {
  start_with({type("a.b", "first"), type("c.d")});
  EXPECT_EQ(description_of("a.b"), "first");
  EXPECT_EQ(engine->directory().event_type("a.b")->created_at, kStart);

  restart();

  EXPECT_EQ(description_of("a.b"), "first");
  EXPECT_EQ(engine->directory().event_types().size(), 2U);
}

TEST_F(Catalogue, WhatItBringsIsInTheAuditLogOnce) {
  const auto entries = [this] {
    std::vector<std::string> found;
    const auto reading = *store->open_reader();
    const auto page = reading->audit_entries({}, std::nullopt, 10);
    for (const AuditRow& row : page->rows)
      found.push_back(row.entry.action + " " + row.entry.object.id);
    return found;
  };
  start_with({type("a.b"), type("c.d")});
  ASSERT_EQ(entries().size(), 2U) << "with the types themselves, not some time later";

  restart();
  remove("a.b");

  EXPECT_EQ(entries(),
            (std::vector<std::string>{"event_type.created c.d", "event_type.created a.b"}));
}

TEST_F(Catalogue, ATypeThatAPersonDeletedDoesNotComeBack) {
  start_with({type("a.b"), type("c.d")});
  remove("a.b");

  restart();

  EXPECT_EQ(description_of("a.b"), "(none)");
  EXPECT_EQ(description_of("c.d"), "");
}

TEST_F(Catalogue, ATypeThatAPersonChangedStaysChanged) {
  start_with({type("a.b", "the profile's")});
  put_type(type("a.b", "ours"), /*must_be_new=*/false);

  catalogue = {type("a.b", "the profile's, reworded")};
  restart();

  EXPECT_EQ(description_of("a.b"), "ours");
}

TEST_F(Catalogue, ATypeThatAPersonMadeBeforeTheProfileCameIsHis) {
  start_with({});
  put_type(type("a.b", "ours"), /*must_be_new=*/true);

  catalogue = {type("a.b", "the profile's"), type("c.d", "new")};
  restart();

  EXPECT_EQ(description_of("a.b"), "ours");
  EXPECT_EQ(description_of("c.d"), "new");
}

TEST_F(Catalogue, WhatANewerProfileAddsComesWithTheNextStart) {
  start_with({type("a.b")});
  remove("a.b");

  catalogue = {type("a.b"), type("e.f", "later")};
  restart();

  EXPECT_EQ(description_of("e.f"), "later");
  EXPECT_EQ(description_of("a.b"), "(none)");
}

}  // namespace
}  // namespace fanfare
