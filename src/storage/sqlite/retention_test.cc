// What only SQLite has to promise of retention: the lazy indexes keep nothing of what is gone, and
// the file gets shorter.
#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

class SqliteRetentionTest : public SqliteStoreTest {
 protected:
  // Events with one finished run each.
  void store_finished(Store& store, int count, std::size_t payload_bytes = 20) {
    auto made = plans(count, payload_bytes);
    std::vector<WriteOp> ends;
    for (const EventPlan& plan : made) {
      const DeliveryId id = plan.runs.front().delivery;
      ends.push_back({EndRunOp{.tenant = tenant_, .delivery = id, .error = {}, .now = {}}, {}});
    }
    ASSERT_TRUE(commit(store, std::move(made)));
    ASSERT_TRUE(store.writer().commit(ends));
  }
  void expire_all(Store& store) {
    const Timestamp now = clock_.wall_now() + 1ms;
    bool has_more = true;
    while (has_more) {
      std::vector<WriteOp> ops;
      ops.push_back({ExpireOp{.cutoffs = {now, now, now}, .versions_after = {}, .now = now}, {}});
      auto done = store.writer().commit(ops);
      ASSERT_TRUE(done);
      has_more = std::get<Expired>(*done->front()).has_more;
    }
  }
  void maintain_until_idle(Store& store) {
    while (*store.writer().maintain(clock_.wall_now(), /*is_idle=*/true)) {
    }
  }
  static std::int64_t entries_in_indexes(Store& store) {
    auto& db = dynamic_cast<SqliteStore&>(store).connection_for_test();
    return *db.number(
        "SELECT (SELECT count(*) FROM webhook_deliveries) +"
        " (SELECT count(*) FROM tenant_deliveries) + (SELECT count(*) FROM tenant_events)");
  }
};

TEST_F(SqliteRetentionTest, TheIndexesKeepNothingOfWhatIsGone) {
  SqliteTuning tuning;
  tuning.index.idle_chunk = 1;
  const auto store = open(tuning);
  store_finished(*store, 100);
  maintain_until_idle(*store);
  ASSERT_EQ(entries_in_indexes(*store), 300);

  expire_all(*store);

  EXPECT_EQ(entries_in_indexes(*store), 0);
}

TEST_F(SqliteRetentionTest, WhatIsGoneIsNotIndexedLater) {
  SqliteTuning tuning;
  tuning.index = {.chunk = 150, .slice = 10, .idle_chunk = 150};
  const auto store = open(tuning);
  store_finished(*store, 50);
  store_finished(*store, 1);  // the first of many slices of the chunk is in now
  ASSERT_GT(entries_in_indexes(*store), 0);
  ASSERT_LT(entries_in_indexes(*store), 150);

  expire_all(*store);
  maintain_until_idle(*store);

  EXPECT_EQ(entries_in_indexes(*store), 0);
}

TEST_F(SqliteRetentionTest, SpaceGoesBackToTheDisk) {
  const auto store = open();
  store_finished(*store, 3000, 16'000);
  maintain_until_idle(*store);
  const auto before = std::filesystem::file_size(path_);
  ASSERT_GT(before, 40U << 20);

  expire_all(*store);
  maintain_until_idle(*store);

  EXPECT_LT(std::filesystem::file_size(path_), before / 8);
}

TEST_F(SqliteRetentionTest, SpaceGoesBackUnderLoadTooButInSmallSteps) {
  const auto store = open();
  store_finished(*store, 1000, 16'000);
  expire_all(*store);
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  const auto pages = [&db] { return *db.number("PRAGMA page_count"); };
  const auto before = pages();

  ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), /*is_idle=*/false));
  const auto after_one = pages();
  ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), /*is_idle=*/false));
  const auto at_once = pages();
  clock_.advance(1s);
  ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), /*is_idle=*/false));

  EXPECT_LT(after_one, before);
  EXPECT_GE(after_one, before - 100);
  EXPECT_EQ(at_once, after_one);
  EXPECT_LT(pages(), after_one);
}

TEST_F(SqliteRetentionTest, FreePagesThatNewRowsWillTakeStay) {
  auto store = open();
  store_finished(*store, 3000, 8'000);
  {
    auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
    ASSERT_TRUE(db.execute("DELETE FROM events WHERE id IN (SELECT id FROM events LIMIT 150)"));
  }
  store.reset();
  const auto before = std::filesystem::file_size(path_);

  store = open();
  maintain_until_idle(*store);
  store.reset();

  EXPECT_EQ(std::filesystem::file_size(path_), before);
}

}  // namespace
}  // namespace fanfare
