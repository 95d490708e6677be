// A profile through the whole API: its defaults, its names in requests and answers, its paths.
#include <set>

#include <gmock/gmock.h>

#include "api/api_fixture.h"
#include "api/field_names.h"
#include "api/profile_names.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

Profile shop() {
  Profile profile;
  profile.name = "shop";
  profile.title = "A shop";
  profile.tenant_word = "shop_id";
  profile.webhooks.retry = *retry_preset("nuke");
  profile.webhooks.signature = {SignatureScheme::stripe, "", "Shop", false};
  profile.webhooks.envelope = Envelope::event;
  profile.webhooks.timeout = std::chrono::seconds{7};
  profile.webhooks.secret_format = SecretFormat::hex;
  profile.webhooks.rotation_overlap = Millis{0};
  profile.limits.payload_bytes = 20;
  profile.limits.webhooks_per_tenant = 2;
  profile.paths = {{"", "/hooks", "", "", "/api/v1/webhooks"},
                   {"DELETE", "/remove", "id", "", "/api/v1/webhooks"},
                   {"POST", "/act", "", "deliver", "/api/v1/events"},
                   {"POST", "/act", "", "retry", "/api/v1/deliveries/retry-due"}};
  profile.webhook_requests = {{"retry_config", "retry_policy"}, {"merchant", "tenant_id"}};
  profile.event_requests = {{"what", "event_type"}};
  profile.webhook_answers = {
      {"retry_config", "retry_policy"}, {"enabled", "active"}, {"hook_state", "status"}};
  profile.delivery_answers = {{"endpoint_id", "webhook_id"}};
  profile.attempt_answers = {{"attempt_number", "number"}};
  profile.event_types = {{"user.created", "A user is there", "Users", R"({"id":1})", "", {}}};
  return profile;
}

class ProfileApi : public ApiFixture {
 protected:
  ProfileApi() : ApiFixture(shop()) {
    acme.tenant = as_admin("POST", "/api/v1/tenants", R"({"name":"Acme","external_id":"acme-1"})")
                      .string("id");
    acme.key = make_key(acme.tenant, "tenant");
  }
  ApiReply as_acme(const std::string& method, const std::string& target,
                   const std::string& body = "", HeaderList headers = {}) {
    return call(method, target, body, {acme.key, std::move(headers)});
  }
  ApiReply create(const std::string& more = "") {
    return as_acme("POST", "/api/v1/webhooks",
                   R"({"url":"https://example.com/a","events":["*"])" + more + "}");
  }
  static std::string pointer_of(const ApiReply& reply) {
    return std::string(reply.json.at("errors").at(0).at("pointer").as_string());
  }

  Party acme;
};

// ---- defaults ----

TEST_F(ProfileApi, ANewWebhookHasTheProfilesDefaults) {
  const auto made = create();

  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.string("retry_policy"), "nuke");
  EXPECT_EQ(made.json.at("retry_count"), 4);
  EXPECT_EQ(made.string("envelope"), "event");
  EXPECT_EQ(made.json.at("signature").at("header_prefix"), "Shop");
  EXPECT_EQ(made.json.at("timeout_seconds"), 7);
  EXPECT_THAT(made.string("secret"), MatchesRegex("whsec_[0-9a-f]{64}"));
}

TEST_F(ProfileApi, ARequestOverridesEachDefault) {
  const auto made = create(
      R"(,"retry_policy":"standard","retry_count":2,"envelope":"raw","signature":"standard",)"
      R"("timeout_seconds":9)");

  ASSERT_EQ(made.status, 201) << made.text;
  EXPECT_EQ(made.json.at("retry_count"), 2);
  EXPECT_EQ(made.string("envelope"), "raw");
  EXPECT_EQ(made.json.at("signature").at("scheme"), "standard");
  EXPECT_EQ(made.json.at("timeout_seconds"), 9);
  EXPECT_EQ(made.string("secret").size(), 6U + 44U) << "this scheme's secrets are base64";
}

TEST_F(ProfileApi, NullInAChangeBringsTheProfilesDefaultBack) {
  const std::string id =
      create(R"(,"retry_policy":"standard","envelope":"raw","timeout_seconds":9,)"
             R"("signature":"hex")")
          .string("id");

  const auto changed =
      as_acme("PATCH", "/api/v1/webhooks/" + id,
              R"({"retry_policy":null,"envelope":null,"timeout_seconds":null,"signature":null})");

  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(changed.string("retry_policy"), "nuke");
  EXPECT_EQ(changed.string("envelope"), "event");
  EXPECT_EQ(changed.json.at("timeout_seconds"), 7);
  EXPECT_EQ(changed.json.at("signature").at("header_prefix"), "Shop");
}

TEST_F(ProfileApi, ARotationTakesOverlapAndFormatFromTheProfile) {
  const std::string path = "/api/v1/webhooks/" + create().string("id") + "/rotate-secret";

  const auto at_once = as_acme("POST", path);
  const auto later = as_acme("POST", path, R"({"overlap_seconds":60})");

  EXPECT_THAT(at_once.string("secret"), MatchesRegex("whsec_[0-9a-f]{64}"));
  EXPECT_TRUE(at_once.json.at("previous_expires_at").is_null());
  EXPECT_TRUE(later.json.at("previous_expires_at").is_string());
}

TEST_F(ProfileApi, ItsLimitsAreTighter) {
  create();
  create();

  EXPECT_EQ(create().status, 409);
  const std::string data = "\"" + std::string(30, 'x') + "\"";
  const auto event =
      as_acme("POST", "/api/v1/events", R"({"event_type":"user.created","data":)" + data + "}");
  EXPECT_EQ(event.status, 413);
  EXPECT_THAT(event.string("detail"), HasSubstr("at most 20 bytes"));
}

TEST_F(ProfileApi, ItsEventTypesAreTheCatalogue) {
  const auto list = as_acme("GET", "/api/v1/webhooks/events");

  ASSERT_EQ(list.json.at("data").as_array().size(), 1U);
  const auto& type = list.json.at("data").at(0);
  EXPECT_EQ(type.at("name"), "user.created");
  EXPECT_EQ(type.at("category"), "Users");
  EXPECT_EQ(type.at("description"), "A user is there");
  EXPECT_EQ(type.at("sample").at("id"), 1);
}

TEST_F(ProfileApi, EveryKeyMaySeeTheProfileAndNobodyElse) {
  for (const std::string role : {"tenant", "read", "publish"}) {
    const auto shown = call("GET", "/api/v1/profile", "", {make_key(acme.tenant, role), {}});

    ASSERT_EQ(shown.status, 200) << role;
    EXPECT_EQ(shown.string("name"), "shop");
    EXPECT_EQ(shown.string("title"), "A shop");
    EXPECT_EQ(shown.string("tenant_word"), "shop_id");
    EXPECT_EQ(shown.json.at("signature").at("scheme"), "stripe");
    EXPECT_EQ(shown.string("retry_policy"), "nuke");
    EXPECT_EQ(shown.string("envelope"), "event");
  }
  EXPECT_EQ(call("GET", "/api/v1/profile", "", {"", {}}).status, 401);
}

// ---- names in requests ----

TEST_F(ProfileApi, AnAliasIsReadAndItsMistakesAreNamedByIt) {
  EXPECT_EQ(create(R"(,"retry_config":{"schedule":["1s"],"attempts":3})").json.at("retry_count"),
            2);
  const auto refused = create(R"(,"retry_config":{"schedule":["soon"]})");

  ASSERT_EQ(refused.status, 422);
  EXPECT_EQ(pointer_of(refused), "/retry_config/schedule/0");
}

TEST_F(ProfileApi, TwoNamesThatContradictAreAMistake) {
  EXPECT_EQ(create(R"(,"retry_config":"nuke","retry_policy":"nuke")").status, 201);
  const auto refused = create(R"(,"retry_config":"nuke","retry_policy":"standard")");

  ASSERT_EQ(refused.status, 422);
  EXPECT_EQ(pointer_of(refused), "/retry_config");
}

TEST_F(ProfileApi, AnotherProfilesAliasIsNoField) {
  EXPECT_EQ(create(R"(,"what":"x")").status, 422);
  EXPECT_EQ(as_acme("POST", "/api/v1/events", R"({"retry_config":"x"})").status, 422);
}

TEST_F(ProfileApi, AnEventIsPublishedUnderAnyNameOfItsFields) {
  for (const std::string body :
       {R"({"event_type":"user.created","data":1})", R"({"event":"user.created","payload":1})",
        R"({"type":"user.created","data":1})", R"({"what":"user.created","data":1})",
        R"({"wh\u0061t":"user.created","data":1})"}) {
    EXPECT_EQ(as_acme("POST", "/api/v1/events", body).status, 202) << body;
  }
  EXPECT_EQ(
      as_acme("POST", "/api/v1/events", R"({"what":"user.created","event_type":"b","data":1})")
          .status,
      422);
}

TEST_F(ProfileApi, TheTenantIsNamedByTheProfilesWordEverywhere) {
  const std::string webhook = R"({"url":"https://example.com/a","events":["*"],)";
  const auto made = as_admin("POST", "/api/v1/webhooks", webhook + R"("shop_id":"acme-1"})");
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string path = "/api/v1/webhooks/" + made.string("id");

  EXPECT_EQ(as_admin("POST", "/api/v1/webhooks", webhook + R"("merchant":"acme-1"})").status, 201);
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks?shop_id=acme-1").status, 200);
  EXPECT_EQ(as_admin("GET", "/api/v1/webhooks?limit=1&shop_id=acme-1").status, 200);
  EXPECT_EQ(as_admin("PATCH", path, R"({"shop_id":"acme-1","name":"n"})").status, 200);
  EXPECT_EQ(as_admin("POST", path + "/pause", R"({"shop_id":"acme-1"})").status, 200);
  EXPECT_EQ(as_admin("POST", "/api/v1/events",
                     R"({"shop_id":"acme-1","event_type":"user.created","data":1})")
                .status,
            202);
  EXPECT_EQ(as_admin("POST", "/api/v1/events/batch",
                     R"({"shop_id":"acme-1","events":[{"event_type":"user.created","data":1}]})")
                .json.at("data")
                .at(0)
                .at("status"),
            202);
  EXPECT_EQ(as_admin("PATCH", path, R"({"shop_id":"nobody","name":"n"})").status, 404);
  EXPECT_EQ(
      as_admin("PATCH", path, R"({"shop_id":"acme-1","tenant_id":"nobody","name":"n"})").status,
      422);
}

// ---- names in answers ----

TEST_F(ProfileApi, AnAnswerCarriesBothNames) {
  const auto made = create();

  EXPECT_EQ(made.string("tenant_id"), acme.tenant);
  EXPECT_EQ(made.string("shop_id"), "acme-1");
  EXPECT_EQ(made.string("retry_config"), "nuke");
  EXPECT_EQ(made.json.at("enabled"), true);
  EXPECT_EQ(made.string("hook_state"), "active");
  const auto list = as_acme("GET", "/api/v1/webhooks");
  EXPECT_EQ(list.json.at("data").at(0).at("shop_id"), "acme-1");
}

TEST_F(ProfileApi, DeliveriesAndAttemptsDoSoInsideOthersToo) {
  const std::string webhook = create().string("id");
  const auto event =
      as_acme("POST", "/api/v1/events", R"({"event_type":"user.created","data":{"id":"wh_1"}})");
  ASSERT_EQ(event.status, 202);
  const std::string path = "/api/v1/events/" + event.string("id");
  std::string delivery;
  ASSERT_TRUE(turn_until([&] {
    const auto list = as_acme("GET", path + "/deliveries");
    const auto& first = list.json.at("data").at(0);
    delivery = first.at("id").as_string();
    EXPECT_EQ(first.at("endpoint_id"), webhook.c_str());
    return first.at("status") == "success";
  }));

  const auto one = as_acme("GET", "/api/v1/deliveries/" + delivery);
  EXPECT_EQ(one.string("endpoint_id"), webhook);
  EXPECT_EQ(one.json.at("attempt_log").at(0).at("attempt_number"), 1);
  const auto hook = as_acme("GET", "/api/v1/webhooks/" + webhook);
  EXPECT_EQ(hook.json.at("recent_deliveries").at(0).at("endpoint_id"), webhook.c_str());
  const auto read = as_acme("GET", path);
  EXPECT_THAT(read.text, HasSubstr(R"("data":{"id":"wh_1"})")) << "a customer's data is his own";
  EXPECT_EQ(read.string("shop_id"), "acme-1");
}

TEST_F(ProfileApi, AnAnswerSentBackChangesNothing) {
  const auto made = create();
  const std::string path = "/api/v1/webhooks/" + made.string("id");
  const auto read = as_acme("GET", path);

  const auto back = as_acme("PUT", path, read.text);

  ASSERT_EQ(back.status, 200) << back.text;
  EXPECT_EQ(back.json.at("version"), 1);
}

TEST_F(ProfileApi, WhatWasChangedInAnAnswerSentBackCountsUnderEitherName) {
  const auto made = create();
  const std::string path = "/api/v1/webhooks/" + made.string("id");
  auto theirs = as_acme("GET", path).json.as_object();
  theirs["enabled"] = false;
  theirs["retry_config"] = "standard";
  auto ours = theirs;

  const auto changed = as_acme("PUT", path, boost::json::serialize(theirs));

  ASSERT_EQ(changed.status, 200) << changed.text;
  EXPECT_EQ(changed.string("status"), "disabled");
  EXPECT_EQ(changed.string("retry_policy"), "standard") << "its old retry_count does not cut it";

  ours = as_acme("GET", path).json.as_object();
  ours["active"] = true;
  EXPECT_EQ(as_acme("PUT", path, boost::json::serialize(ours)).string("status"), "active");
}

TEST_F(ProfileApi, AKeptAnswerIsRepeatedWithBothNames) {
  const HeaderList key = {{"Idempotency-Key", "k1"}};
  const std::string body = R"({"url":"https://example.com/a","events":["*"]})";
  const auto first = as_acme("POST", "/api/v1/webhooks", body, key);

  const auto again = as_acme("POST", "/hooks", body, key);

  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.string("shop_id"), "acme-1");
}

// ---- paths ----

TEST_F(ProfileApi, ItsPathsDoWhatOursDo) {
  const auto made = as_acme("POST", "/hooks/", R"({"url":"https://example.com/a","events":["*"]})");
  ASSERT_EQ(made.status, 201) << made.text;
  const std::string path = "/hooks/" + made.string("id");

  EXPECT_EQ(as_acme("PATCH", path, R"({"name":"a"})").string("name"), "a");
  EXPECT_EQ(as_acme("PUT", path, R"({"name":"b"})").string("name"), "b");
  EXPECT_EQ(as_acme("GET", path).status, 200);
  EXPECT_EQ(as_acme("POST", path + "/rotate-secret").status, 200);
  EXPECT_EQ(as_acme("DELETE", "/remove?id=" + made.string("id")).status, 204);
  EXPECT_EQ(as_acme("GET", path).status, 404);
}

TEST_F(ProfileApi, ItsPathsAskForTheSameRightsAndBodies) {
  EXPECT_EQ(call("POST", "/hooks", "{}", {"", {}}).status, 401);
  EXPECT_EQ(call("POST", "/hooks", "{}", {make_key(acme.tenant, "read"), {}}).status, 403);
  EXPECT_EQ(as_acme("GET", "/hooks", "{}").status, 413);
  EXPECT_EQ(as_acme("POST", "/hooks", std::string(limits::kBodyBytesMax + 1, ' ')).status, 413);
  const auto wrong = as_acme("PUT", "/hooks", "{}");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.header("Allow"), "POST, GET");
}

TEST_F(ProfileApi, AFormTypeIsPassedOverWhereTheBodyIsJson) {
  const HeaderList form = {{"Content-Type", "application/x-www-form-urlencoded"}};
  const std::string body = R"({"url":"https://example.com/a","events":["*"]})";

  EXPECT_EQ(as_acme("POST", "/hooks", body, form).status, 201);
  EXPECT_EQ(as_acme("POST", "/hooks", "url=https://example.com", form).status, 415);
  EXPECT_EQ(as_acme("POST", "/api/v1/webhooks", body, form).status, 415) << "only on its own paths";
  EXPECT_EQ(as_acme("POST", "/hooks", body, {{"Content-Type", "text/plain"}}).status, 415);
}

TEST_F(ProfileApi, TheBodysActionChoosesTheRouteAndItsRights) {
  const std::string deliver = R"({"action":"deliver","event_type":"user.created","data":1})";

  EXPECT_EQ(as_acme("POST", "/act", deliver).status, 202);
  EXPECT_EQ(as_admin("POST", "/act", R"({"action": "retry"})").status, 202);
  EXPECT_EQ(as_acme("POST", "/act", R"({"action": "retry"})").status, 403);
  EXPECT_EQ(call("POST", "/act", deliver, {make_key(acme.tenant, "read"), {}}).status, 403);
  EXPECT_EQ(as_acme("POST", "/act", "").status, 422);
  EXPECT_EQ(as_acme("POST", "/act", R"({"action":"destroy"})").status, 422);
  EXPECT_EQ(as_acme("POST", "/api/v1/events", deliver).status, 422) << "no field of ours";
}

// ---- a tenant known by its external id alone ----

Profile known_by_external_id() {
  Profile profile;
  profile.tenant_id_is_external = true;
  return profile;
}

class ExternalIdApi : public ApiFixture {
 protected:
  ExternalIdApi() : ApiFixture(known_by_external_id()) { make_type("user.created"); }
};

TEST_F(ExternalIdApi, TenantIdOfAnAnswerIsTheExternalOne) {
  as_admin("POST", "/api/v1/tenants", R"({"name":"Acme","external_id":"acme-1"})");
  const auto made = as_admin(
      "POST", "/api/v1/webhooks",
      R"({"tenant_id":"acme-1","url":"https://example.com/a","events":["*"],"name":"before"})");

  EXPECT_EQ(made.string("tenant_id"), "acme-1");
  const auto list = as_admin("GET", "/api/v1/webhooks?tenant_id=acme-1");
  EXPECT_EQ(list.json.at("data").at(0).at("tenant_id"), "acme-1");
  auto back = made.json.as_object();
  back.erase("secret");
  const auto put =
      as_admin("PUT", "/api/v1/webhooks/" + made.string("id"), boost::json::serialize(back));
  EXPECT_EQ(put.status, 200) << put.text;
  const auto event = as_admin(
      "POST", "/api/v1/events",
      R"({"tenant_id":"acme-1","event_type":"user.created","data":{"tenant_id":"theirs"}})");
  const auto read = as_admin("GET", "/api/v1/events/" + event.string("id"));
  EXPECT_EQ(read.string("tenant_id"), "acme-1");
  EXPECT_THAT(read.text, HasSubstr(R"("data":{"tenant_id":"theirs"})"));
}

TEST_F(ExternalIdApi, ATenantWithoutOneKeepsOurs) {
  const Party party = make_party("Acme");

  const auto list = call("GET", "/api/v1/webhooks/" + make_webhook(party), "", {party.key, {}});

  EXPECT_EQ(list.string("tenant_id"), party.tenant);
}

// ---- the list of names ----

TEST_F(ApiFixture, EveryFieldOfAnAnswerCanHaveAnotherName) {
  make_type("user.created");
  const Party party = make_party("Acme");
  const auto hook = call("GET", "/api/v1/webhooks/" + make_webhook(party), "", {party.key, {}});
  call("POST", "/api/v1/events", R"({"event_type":"user.created","data":1})", {party.key, {}});
  ApiReply one;
  ASSERT_TRUE(turn_until([&] {
    const auto list = call("GET", "/api/v1/deliveries", "", {party.key, {}});
    const std::string id(list.json.at("data").at(0).at("id").as_string());
    one = call("GET", "/api/v1/deliveries/" + id, "", {party.key, {}});
    return one.string("status") == "success";
  }));
  const auto expect_known = [](const boost::json::object& object, auto names) {
    const std::set<std::string_view> known(names.begin(), names.end());
    for (const auto& member : object) {
      EXPECT_TRUE(known.contains({member.key().data(), member.key().size()})) << member.key();
    }
  };

  expect_known(hook.json.as_object(), webhook_answer_fields());
  expect_known(one.json.as_object(), delivery_answer_fields());
  expect_known(one.json.at("attempt_log").at(0).as_object(), attempt_answer_fields());
}

TEST_F(ApiFixture, WithoutAProfileAnswersAreAsTheyWere) {
  EXPECT_FALSE(AnswerNames(standard_profile(), engine->directory()).are_needed());
}

// A word that everybody may use is the profile's too, and it has another one beside it.
TEST(ProfileQueries, AnAliasOfTheTenantsWordWorksInQueriesToo) {
  Profile profile;
  profile.tenant_word = "org_id";
  profile.webhook_requests = {{"organization_id", "tenant_id"}};

  EXPECT_EQ(with_tenant_renamed(profile, "limit=1&organization_id=a"), "limit=1&tenant_id=a");
  EXPECT_EQ(with_tenant_renamed(profile, "org_id=a"), "org_id=a");
  EXPECT_EQ(with_tenant_renamed(profile, "org_id=a&organization_id=b"),
            "org_id=a&organization_id=b");
}

}  // namespace
}  // namespace fanfare
