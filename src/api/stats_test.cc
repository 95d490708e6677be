// Statistics over the API: what webhooks carry, and series of webhook, tenant and system.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using namespace std::chrono_literals;

class StatsApi : public TwoParties {
 protected:
  StatsApi() { webhook = make_webhook(acme); }

  ApiReply get(const std::string& path, const Party& party) {
    return call("GET", "/api/v1" + path, "", {party.key, {}});
  }
  // Publishes and waits until the delivery is over.
  void deliver(int status, std::int64_t attempts, const std::string& type = "user.created") {
    sender.status = status;
    publish(R"({"event_type":")" + type + R"(","data":{},"max_attempts":1})");
    const auto id = *parse_id<WebhookTag>(webhook);
    ASSERT_TRUE(turn_until([&] {
      const auto known = engine->stats().webhook(id);
      return known && known->totals.attempts == attempts;
    }));
  }
  static const boost::json::object& object(const ApiReply& reply) { return reply.json.as_object(); }

  std::string webhook;
};

TEST_F(StatsApi, AWebhookThatHasSentNothingSaysSo) {
  const auto shown = object(get("/webhooks/" + webhook, acme));

  EXPECT_TRUE(shown.at("last_triggered_at").is_null());
  EXPECT_TRUE(shown.at("last_status").is_null());
  EXPECT_TRUE(shown.at("last_error").is_null());
  EXPECT_EQ(shown.at("consecutive_failures"), 0);
  EXPECT_EQ(shown.at("total_deliveries"), 0);
}

TEST_F(StatsApi, AWebhookCarriesWhatBecameOfItsDeliveries) {
  deliver(200, 1);
  deliver(500, 2);
  const auto shown = object(get("/webhooks/" + webhook, acme));

  EXPECT_EQ(shown.at("last_triggered_at"), format_rfc3339(clock.wall_now()).c_str());
  EXPECT_EQ(shown.at("last_status"), "failed");
  EXPECT_FALSE(shown.at("last_error").is_null());
  EXPECT_EQ(shown.at("consecutive_failures"), 1);
  EXPECT_EQ(shown.at("total_deliveries"), 2);
  EXPECT_EQ(shown.at("successful_deliveries"), 1);
  EXPECT_EQ(shown.at("failed_deliveries"), 1);
}

TEST_F(StatsApi, AListCarriesTheMetricsOfTheLastDay) {
  deliver(500, 1);
  loop.advance(26h);
  deliver(200, 2);
  deliver(200, 3);

  const auto list = get("/webhooks", acme);
  const auto& metrics = list.json.at("data").at(0).at("metrics").as_object();

  EXPECT_EQ(metrics.at("total"), 2);
  EXPECT_EQ(metrics.at("successful"), 2);
  EXPECT_EQ(metrics.at("failed"), 0);
  EXPECT_EQ(metrics.at("success_rate").to_number<double>(), 1.0);
  EXPECT_EQ(metrics.at("average_response_time_ms"), 7);
  EXPECT_EQ(metrics.at("p95_response_time_ms"), 7);
}

TEST_F(StatsApi, TheStatsOfAWebhookAreASeriesAndItsSum) {
  deliver(200, 1);
  loop.advance(90min);
  deliver(500, 2);

  const auto stats = object(get("/webhooks/" + webhook + "/stats", acme));

  EXPECT_EQ(stats.at("window"), "1d");
  EXPECT_EQ(stats.at("resolution"), "hour");
  EXPECT_EQ(stats.at("total"), 2);
  EXPECT_EQ(stats.at("successful"), 1);
  EXPECT_EQ(stats.at("failed"), 1);
  EXPECT_EQ(stats.at("pending"), 0);
  EXPECT_EQ(stats.at("success_rate").to_number<double>(), 0.5);
  EXPECT_EQ(stats.at("p50_response_time_ms"), 6);
  const auto& series = stats.at("series").as_array();
  ASSERT_EQ(series.size(), 25U);
  EXPECT_EQ(series[23].at("successful"), 1);
  EXPECT_EQ(series[24].at("failed"), 1);
  EXPECT_EQ(series[24].at("start"), "2026-01-01T01:00:00.000Z");
}

TEST_F(StatsApi, AWindowChoosesItsResolution) {
  struct Case {
    std::string query, resolution;
    std::size_t buckets;
  };
  const Case cases[] = {{"?window=15m", "minute", 16},
                        {"?window=1h", "minute", 61},
                        {"?window=24h&resolution=minute", "minute", 1441},
                        {"?window=7d", "hour", 169},
                        {"?window=30d", "day", 31},
                        {"?window=365d", "day", 366},
                        {"?window=30d&resolution=hour", "hour", 721}};
  for (const Case& one : cases) {
    const auto stats = object(get("/webhooks/" + webhook + "/stats" + one.query, acme));
    EXPECT_EQ(stats.at("resolution"), one.resolution.c_str()) << one.query;
    EXPECT_EQ(stats.at("series").as_array().size(), one.buckets) << one.query;
  }
}

TEST_F(StatsApi, AWindowThatCannotBeAnsweredIsRefused) {
  for (const std::string query :
       {"?window=1s", "?window=2y", "?window=400d", "?window=x", "?resolution=week",
        "?window=2d&resolution=minute", "?window=60d&resolution=hour", "?window=1h&windows=2h"}) {
    EXPECT_EQ(get("/webhooks/" + webhook + "/stats" + query, acme).status, 422) << query;
  }
}

TEST_F(StatsApi, ATenantSeesItsOwnAndAnAdminEverybodys) {
  make_webhook(rival);
  deliver(200, 1);
  call("POST", "/api/v1/events", R"({"event_type":"user.created","data":{}})", {rival.key, {}});
  ASSERT_TRUE(turn_until([&] { return engine->stats().open_runs(std::nullopt) == 0; }));

  EXPECT_EQ(object(get("/stats", acme)).at("total"), 1);
  EXPECT_EQ(object(get("/stats", acme)).at("tenant_id"), acme.tenant.c_str());
  EXPECT_EQ(object(as_admin("GET", "/api/v1/stats")).at("total"), 2);
  EXPECT_EQ(object(as_admin("GET", "/api/v1/stats?tenant_id=" + rival.tenant)).at("total"), 1);
  EXPECT_EQ(get("/stats?tenant_id=" + rival.tenant, acme).status, 404);
  EXPECT_EQ(get("/webhooks/" + webhook + "/stats", rival).status, 404);
}

TEST_F(StatsApi, TheStatsOfATenantAreSplitByEventType) {
  make_type("user.deleted");
  deliver(200, 1);
  deliver(500, 2, "user.deleted");
  deliver(200, 3);

  const auto stats = object(get("/stats?window=1h", acme));
  const auto& types = stats.at("by_event_type").as_array();

  ASSERT_EQ(types.size(), 2U);
  EXPECT_EQ(types[0].at("event_type"), "user.created");
  EXPECT_EQ(types[0].at("total"), 2);
  EXPECT_EQ(types[1].at("failed"), 1);
}

TEST_F(StatsApi, WhatIsQueuedIsPending) {
  call("POST", "/api/v1/webhooks/" + webhook + "/pause", "", {acme.key, {}});
  publish(R"({"event_type":"user.created","data":{}})");

  EXPECT_EQ(object(get("/webhooks/" + webhook + "/stats", acme)).at("pending"), 1);
  EXPECT_EQ(object(get("/stats", acme)).at("pending"), 1);
}

// ---- failure_threshold ----

TEST_F(StatsApi, AThresholdIsStoredShownChangedAndTakenAway) {
  const std::string made = make_webhook(acme, R"(,"failure_threshold":3)");
  const auto threshold = [&] {
    return object(get("/webhooks/" + made, acme)).at("failure_threshold");
  };
  EXPECT_EQ(threshold(), 3);

  call("PATCH", "/api/v1/webhooks/" + made, R"({"failure_threshold":1000})", {acme.key, {}});
  EXPECT_EQ(threshold(), 1000);
  call("PATCH", "/api/v1/webhooks/" + made, R"({"failure_threshold":null})", {acme.key, {}});
  EXPECT_TRUE(threshold().is_null());
}

TEST_F(StatsApi, AThresholdOutOfBoundsIsRefused) {
  for (const std::string value : {"0", "1001", "-1", "\"3\"", "2.5"}) {
    const auto reply = call("PATCH", "/api/v1/webhooks/" + webhook,
                            R"({"failure_threshold":)" + value + "}", {acme.key, {}});
    EXPECT_EQ(reply.status, 422) << value;
  }
}

TEST_F(StatsApi, AnAnswerSentBackChangesNothing) {
  deliver(200, 1);
  const std::string shown =
      get("/webhooks?limit=1", acme).json.at("data").at(0).is_object()
          ? boost::json::serialize(get("/webhooks?limit=1", acme).json.at("data").at(0))
          : "";
  const auto reply = call("PATCH", "/api/v1/webhooks/" + webhook, shown, {acme.key, {}});

  EXPECT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.json.at("version"), 1);
}

}  // namespace
}  // namespace fanfare
