// Whose data it is: how a request names its tenant, and that it reaches no other.
#include "api/api_fixture.h"
#include "api/api_handler.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class Tenancy : public TwoParties {};

TEST_F(Tenancy, AnAdminNamesTheTenantAndATenantOnlyItself) {
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks").status, 422);
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks?tenant_id=" + acme.tenant).status, 200);
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks?tenant_id=nobody").status, 404);
  EXPECT_EQ(call("GET", "/api/v1/webhooks?tenant_id=" + acme.tenant, "", {acme.key, {}}).status,
            200);
  EXPECT_EQ(call("GET", "/api/v1/webhooks?tenant_id=" + rival.tenant, "", {acme.key, {}}).status,
            404);
}

TEST_F(Tenancy, IdAndExternalIdNameOneTenantAndTwoTenantsContradict) {
  ASSERT_EQ(as_admin("POST", "/api/v1/tenants", R"({"name":"Org","external_id":"org:17"})").status,
            201);
  const auto made = as_admin("POST", "/api/v1/webhooks?tenant_id=org:17",
                             R"({"url":"https://example.com/","events":["*"]})");
  ASSERT_EQ(made.status, 201);
  const std::string path = "/api/v1/webhooks/" + made.string("id") + "?tenant_id=org:17";
  const std::string as_read = as_admin("GET", path).text;

  EXPECT_EQ(as_admin("PUT", path, as_read).status, 200) << "the body has the id";
  EXPECT_EQ(as_admin("PUT", path, R"({"tenant_id":")" + acme.tenant + R"("})").status, 422);
  EXPECT_EQ(
      call("POST", "/api/v1/webhooks?tenant_id=" + rival.tenant,
           R"({"tenant_id":"unknown","url":"https://example.com/","events":["*"]})", {acme.key, {}})
          .status,
      422);
}

TEST_F(Tenancy, AnExternalIdIsAcceptedWhereAnIdIs) {
  ASSERT_EQ(as_admin("POST", "/api/v1/tenants", R"({"name":"Org","external_id":"org:17"})").status,
            201);
  EXPECT_EQ(as_admin("GET", "/api/v1/tenants/org%3A17").string("name"), "Org");
  const auto made = as_admin("POST", "/api/v1/webhooks",
                             R"({"org_id":"org:17","url":"https://example.com/","events":["*"]})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(
      as_admin("POST", "/api/v1/tenants", R"({"name":"Again","external_id":"org:17"})").status,
      409);
}

TEST_F(Tenancy, AnAdminNeedsNoTenantWhereThePathNamesAnObject) {
  const std::string webhook = make_webhook(acme);
  const std::string event = publish(R"({"event_type":"user.created","data":{}})").string("id");
  const auto rows = as_admin("GET", "/api/v1/events/" + event + "/deliveries");
  ASSERT_EQ(rows.status, 200);
  const std::string delivery(rows.json.at("data").at(0).at("id").as_string());
  const std::vector<std::pair<std::string, std::string>> calls = {
      {"GET", "/api/v1/events/" + event},
      {"GET", "/api/v1/events/" + event + "/deliveries"},
      {"GET", "/api/v1/events/" + event + "/trace"},
      {"GET", "/api/v1/deliveries/" + delivery},
      {"POST", "/api/v1/deliveries/" + delivery + "/retry"},
      {"POST", "/api/v1/deliveries/" + delivery + "/cancel"},
      {"GET", "/api/v1/webhooks/" + webhook}};
  for (const auto& [method, path] : calls) {
    EXPECT_EQ(as_admin(method, path + "?tenant_id=" + rival.tenant).status, 404) << path;
    const int status = as_admin(method, path).status;
    EXPECT_TRUE(status == 200 || status == 202 || status == 409) << path << " " << status;
  }
  EXPECT_EQ(as_admin("GET", "/api/v1/deliveries").status, 422) << "a list is one tenant's";
  EXPECT_EQ(as_admin("GET", "/api/v1/events").status, 422);
}

TEST_F(Tenancy, AnAdminThatNamesNobodyIsToldThatAnObjectIsNotThere) {
  for (const std::string path : {"/api/v1/events/evt_00000000000000000000000000",
                                 "/api/v1/deliveries/dlv_00000000000000000000000000",
                                 "/api/v1/events/x", "/api/v1/deliveries/x"}) {
    EXPECT_EQ(as_admin("GET", path).status, 404) << path;
  }
}

TEST_F(Tenancy, NothingOfAnotherTenantCanBeSeenOrTouched) {
  const std::string webhook = make_webhook(acme);
  const std::string event = publish(R"({"event_type":"user.created","data":{}})").string("id");
  const auto deliveries =
      call("GET", "/api/v1/events/" + event + "/deliveries", "", {acme.key, {}});
  const std::string delivery(deliveries.json.at("data").at(0).at("id").as_string());
  for (const Route& route : api_routes()) {
    if (route.roles == kAnybody || route.pattern.find("{id}") == std::string_view::npos) continue;
    std::string path(route.pattern);
    std::string id = webhook;
    if (path.find("/events/{") != std::string::npos) id = event;
    if (path.find("/deliveries/{") != std::string::npos) id = delivery;
    if (path.find("/tenants/{") != std::string::npos) id = acme.tenant;
    if (path.find("/api-keys/{") != std::string::npos) {
      const auto keys = as_admin("GET", "/api/v1/api-keys?tenant_id=" + acme.tenant);
      id = std::string(keys.json.at("data").at(0).at("id").as_string());
    }
    path.replace(path.find("{id}"), 4, id);
    EXPECT_EQ(call(std::string(route.method), path, "", {rival.key, {}}).status, 404)
        << route.method << " " << path;
  }
  EXPECT_EQ(call("GET", "/api/v1/webhooks/" + webhook, "", {acme.key, {}}).string("status"),
            "active");
}

}  // namespace
}  // namespace fanfare
