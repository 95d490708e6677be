// POST /maintenance/cleanup: who may, what it would remove, what it removes.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using namespace std::chrono_literals;

constexpr const char* kPath = "/api/v1/maintenance/cleanup";

class Maintenance : public TwoParties {
 protected:
  void publish_and_wait_a_month() {
    const auto published = publish(R"({"event_type":"user.created","data":{}})");
    ASSERT_EQ(published.status, 202);
    event = published.string("id");
    loop.advance(31 * 24h);
  }
  int status_of_event() {
    return call("GET", "/api/v1/events/" + event, "", {acme.key, {}}).status;
  }
  // A cleanup rests between its steps. The clock moves only now and then, so that a slow journal
  // does not use up the time that the cleanup has.
  ApiReply clean_up() {
    const Pending reply = begin("POST", kPath, "", {admin, {}});
    int turns = 0;
    EXPECT_TRUE(turn_until([&] {
      if (!*reply && ++turns % 10'000 == 0) loop.advance(10ms);
      return reply->has_value();
    }));
    return await(reply);
  }
  static std::int64_t events_in(const ApiReply& reply, const char* member) {
    return reply.json.at(member).at("events").as_int64();
  }

  std::string event;
};

TEST_F(Maintenance, ADryRunSaysWhatWouldGoAndRemovesNothing) {
  publish_and_wait_a_month();

  const auto reply = as_admin("POST", kPath, R"({"dry_run":true})");

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(events_in(reply, "would_remove"), 1);
  EXPECT_TRUE(reply.json.at("more_than").as_array().empty());
  EXPECT_EQ(status_of_event(), 200);
}

TEST_F(Maintenance, ACleanupSaysWhatHasGone) {
  publish_and_wait_a_month();

  const auto reply = clean_up();

  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(events_in(reply, "removed"), 1);
  EXPECT_FALSE(reply.json.at("has_more").as_bool());
  EXPECT_EQ(status_of_event(), 404);
  EXPECT_EQ(events_in(clean_up(), "removed"), 0);
}

TEST_F(Maintenance, OnlyAnAdminMay) {
  EXPECT_EQ(call("POST", kPath, "", {acme.key, {}}).status, 403);
  EXPECT_EQ(call("POST", kPath, "", {"", {}}).status, 401);
}

TEST_F(Maintenance, AMistakeInTheBodyRemovesNothing) {
  publish_and_wait_a_month();

  EXPECT_EQ(as_admin("POST", kPath, R"({"dryrun":true})").status, 422);
  EXPECT_EQ(as_admin("POST", kPath, R"({"dry_run":"yes"})").status, 422);
  EXPECT_EQ(as_admin("POST", std::string(kPath) + "?dry_run=true").status, 422);
  EXPECT_EQ(status_of_event(), 200);
}

}  // namespace
}  // namespace fanfare
