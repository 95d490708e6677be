// The health answer: the server's for an admin, its own part for a tenant.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using namespace std::chrono_literals;

class HealthApi : public TwoParties {
 protected:
  ApiReply health(const std::string& key) { return call("GET", "/api/v1/health", "", {key, {}}); }
  std::string status() { return health(admin).string("status"); }
  // Deliveries of one webhook that end so.
  void deliver(const std::string& webhook, int status, int count) {
    sender.status = status;
    for (int i = 0; i < count; ++i) {
      publish(R"({"event_type":"user.created","data":{},"max_attempts":1,"webhook_ids":[")" +
              webhook + "\"]}");
    }
    ASSERT_TRUE(turn_until([&] { return engine->stats().open_runs(std::nullopt) == 0; }));
  }
};

TEST_F(HealthApi, AnIdleServerIsHealthy) {
  const auto reply = health(admin);

  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.string("status"), "healthy");
  EXPECT_EQ(reply.json.at("reasons").as_array().size(), 0U);
  EXPECT_EQ(reply.json.at("checks").at("database").at("writes"), "ok");
  EXPECT_EQ(reply.json.at("checks").at("queue").at("pending"), 0);
  EXPECT_TRUE(reply.json.at("checks").at("queue").at("oldest_due_at").is_null());
}

TEST_F(HealthApi, EveryRoleMayAskAndATenantSeesItsPartOnly) {
  for (const std::string role : {"tenant", "read", "publish"}) {
    const auto reply = health(make_key(acme.tenant, role));
    EXPECT_EQ(reply.status, 200) << role;
    EXPECT_EQ(reply.string("tenant_id"), acme.tenant);
    EXPECT_FALSE(reply.json.at("checks").as_object().contains("disk"));
    EXPECT_FALSE(reply.json.at("checks").as_object().contains("database"));
  }
  EXPECT_EQ(health("").status, 401);
}

TEST_F(HealthApi, FailedDeliveriesShowWhereTheyAre) {
  deliver(make_webhook(acme), 500, 12);

  EXPECT_EQ(status(), "failing");
  EXPECT_EQ(health(acme.key).json.at("reasons").at(0).at("code"), "deliveries_fail");
  EXPECT_EQ(health(rival.key).string("status"), "healthy");
}

TEST_F(HealthApi, AnHourLaterTheyNoLongerCount) {
  deliver(make_webhook(acme), 500, 12);
  loop.advance(62min);

  EXPECT_EQ(status(), "healthy");
}

TEST_F(HealthApi, ADisabledWebhookIsAReason) {
  deliver(make_webhook(acme, R"(,"failure_threshold":1)"), 500, 1);
  ASSERT_TRUE(turn_until([&] { return status() == "degraded"; }));

  const auto reply = health(admin);
  EXPECT_EQ(reply.json.at("reasons").at(0).at("code"), "webhooks_disabled");
  EXPECT_EQ(reply.json.at("checks").at("webhooks").at("disabled_by_failures"), 1);
}

TEST_F(HealthApi, TheDiskIsLookedAtWhereItIsKnown) {
  serve([](ApiConfig& config) {
    config.disk_space = [] { return DiskSpace{.free_bytes = 1000, .total_bytes = 1'000'000}; };
  });
  const auto reply = health(admin);

  EXPECT_EQ(reply.json.at("reasons").at(0).at("code"), "disk_low");
  EXPECT_EQ(reply.json.at("checks").at("disk").at("free_bytes"), 1000);
}

TEST_F(HealthApi, ForAnAdminOneTenantCanBeNamed) {
  const auto reply = call("GET", "/api/v1/health?tenant_id=" + rival.tenant, "", {admin, {}});

  EXPECT_EQ(reply.string("tenant_id"), rival.tenant);
  EXPECT_EQ(call("GET", "/api/v1/health?tenant_id=" + rival.tenant, "", {acme.key, {}}).status,
            404);
}

TEST_F(HealthApi, TheLastCleanupIsShownAndALateOneIsAReason) {
  EXPECT_TRUE(health(admin).json.at("checks").at("last_cleanup").is_null());
  const auto cleaned = begin("POST", "/api/v1/maintenance/cleanup", "", {admin, {}});
  ASSERT_TRUE(turn_until([&] {
    if (!*cleaned) loop.advance(10ms);
    return cleaned->has_value();
  }));

  const auto reply = health(admin);
  EXPECT_EQ(reply.string("status"), "healthy") << reply.text;
  EXPECT_TRUE(reply.json.at("checks").at("last_cleanup").at("at").is_string());
  EXPECT_FALSE(health(acme.key).json.at("checks").as_object().contains("last_cleanup"));

  clock.advance(100h);
  const auto late = health(admin);
  EXPECT_EQ(late.string("status"), "degraded") << late.text;
  EXPECT_EQ(late.json.at("reasons").at(0).at("code"), "cleanup_late");
}

}  // namespace
}  // namespace fanfare
