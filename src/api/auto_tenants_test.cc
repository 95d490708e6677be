// Tenants that an admin's request makes by naming them, where the operator allows it.
#include "api/api_fixture.h"
#include "api/ensure_tenant.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class AutoTenants : public ApiFixture {
 protected:
  AutoTenants() {
    make_type("user.created");
    serve([](ApiConfig& config) { config.auto_create_tenants = true; });
  }
  std::size_t tenants() { return engine->directory().tenants().size(); }
  std::shared_ptr<const Tenant> tenant(const std::string& external_id) {
    return engine->directory().tenant_by_external_id(external_id);
  }
};

const char* const kEvent = R"({"event_type":"user.created","data":{})";

TEST_F(AutoTenants, WhatAnAdminMakesForAnUnknownTenantMakesTheTenant) {
  struct Example {
    std::string method, target, body, name;
    int status;
  };
  const std::string webhook = R"("url":"https://example.com/","events":["*"])";
  const std::vector<Example> examples = {
      {"POST", "/api/v1/events", std::string(kEvent) + R"(,"tenant_id":"a"})", "a", 202},
      {"POST", "/api/v1/events", std::string(kEvent) + R"(,"client_id":"b"})", "b", 202},
      {"POST", "/api/v1/events?org_id=c", std::string(kEvent) + "}", "c", 202},
      {"POST", "/api/v1/webhooks", R"({"user_id":"d",)" + webhook + "}", "d", 201},
      {"POST", "/api/v1/webhooks?tenant_id=org:17", "{" + webhook + "}", "org:17", 201},
      {"POST", "/api/v1/api-keys", R"({"tenant_id":"f"})", "f", 201},
  };
  for (const Example& example : examples) {
    EXPECT_EQ(as_admin(example.method, example.target, example.body).status, example.status)
        << example.target << " " << example.body;
    ASSERT_TRUE(tenant(example.name)) << example.name;
    EXPECT_EQ(tenant(example.name)->name, example.name);
  }
  EXPECT_EQ(tenants(), examples.size());
}

TEST_F(AutoTenants, ABatchMakesEveryTenantThatItsEventsName) {
  const std::string body = R"({"tenant_id":"one","events":[)" + std::string(kEvent) + "}," +
                           std::string(kEvent) + R"(,"tenant_id":"one"},{"event_type":"no.such",)" +
                           R"("data":{},"tenant_id":"one"}]})";
  const std::string other = R"({"events":[)" + std::string(kEvent) + R"(,"org_id":"two"},)" +
                            std::string(kEvent) + R"(,"org_id":"three"}]})";

  const auto first = as_admin("POST", "/api/v1/events/batch", body);
  const auto second = as_admin("POST", "/api/v1/events/batch", other);

  EXPECT_EQ(first.json.at("data").at(0).at("status").as_int64(), 202) << first.text;
  EXPECT_EQ(first.json.at("data").at(1).at("status").as_int64(), 202);
  EXPECT_EQ(first.json.at("data").at(2).at("status").as_int64(), 422);
  EXPECT_EQ(second.json.at("data").at(0).at("status").as_int64(), 202) << second.text;
  EXPECT_EQ(second.json.at("data").at(1).at("status").as_int64(), 202);
  EXPECT_EQ(tenants(), 3U);
}

TEST_F(AutoTenants, RequestsAtTheSameMomentMakeOneTenant) {
  const std::string body = std::string(kEvent) + R"(,"tenant_id":"busy"})";
  std::vector<Pending> pending;
  for (int i = 0; i < 8; ++i) pending.push_back(begin("POST", "/api/v1/events", body, {admin, {}}));

  for (const Pending& one : pending) EXPECT_EQ(await(one).status, 202);

  EXPECT_EQ(tenants(), 1U);
}

TEST_F(AutoTenants, ARefusedRequestMakesNone) {
  const std::vector<std::string> bodies = {
      R"({"event_type":"no.such","data":{},"tenant_id":"x"})",
      R"({"event_type":"user.created","tenant_id":"x"})",
      R"({"event_type":"user.created","data":{},"tenant_id":"x","webhook_ids":["wh_x"]})",
      R"({"event_type":"user.created","data":{},"tenant_id":"x","org_id":"y"})",
  };
  for (const std::string& body : bodies) {
    EXPECT_GE(as_admin("POST", "/api/v1/events", body).status, 400) << body;
    EXPECT_EQ(as_admin("POST", "/api/v1/events/batch", R"({"events":[)" + body + "]}").status, 202);
  }
  EXPECT_EQ(as_admin("POST", "/api/v1/webhooks?tenant_id=x", R"({"url":"ftp://x"})").status, 422);
  EXPECT_EQ(tenants(), 0U);
}

TEST_F(AutoTenants, ABatchWithoutAValidEventMakesNone) {
  const auto reply = as_admin("POST", "/api/v1/events/batch",
                              R"({"tenant_id":"typo-1","events":[{"event_type":"user.created"}]})");

  EXPECT_EQ(reply.status, 202) << reply.text;
  EXPECT_EQ(reply.json.at("data").at(0).at("status"), 422);
  EXPECT_FALSE(engine->directory().tenant_by_external_id("typo-1"));
}

TEST_F(AutoTenants, WhatLooksLikeAnIdOfOursOrIsNotFitMakesNone) {
  for (const std::string name : {"tnt_0000000000000000000000000a", "tnt_", "a%0Ab", "%7F"}) {
    EXPECT_EQ(
        as_admin("POST", "/api/v1/events?tenant_id=" + name, std::string(kEvent) + "}").status, 404)
        << name;
  }
  const std::string longest(limits::kEventIdBytesMax, 'x');
  EXPECT_EQ(as_admin("POST", "/api/v1/events?tenant_id=" + longest + "x", std::string(kEvent) + "}")
                .status,
            404);
  EXPECT_EQ(tenants(), 0U);
  EXPECT_EQ(
      as_admin("POST", "/api/v1/events?tenant_id=" + longest, std::string(kEvent) + "}").status,
      202);
}

TEST_F(AutoTenants, LookingAndChangingMakeNone) {
  for (const Route& route : api_routes()) {
    if (route.roles == kAnybody || route.makes_tenants) continue;
    std::string path(route.pattern);
    if (const auto at = path.find('{'); at != std::string::npos)
      path.replace(at, path.find('}') - at + 1, "wh_00000000000000000000000000");
    const auto reply = as_admin(std::string(route.method), path + "?tenant_id=nobody");
    EXPECT_TRUE(reply.status >= 400 || path.find("event") != std::string::npos ||
                path == "/api/v1/profile")
        << route.method << " " << path << " " << reply.status;
  }
  EXPECT_EQ(tenants(), 0U);
}

TEST_F(AutoTenants, OnlyAdminsMakeThem) {
  const Party party = make_party("Acme");
  for (const std::string role : {"tenant", "publish"}) {
    const std::string key = make_key(party.tenant, role);
    EXPECT_EQ(
        call("POST", "/api/v1/events?tenant_id=x", std::string(kEvent) + "}", {key, {}}).status,
        404);
  }
  EXPECT_EQ(tenants(), 1U);
}

TEST_F(AutoTenants, AnIdempotencyKeyHoldsAcrossTheMaking) {
  const std::string body = std::string(kEvent) + R"(,"tenant_id":"x"})";
  const auto first = as_admin("POST", "/api/v1/events", body, {{"Idempotency-Key", "k"}});
  const auto again = as_admin("POST", "/api/v1/events", body, {{"Idempotency-Key", "k"}});

  EXPECT_EQ(first.status, 202);
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
}

TEST_F(AutoTenants, NoneIsMadeUnlessTheOperatorAllowsIt) {
  serve([](ApiConfig&) {});
  EXPECT_EQ(as_admin("POST", "/api/v1/events?tenant_id=x", std::string(kEvent) + "}").status, 404);
  EXPECT_EQ(tenants(), 0U);
}

}  // namespace
}  // namespace fanfare
