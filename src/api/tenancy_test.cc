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

// ---- change and end of a tenant ----

TEST_F(Tenancy, ATenantIsChangedByAMergePatch) {
  const std::string path = "/api/v1/tenants/" + acme.tenant;
  const auto first =
      as_admin("PATCH", path, R"({"external_id":"org:17","metadata":{"plan":"gold","seat":"1"}})");
  ASSERT_EQ(first.status, 200) << first.text;

  const auto changed = as_admin("PATCH", "/api/v1/tenants/org%3A17",
                                R"({"name":"Acme Ltd","metadata":{"seat":null,"zone":"eu"}})");

  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.string("name"), "Acme Ltd");
  EXPECT_EQ(changed.string("external_id"), "org:17");
  EXPECT_EQ(boost::json::serialize(changed.json.at("metadata")), R"({"plan":"gold","zone":"eu"})");
  EXPECT_EQ(as_admin("GET", path).json, changed.json);
  EXPECT_EQ(as_admin("PUT", path, changed.text).json, changed.json) << "what was read fits";
  const auto cleared = as_admin("PATCH", path, R"({"external_id":null,"metadata":null})");
  EXPECT_TRUE(cleared.json.at("external_id").is_null());
  EXPECT_EQ(as_admin("GET", "/api/v1/tenants/org%3A17").status, 404);
}

TEST_F(Tenancy, ABadChangeOfATenantIsRefusedAndChangesNothing) {
  const std::string path = "/api/v1/tenants/" + acme.tenant;
  ASSERT_EQ(as_admin("PATCH", "/api/v1/tenants/" + rival.tenant, R"({"external_id":"r"})").status,
            200);
  const std::string before = as_admin("GET", path).text;
  const std::vector<std::pair<std::string, int>> bodies = {{R"({"name":null})", 422},
                                                           {R"({"name":""})", 422},
                                                           {R"({"name":7})", 422},
                                                           {R"({"external_id":"tnt_x"})", 422},
                                                           {R"({"external_id":""})", 422},
                                                           {R"({"external_id":"r"})", 409},
                                                           {R"({"metadata":{"a":1}})", 422},
                                                           {R"({"nmae":"x"})", 422},
                                                           {"[]", 400}};

  for (const auto& [body, status] : bodies)
    EXPECT_EQ(as_admin("PATCH", path, body).status, status) << body;
  EXPECT_EQ(as_admin("PATCH", path + "?tenant_id=" + rival.tenant, R"({"name":"x"})").status, 404);

  EXPECT_EQ(as_admin("GET", path).text, before);
}

TEST_F(Tenancy, ChangesAtTheSameMomentAllHappen) {
  const std::string path = "/api/v1/tenants/" + acme.tenant;
  std::vector<Pending> pending;
  for (int i = 0; i < 8; ++i) {
    const std::string n = std::to_string(i);
    pending.push_back(begin("PATCH", path, R"({"metadata":{"k)" + n + R"(":"v"}})", {admin, {}}));
  }
  int ok = 0;
  for (const Pending& one : pending) {
    turn_until([&] {
      loop.advance(Millis{1});
      return one->has_value();
    });
    ok += await(one).status == 200 ? 1 : 0;
  }

  EXPECT_EQ(ok, 8);
  EXPECT_EQ(as_admin("GET", path).json.at("metadata").as_object().size(), 8U);
}

TEST_F(Tenancy, OnlyAnAdminChangesOrEndsATenant) {
  const std::string path = "/api/v1/tenants/" + acme.tenant;
  for (const std::string method : {"PATCH", "PUT", "DELETE"}) {
    EXPECT_EQ(call(method, path, "", {acme.key, {}}).status, 403) << method;
    EXPECT_EQ(as_admin(method, "/api/v1/tenants/nobody").status, 404) << method;
  }
  EXPECT_EQ(call("GET", path, "", {acme.key, {}}).status, 200);
}

TEST_F(Tenancy, ADeletedTenantIsGoneWithTheAnswer) {
  const std::string webhook = make_webhook(acme);
  const std::string event = publish(R"({"event_type":"user.created","data":{}})").string("id");
  const auto rows = as_admin("GET", "/api/v1/events/" + event + "/deliveries");
  const std::string delivery(rows.json.at("data").at(0).at("id").as_string());
  ASSERT_EQ(as_admin("PATCH", "/api/v1/tenants/" + acme.tenant, R"({"external_id":"org"})").status,
            200);

  EXPECT_EQ(as_admin("DELETE", "/api/v1/tenants/org").status, 204);

  EXPECT_EQ(as_admin("DELETE", "/api/v1/tenants/" + acme.tenant).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {acme.key, {}}).status, 401);
  EXPECT_EQ(publish(R"({"event_type":"user.created","data":{}})").status, 401);
  for (const std::string& path :
       {"/tenants/" + acme.tenant, "/webhooks/" + webhook, "/events/" + event,
        "/events/" + event + "/trace", "/deliveries/" + delivery,
        "/webhooks?tenant_id=" + acme.tenant, "/events?tenant_id=" + acme.tenant,
        "/deliveries?tenant_id=" + acme.tenant, "/api-keys?tenant_id=" + acme.tenant}) {
    EXPECT_EQ(as_admin("GET", "/api/v1" + path).status, 404) << path;
  }
  EXPECT_EQ(as_admin("POST", "/api/v1/deliveries/" + delivery + "/retry").status, 404);
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants", R"({"name":"B","external_id":"org"})").status, 201)
      << "its external_id is free";
  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {rival.key, {}}).status, 200);
}

TEST_F(Tenancy, TheChangeAndTheEndOfATenantAreAudited) {
  const std::string path = "/api/v1/tenants/" + acme.tenant;
  ASSERT_EQ(as_admin("PATCH", path, R"({"name":"Acme Ltd"})").status, 200);
  ASSERT_EQ(as_admin("DELETE", path).status, 204);

  const auto log = as_admin("GET", "/api/v1/audit-logs?object=" + acme.tenant);

  ASSERT_GE(log.json.at("data").as_array().size(), 2U) << log.text;
  EXPECT_EQ(log.json.at("data").at(0).at("action").as_string(), "tenant.deleted");
  EXPECT_EQ(log.json.at("data").at(1).at("action").as_string(), "tenant.updated");
}

TEST_F(Tenancy, APurgedWebhookTakesItsDeliveriesWithIt) {
  const std::string webhook = make_webhook(acme);
  publish(R"({"event_type":"user.created","data":{}})");
  EXPECT_EQ(
      call("DELETE", "/api/v1/webhooks/" + webhook + "?purge=maybe", "", {acme.key, {}}).status,
      422);

  EXPECT_EQ(
      call("DELETE", "/api/v1/webhooks/" + webhook + "?purge=true", "", {acme.key, {}}).status,
      204);

  EXPECT_TRUE(turn_until([&] {
    loop.advance(Millis{300});
    return call("GET", "/api/v1/deliveries", "", {acme.key, {}}).json.at("data").as_array().empty();
  }));
  EXPECT_EQ(call("GET", "/api/v1/events", "", {acme.key, {}}).json.at("data").as_array().size(),
            1U);
}

TEST_F(Tenancy, ADeletedWebhookKeepsItsDeliveriesUnlessAsked) {
  const std::string webhook = make_webhook(acme);
  publish(R"({"event_type":"user.created","data":{}})");

  EXPECT_EQ(
      call("DELETE", "/api/v1/webhooks/" + webhook + "?purge=false", "", {acme.key, {}}).status,
      204);

  for (int i = 0; i < 20; ++i) {
    loop.advance(Millis{300});
    EXPECT_EQ(
        call("GET", "/api/v1/deliveries", "", {acme.key, {}}).json.at("data").as_array().size(),
        1U);
  }
}

TEST_F(Tenancy, ATenantThatIsDeletedMeanwhileTakesOnlyItsOwnEventsOutOfABatch) {
  const std::string event = R"({"event_type":"user.created","data":{},"tenant_id":")";
  const auto deleted = begin("DELETE", "/api/v1/tenants/" + rival.tenant, "", {admin, {}});
  // Planned from a directory that still has the tenant.
  const auto batch =
      begin("POST", "/api/v1/events/batch",
            R"({"events":[)" + event + acme.tenant + R"("},)" + event + rival.tenant + R"("}]})",
            {admin, {}});

  EXPECT_EQ(await(deleted).status, 204);
  const auto reply = await(batch);

  ASSERT_EQ(reply.status, 202) << reply.text;
  EXPECT_EQ(reply.json.at("data").at(0).at("status"), 202);
  EXPECT_EQ(reply.json.at("data").at(1).at("status"), 404);
}

}  // namespace
}  // namespace fanfare
