// The attempts of one webhook.
#include <set>

#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using namespace std::chrono_literals;

class LogsApi : public TwoParties {
 protected:
  LogsApi() { webhook = make_webhook(acme); }

  ApiReply log(const std::string& query = "") {
    return call("GET", "/api/v1/webhooks/" + webhook + "/logs" + query, "", {acme.key, {}});
  }
  void deliver(int status, const std::string& type = "user.created") {
    sender.status = status;
    const std::string id =
        publish(R"({"event_type":")" + type + R"(","data":{"n":1},"max_attempts":1})").string("id");
    ASSERT_TRUE(turn_until([&] { return engine->stats().open_runs(std::nullopt) == 0; }));
  }
  static const boost::json::array& rows(const ApiReply& reply) {
    return reply.json.at("data").as_array();
  }

  std::string webhook;
};

TEST_F(LogsApi, EachAttemptIsARowWithRequestAndResponse) {
  deliver(500);
  const ApiReply reply = log();

  ASSERT_EQ(rows(reply).size(), 1U);
  const auto& row = rows(reply)[0].as_object();
  EXPECT_EQ(row.at("webhook_id"), webhook.c_str());
  EXPECT_EQ(row.at("event_type"), "user.created");
  EXPECT_EQ(row.at("status"), "failed");
  EXPECT_EQ(row.at("response").at("status"), 500);
  EXPECT_NE(row.at("request").at("body").as_string().find("\"n\":1"), std::string::npos);
  EXPECT_FALSE(row.at("error").is_null());
  EXPECT_FALSE(reply.json.at("has_more").as_bool());
}

TEST_F(LogsApi, FiltersChooseAttempts) {
  make_type("user.deleted");
  deliver(200);
  deliver(500);
  loop.advance(1h);
  const std::string later = format_rfc3339(clock.wall_now());
  deliver(404, "user.deleted");
  struct Case {
    std::string query;
    std::size_t rows;
  };
  const Case cases[] = {{"", 3},
                        {"?status=success", 1},
                        {"?status=failed", 2},
                        {"?code=404", 1},
                        {"?code=201", 0},
                        {"?event_type=user.deleted", 1},
                        {"?since=" + later, 1},
                        {"?until=" + later, 2},
                        {"?status=failed&code=500&event_type=user.created", 1}};
  for (const Case& one : cases) EXPECT_EQ(rows(log(one.query)).size(), one.rows) << one.query;
}

TEST_F(LogsApi, PagesHoldEveryAttemptOnceNewestFirst) {
  for (int i = 0; i < 7; ++i) deliver(i % 2 == 0 ? 200 : 500);
  std::vector<std::string> seen;
  std::string cursor;
  for (int pages = 0; pages < 10; ++pages) {
    const ApiReply page = log("?limit=2" + cursor);
    for (const auto& row : rows(page)) seen.emplace_back(row.at("id").as_string().c_str());
    if (!page.json.at("has_more").as_bool()) break;
    cursor = "&cursor=" + page.string("next_cursor");
  }

  ASSERT_EQ(seen.size(), 7U);
  EXPECT_TRUE(std::is_sorted(seen.rbegin(), seen.rend()));
  EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()).size(), 7U);
}

TEST_F(LogsApi, APageMayEndInTheMiddleOfADelivery) {
  const std::string other =
      make_webhook(acme, R"(,"retry_policy":{"schedule":["4h"],"attempts":3})");
  sender.status = 500;
  publish(R"({"event_type":"user.created","data":{},"webhook_ids":[")" + other + "\"]}");
  const auto id = *parse_id<WebhookTag>(other);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_TRUE(turn_until([&] {
      const auto known = engine->stats().webhook(id);
      return known && known->totals.attempts == attempt;
    }));
    loop.advance(5h);
  }
  webhook = other;
  std::vector<std::int64_t> numbers;
  std::string cursor;
  for (int pages = 0; pages < 3; ++pages) {
    const ApiReply page = log("?limit=1" + cursor);
    ASSERT_EQ(rows(page).size(), 1U);
    numbers.push_back(rows(page)[0].at("number").as_int64());
    cursor = "&cursor=" + page.string("next_cursor");
  }

  EXPECT_GT(numbers[0], numbers[1]);
  EXPECT_GT(numbers[1], numbers[2]);
}

TEST_F(LogsApi, APageLooksAtABoundedNumberOfDeliveriesAndGoesOnFromThere) {
  call("POST", "/api/v1/webhooks/" + webhook + "/pause", "", {acme.key, {}});
  std::string events;
  for (int i = 0; i < 999; ++i)
    events += std::string(i > 0 ? "," : "") + R"({"event_type":"user.created","data":{}})";
  for (int i = 0; i < 3; ++i) {
    const auto reply =
        call("POST", "/api/v1/events/batch", R"({"events":[)" + events + "]}", {acme.key, {}});
    ASSERT_EQ(reply.status, 202);
  }

  const ApiReply first = log();
  EXPECT_EQ(rows(first).size(), 0U);
  EXPECT_TRUE(first.json.at("has_more").as_bool());
  const ApiReply second = log("?cursor=" + first.string("next_cursor"));

  EXPECT_EQ(rows(second).size(), 0U);
  EXPECT_FALSE(second.json.at("has_more").as_bool());
}

TEST_F(LogsApi, WrongUseIsRefused) {
  for (const std::string query : {"?status=pending", "?code=99", "?code=x", "?since=yesterday",
                                  "?cursor=made-up", "?limit=0", "?other=1"}) {
    const int status = log(query).status;
    EXPECT_TRUE(status == 422 || status == 400) << query << ' ' << status;
  }
}

TEST_F(LogsApi, AnothersLogIsNotThere) {
  deliver(200);
  const auto reply = call("GET", "/api/v1/webhooks/" + webhook + "/logs", "", {rival.key, {}});

  EXPECT_EQ(reply.status, 404);
}

}  // namespace
}  // namespace fanfare
