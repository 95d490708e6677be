// The id that a webhook had elsewhere stands wherever its own id may.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class LegacyId : public TwoParties {
 protected:
  ApiReply create(const Party& party, const std::string& legacy_id) {
    return call(
        "POST", "/api/v1/webhooks",
        R"({"url":"https://example.com/a","events":["*"],"legacy_id":")" + legacy_id + "\"}",
        {party.key, {}});
  }
  ApiReply as_acme(const std::string& method, const std::string& target,
                   const std::string& body = "") {
    return call(method, target, body, {acme.key, {}});
  }
};

TEST_F(LegacyId, IsShownAndStandsInThePath) {
  const std::string id = create(acme, "3f2b-17").string("id");

  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/3f2b-17").string("id"), id);
  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/" + id).string("legacy_id"), "3f2b-17");
  EXPECT_EQ(as_acme("PATCH", "/api/v1/webhooks/3f2b-17", R"({"name":"n"})").string("id"), id);
  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/3f2b-17/deliveries").status, 200);
  EXPECT_EQ(as_acme("POST", "/api/v1/webhooks/3f2b-17/pause").status, 200);
  EXPECT_EQ(as_acme("DELETE", "/api/v1/webhooks/3f2b-17").status, 204);
  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/3f2b-17").status, 404);
}

TEST_F(LegacyId, StandsInBodiesAndFilters) {
  const std::string id = create(acme, "17").string("id");
  create(acme, "18");

  const auto published = as_acme("POST", "/api/v1/events",
                                 R"({"event_type":"user.created","data":{},"webhook_ids":["17"]})");
  const auto tested =
      as_acme("POST", "/api/v1/webhooks/test", R"({"webhook_id":"17","payload":{}})");
  const auto listed = as_acme("GET", "/api/v1/deliveries?webhook_id=17");

  EXPECT_EQ(published.json.at("deliveries").as_int64(), 1);
  EXPECT_EQ(tested.status, 200);
  EXPECT_EQ(listed.json.at("data").as_array().size(), 2U);
  EXPECT_EQ(listed.json.at("data").at(0).at("webhook_id").as_string(), id.c_str());
  EXPECT_EQ(as_acme("GET", "/api/v1/deliveries?webhook_id=99").status, 422);
}

TEST_F(LegacyId, IsUniqueWithinATenantAndFreeInAnother) {
  EXPECT_EQ(create(acme, "17").status, 201);

  const auto again = create(acme, "17");

  EXPECT_EQ(again.status, 409);
  EXPECT_NE(again.text.find("17"), std::string::npos);
  EXPECT_EQ(create(rival, "17").status, 201);
}

TEST_F(LegacyId, OfAnotherTenantIsNotFound) {
  create(acme, "17");

  EXPECT_EQ(call("GET", "/api/v1/webhooks/17", "", {rival.key, {}}).status, 404);
}

TEST_F(LegacyId, NeedsATenantFromAnAdminOnlyIfTwoTenantsHaveIt) {
  const std::string id = create(acme, "17").string("id");
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks/17").string("id"), id);
  create(rival, "17");

  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks/17").status, 404);
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks/17?tenant_id=" + acme.tenant).string("id"), id);
}

TEST_F(LegacyId, CanBeChangedAndTakenAway) {
  create(acme, "17");

  EXPECT_EQ(as_acme("PATCH", "/api/v1/webhooks/17", R"({"legacy_id":"18"})").status, 200);
  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/17").status, 404);
  EXPECT_EQ(as_acme("PATCH", "/api/v1/webhooks/18", R"({"legacy_id":null})").status, 200);
  EXPECT_EQ(as_acme("GET", "/api/v1/webhooks/18").status, 404);
}

TEST_F(LegacyId, MustNotLookLikeAnIdOfOurs) {
  EXPECT_EQ(create(acme, "wh_17").status, 422);
  EXPECT_EQ(create(acme, "").status, 422);
}

}  // namespace
}  // namespace fanfare
