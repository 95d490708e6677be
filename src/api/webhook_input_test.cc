#include "api/webhook_input.h"

#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "api/custom_headers.h"
#include "api/views.h"
#include "signing/signer.h"
#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class WebhookInput : public ::testing::Test {
 protected:
  WebhookRules rules() {
    return {policy_,
            {"invoice.paid", "user.created", "user.deleted"},
            catalogue_is_open,
            random_,
            kStart,
            [](const std::string&, const std::string&) { return false; },
            std::nullopt,
            standard_profile(),
            events_kept};
  }
  WebhookBody apply(std::string_view json, Webhook& webhook, bool is_new) {
    const auto body = parse_object(json);
    EXPECT_TRUE(body) << json;
    return apply_webhook_body(body.value_or(boost::json::object{}), rules(), is_new, webhook);
  }
  Webhook created(std::string_view more = "") {
    Webhook webhook;
    std::string json = R"({"url":"https://example.com/a","events":["user.created"])";
    if (!more.empty()) json.append(",").append(more);
    const WebhookBody body = apply(json + "}", webhook, true);
    for (const FieldError& error : body.errors)
      ADD_FAILURE() << error.pointer << " " << error.detail;
    return webhook;
  }
  // "pointer code" of each error of a change.
  std::string errors_of_change(Webhook webhook, std::string_view json) {
    std::string text;
    for (const FieldError& error : apply(json, webhook, false).errors) {
      text += error.pointer + " " + error.code + ";";
    }
    return text;
  }
  Webhook changed(Webhook webhook, std::string_view json) {
    EXPECT_EQ(errors_of_change(webhook, json), "");
    apply(json, webhook, false);
    return webhook;
  }

  bool catalogue_is_open = false;
  Millis events_kept = 30 * 24h;

 private:
  EgressPolicy policy_;
  SeededRandom random_{7};
};

TEST_F(WebhookInput, ACreateStartsFromTheDefaults) {
  const Webhook webhook = created();
  EXPECT_EQ(webhook.settings.retry.preset, "standard");
  EXPECT_EQ(webhook.settings.retry.attempts, 10);
  EXPECT_EQ(webhook.settings.timeout, 30s);
  EXPECT_EQ(webhook.settings.max_in_flight, 10);
  EXPECT_EQ(webhook.status, WebhookStatus::active);
  ASSERT_EQ(webhook.secrets.size(), 1U);
  EXPECT_TRUE(webhook.secrets[0].text.reveal().starts_with("whsec_"));
}

struct BadInput {
  const char* json;
  const char* error;
};

// Each of these, sent as a change to a webhook that is fine, is refused with exactly this error.
const BadInput kBadInputs[] = {
    {R"({"url":1})", "/url wrong_type;"},
    {R"({"url":null})", "/url required;"},
    {R"({"url":""})", "/url invalid_text;"},
    {R"({"url":"ftp://example.com"})", "/url invalid_url;"},
    {R"({"url":"http://example.com"})", "/url invalid_url;"},
    {R"({"url":"https://127.0.0.1/"})", "/url invalid_url;"},
    {R"({"url":"https://169.254.169.254/latest"})", "/url invalid_url;"},
    {R"({"url":"https://[::1]/"})", "/url invalid_url;"},
    {R"({"url":"https://localhost/"})", "/url invalid_url;"},
    {R"({"url":"https://a:b@example.com/"})", "/url invalid_url;"},
    {R"({"url":"https://example.com:22/"})", "/url invalid_url;"},
    {R"({"url":"https://example.com/\r\nX: y"})", "/url invalid_text;"},
    {R"({"events":null})", "/events required;"},
    {R"({"events":[]})", "/events required;"},
    {R"({"events":"*"})", "/events wrong_type;"},
    {R"({"events":[1]})", "/events/0 wrong_type;"},
    {R"({"events":["user.created","user..created"]})", "/events/1 invalid_event_type;"},
    {R"({"events":["user.creatd"]})", "/events/0 unknown_event_type;"},
    {R"({"events":["order.*"]})", "/events/0 unknown_event_type;"},
    {R"({"name":7})", "/name wrong_type;"},
    {R"({"name":"a\nb"})", "/name invalid_text;"},
    {R"({"description":false})", "/description wrong_type;"},
    {R"({"active":"yes"})", "/active wrong_type;"},
    {R"({"active":true,"is_active":false})", "/is_active conflicting;"},
    {R"({"headers":[]})", "/headers wrong_type;"},
    {R"({"headers":{"Host":"x"}})", "/headers/Host invalid_header;"},
    {R"({"headers":{"webhook-signature":"x"}})", "/headers/webhook-signature invalid_header;"},
    {R"({"headers":{"X-Fanfare-A":"x"}})", "/headers/X-Fanfare-A invalid_header;"},
    {R"({"headers":{"Content-Type":"x"}})", "/headers/Content-Type invalid_header;"},
    {R"({"headers":{"X-Forwarded-For":"x"}})", "/headers/X-Forwarded-For invalid_header;"},
    {R"({"headers":{"Metadata-Flavor":"Google"}})", "/headers/Metadata-Flavor invalid_header;"},
    {R"({"headers":{"X-aws-ec2-metadata-token":"x"}})",
     "/headers/X-aws-ec2-metadata-token invalid_header;"},
    {R"({"headers":{"a b":"x"}})", "/headers/a b invalid_header;"},
    {R"({"headers":{"":"x"}})", "/headers/ invalid_header;"},
    {R"({"headers":{"A":"x\r\nB: y"}})", "/headers/A invalid_header;"},
    {R"({"headers":{"A":"ü"}})", "/headers/A invalid_header;"},
    {R"({"headers":{"A":" x"}})", "/headers/A invalid_header;"},
    {R"({"headers":{"A":""}})", "/headers/A invalid_header;"},
    {R"({"headers":{"A":1}})", "/headers/A wrong_type;"},
    {R"({"headers":{"A":"x","a":"y"}})", "/headers/a duplicate;"},
    {R"({"headers":{"A":"***"}})", "/headers/A masked_value;"},
    {R"({"secret":"short"})", "/secret invalid_secret;"},
    {R"({"secret":"whsk_AAAA"})", "/secret invalid_secret;"},
    {R"({"secret":5})", "/secret wrong_type;"},
    {R"({"signature":"md5"})", "/signature unknown_scheme;"},
    {R"({"signature":3})", "/signature wrong_type;"},
    {R"({"signature":{"scheme":"md5"}})", "/signature/scheme unknown_scheme;"},
    {R"({"signature":{"header":"X-A"}})", "/signature/header not_for_scheme;"},
    {R"({"signature":{"scheme":"hex","header":"Host"}})", "/signature/header invalid_header;"},
    {R"({"signature":{"scheme":"hex","header":"a b"}})", "/signature/header invalid_header;"},
    {R"({"signature":{"scheme":"hex","ed25519":true}})", "/signature/ed25519 not_for_scheme;"},
    {R"({"signature":{"scheme":"hex","header_prefix":"A"}})",
     "/signature/header_prefix not_for_scheme;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"a:b"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"Stripe"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"STRIPE"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"Webhook"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"webhook"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"stripe","header_prefix":"X-Forwarded"}})",
     "/signature/header_prefix invalid_header;"},
    {R"({"signature":{"scheme":"hex","header":"Webhook-Signature"}})",
     "/signature/header invalid_header;"},
    {R"({"signature":{"algorithm":"sha1"}})", "/signature/algorithm unknown_field;"},
    {R"({"envelope":"soap"})", "/envelope unknown_envelope;"},
    {R"({"envelope":{}})", "/envelope wrong_type;"},
    {R"({"retry_policy":"often"})", "/retry_policy unknown_preset;"},
    {R"({"retry_policy":5})", "/retry_policy wrong_type;"},
    {R"({"retry_policy":{}})", "/retry_policy required;"},
    {R"({"retry_policy":{"schedule":["soon"]}})", "/retry_policy/schedule/0 invalid_duration;"},
    {R"({"retry_policy":{"schedule":[60]}})", "/retry_policy/schedule/0 wrong_type;"},
    {R"({"retry_policy":{"schedule":["20d"]}})", "/retry_policy out_of_range;"},
    {R"({"retry_policy":{"schedule":["1m"],"attempts":21}})",
     "/retry_policy/attempts out_of_range;"},
    {R"({"retry_policy":{"schedule":["1m"],"attempts":0}})",
     "/retry_policy/attempts out_of_range;"},
    {R"({"retry_policy":{"schedule":["1m"],"jitter":2}})", "/retry_policy/jitter out_of_range;"},
    {R"({"retry_policy":{"schedule":["1m"],"colour":2}})", "/retry_policy/colour unknown_field;"},
    {R"({"retry_policy":{"backoff":"linear"}})", "/retry_policy/backoff unknown_backoff;"},
    {R"({"retry_policy":{"backoff":"exponential","factor":0}})",
     "/retry_policy/factor out_of_range;"},
    {R"({"retry_policy":{"preset":"x"}})", "/retry_policy/preset unknown_preset;"},
    {R"({"retry_count":20})", "/retry_count out_of_range;"},
    {R"({"retry_count":-1})", "/retry_count out_of_range;"},
    {R"({"retry_count":"3"})", "/retry_count wrong_type;"},
    {R"({"timeout_seconds":0})", "/timeout_seconds out_of_range;"},
    {R"({"timeout_seconds":61})", "/timeout_seconds out_of_range;"},
    {R"({"timeout_seconds":1.5})", "/timeout_seconds out_of_range;"},
    {R"({"max_in_flight":0})", "/max_in_flight out_of_range;"},
    {R"({"max_in_flight":101})", "/max_in_flight out_of_range;"},
    {R"({"metadata":{"a":1}})", "/metadata/a wrong_type;"},
    {R"({"metadata":"x"})", "/metadata wrong_type;"},
    {R"({"id":"wh_other"})", "/id read_only;"},
    {R"({"status":"paused"})", "/status read_only;"},
    {R"({"ordered":true})", "/ordered unknown_field;"},
    {R"({"rate_limit":{"per_second":1}})", "/rate_limit unknown_field;"},
    {R"({"filter":{}})", "/filter unknown_field;"},
};

TEST_F(WebhookInput, EachMistakeHasItsOwnError) {
  const Webhook webhook = created();
  for (const BadInput& bad : kBadInputs)
    EXPECT_EQ(errors_of_change(webhook, bad.json), bad.error) << bad.json;
}

TEST_F(WebhookInput, ASignatureIsSavedOnlyIfTheSignerCanSendIt) {
  for (const std::string name : {"Stripe", "STRIPE", "webhook", "Webhook", "Webhook-Id", "Host",
                                 "user-agent", "Nuke", "X-Hub", "Te", "Cookie"}) {
    for (const std::string field :
         {R"("scheme":"stripe","header_prefix")", R"("scheme":"hex","header")"}) {
      Webhook webhook = created();
      const std::string change =
          R"({"secret":"a secret of some length","signature":{)" + field + ":\"" + name + "\"}}";
      if (!apply(change, webhook, false).errors.empty()) continue;
      EXPECT_TRUE(Signer::make(webhook.settings.signature, webhook.secrets)) << change;
    }
  }
}

TEST_F(WebhookInput, TheStripePrefixSaysWhatToDoInstead) {
  Webhook webhook = created();
  const WebhookBody body =
      apply(R"({"signature":{"scheme":"stripe","header_prefix":"Stripe"}})", webhook, false);
  ASSERT_EQ(body.errors.size(), 1U);
  EXPECT_EQ(body.errors[0].detail,
            "leave header_prefix out: Stripe-Signature is what the scheme sends by itself");
}

TEST_F(WebhookInput, ACreateNamesAllThatIsMissing) {
  Webhook webhook;
  const WebhookBody body = apply("{}", webhook, true);
  ASSERT_EQ(body.errors.size(), 2U);
  EXPECT_EQ(body.errors[0].pointer, "/url");
  EXPECT_EQ(body.errors[1].pointer, "/events");
}

TEST_F(WebhookInput, AnUnknownEventTypeNamesTheClosest) {
  Webhook webhook = created();
  const WebhookBody body = apply(R"({"events":["user.creatd"]})", webhook, false);
  ASSERT_EQ(body.errors.size(), 1U);
  EXPECT_NE(body.errors[0].detail.find("\"user.created\""), std::string::npos);
}

TEST_F(WebhookInput, AnOpenCatalogueTakesAnyName) {
  catalogue_is_open = true;
  EXPECT_EQ(changed(created(), R"({"events":["order.shipped","order.*"]})").settings.events.size(),
            2U);
}

TEST_F(WebhookInput, EventsAreKeptOnceEach) {
  const auto events = changed(created(), R"({"events":["*","user.*","*"]})").settings.events;
  EXPECT_EQ(events, (std::vector<std::string>{"*", "user.*"}));
}

TEST_F(WebhookInput, LongListsAndTextsAreBounded) {
  const Webhook webhook = created();
  EXPECT_EQ(errors_of_change(webhook, "{\"name\":\"" + std::string(201, 'a') + "\"}"),
            "/name invalid_text;");
  EXPECT_EQ(
      errors_of_change(webhook, "{\"url\":\"https://example.com/" + std::string(2048, 'a') + "\"}"),
      "/url invalid_text;");
  std::string names = "\"*\"";
  for (std::size_t i = 0; i < limits::kWebhookEventsMax; ++i) names += ",\"*\"";
  EXPECT_EQ(errors_of_change(webhook, "{\"events\":[" + names + "]}"), "/events too_many;");
  std::string headers;
  for (std::size_t i = 0; i <= limits::kCustomHeadersMax; ++i) {
    headers += (i ? ",\"A" : "\"A") + std::to_string(i) + "\":\"x\"";
  }
  EXPECT_EQ(errors_of_change(webhook, "{\"headers\":{" + headers + "}}"), "/headers too_many;");
  const std::string large(4000, 'x');
  EXPECT_EQ(errors_of_change(webhook, R"({"headers":{"A":")" + large + R"(","B":")" + large +
                                          R"(","C":")" + large + "\"}}"),
            "/headers too_large;");
}

TEST_F(WebhookInput, AChangeLeavesWhatItDoesNotName) {
  const Webhook before =
      created(R"("name":"n","headers":{"A":"x"},"metadata":{"k":"v"},"max_in_flight":3)");
  const Webhook after = changed(before, R"({"description":"d"})");
  WebhookSettings expected = before.settings;
  expected.description = "d";
  EXPECT_EQ(after.settings, expected);
  EXPECT_EQ(after.secrets[0].text, before.secrets[0].text);
}

TEST_F(WebhookInput, NullSetsAFieldBackToItsDefault) {
  const Webhook before =
      created(R"("name":"n","headers":{"A":"x"},"metadata":{"k":"v"},"max_in_flight":3,)"
              R"("timeout_seconds":5,"retry_policy":"nuke","envelope":"raw")");
  const Webhook after =
      changed(before, R"({"name":null,"headers":null,"metadata":null,"max_in_flight":null,)"
                      R"("timeout_seconds":null,"retry_policy":null,"envelope":null})");
  EXPECT_EQ(after.settings, created().settings);
}

TEST_F(WebhookInput, HeadersMergeByNameWhateverTheCase) {
  const Webhook before = created(R"("headers":{"X-A":"1","X-B":"2"})");
  const Webhook after = changed(before, R"({"headers":{"x-a":"3","X-B":null,"X-C":"4"}})");
  ASSERT_EQ(after.settings.headers.size(), 2U);
  EXPECT_EQ(after.settings.headers[0].value.reveal(), "3");
  EXPECT_EQ(after.settings.headers[1].name, "X-C");
}

TEST_F(WebhookInput, AMaskedValueSentBackMeansUnchanged) {
  const Webhook before = created(R"("headers":{"Authorization":"Bearer 0123456789abcdefghij"})");
  const Webhook after = changed(before, R"({"headers":{"authorization":"***ghij"}})");
  EXPECT_EQ(after.settings.headers[0].value.reveal(), "Bearer 0123456789abcdefghij");
  EXPECT_EQ(errors_of_change(before, R"({"headers":{"Authorization":"***zzzz"}})"),
            "/headers/Authorization masked_value;");
}

TEST_F(WebhookInput, ActiveDisablesAndEnables) {
  const Webhook off = changed(created(), R"({"is_active":false})");
  EXPECT_EQ(off.status, WebhookStatus::disabled);
  EXPECT_EQ(off.disabled_reason, "manual");
  const Webhook on = changed(off, R"({"active":true})");
  EXPECT_EQ(on.status, WebhookStatus::active);
  EXPECT_EQ(on.disabled_reason, "");
}

TEST_F(WebhookInput, ActiveTrueDoesNotResumeAPausedWebhook) {
  Webhook paused = created();
  paused.status = WebhookStatus::paused;
  EXPECT_EQ(changed(paused, R"({"active":true})").status, WebhookStatus::paused);
}

TEST_F(WebhookInput, RetryCountIsAttemptsLessOne) {
  EXPECT_EQ(changed(created(), R"({"retry_count":0})").settings.retry.attempts, 1);
  EXPECT_EQ(changed(created(), R"({"retry_policy":"whatsapp-crm","retry_count":4})")
                .settings.retry.attempts,
            5);
}

TEST_F(WebhookInput, ASchemeTheSecretDoesNotFitNeedsANewSecret) {
  const Webhook own = created(R"("signature":"hex","secret":"a-secret-of-my-own")");
  EXPECT_EQ(own.secrets[0].text.reveal(), "a-secret-of-my-own");
  EXPECT_EQ(errors_of_change(own, R"({"signature":"standard"})"),
            "/signature secret_does_not_fit;");
  EXPECT_EQ(errors_of_change(own, R"({"signature":"github"})"), "");
}

TEST_F(WebhookInput, ASignatureMayNotMoveIntoACustomHeader) {
  const Webhook webhook = created(R"("headers":{"X-Sig":"1"})");
  EXPECT_EQ(errors_of_change(webhook, R"({"signature":{"scheme":"hex","header":"X-Sig"}})"),
            "/signature invalid_header;");
  EXPECT_EQ(errors_of_change(
                webhook, R"({"signature":{"scheme":"hex","header":"X-S"},"headers":{"x-s":"1"}})"),
            "/headers/x-s invalid_header;");
}

TEST_F(WebhookInput, ASignatureMayNotMoveIntoAKeptHeaderWhileAnotherIsSent) {
  EXPECT_EQ(errors_of_change(created(R"("headers":{"X-Sig":"1"})"),
                             R"({"signature":{"scheme":"hex","header":"X-Sig"},)"
                             R"("headers":{"A":"1"}})"),
            "/signature invalid_header;");
}

TEST_F(WebhookInput, KeptHeadersDoNotFollowTheUrlToAnotherPlace) {
  const Webhook webhook =
      created(R"("headers":{"Authorization":"Bearer 0123456789abcdefghij","B":"x"})");
  for (const std::string_view url :
       {"https://evil.example/a", "https://example.com:8443/a", "https://sub.example.com/a"}) {
    const std::string moved = R"({"url":")" + std::string(url) + "\"";
    EXPECT_EQ(errors_of_change(webhook, moved + "}"), "/headers reenter_required;") << url;
    EXPECT_EQ(
        errors_of_change(webhook, moved + R"(,"headers":{"Authorization":"***ghij","B":"x"}})"),
        "/headers reenter_required;");
    EXPECT_EQ(errors_of_change(webhook, moved + R"(,"headers":{"authorization":"y"}})"),
              "/headers reenter_required;");
    EXPECT_EQ(errors_of_change(webhook, moved + R"(,"headers":{"authorization":"y","B":null}})"),
              "");
    EXPECT_EQ(errors_of_change(webhook, moved + R"(,"headers":null})"), "");
  }
}

TEST_F(WebhookInput, KeptHeadersStayWhileTheUrlKeepsItsPlace) {
  const Webhook webhook = created(R"("headers":{"A":"x"})");
  for (const std::string_view url :
       {"https://example.com/b?c=d", "https://EXAMPLE.com:443/a", "https://example.com/a"}) {
    EXPECT_EQ(errors_of_change(webhook, R"({"url":")" + std::string(url) + "\"}"), "") << url;
  }
}

TEST_F(WebhookInput, Ed25519AddsAKeyAndTakesItAway) {
  const Webhook with = changed(created(), R"({"signature":{"ed25519":true}})");
  EXPECT_TRUE(public_key(with).starts_with("whpk_"));
  EXPECT_EQ(with.secrets.size(), 2U);
  EXPECT_TRUE(current_secret(with).reveal().starts_with("whsec_"));
  EXPECT_EQ(changed(with, R"({"signature":{"ed25519":false}})").secrets.size(), 1U);
}

TEST_F(WebhookInput, WhatIsShownMayBeSentBack) {
  Webhook webhook =
      created(R"("headers":{"A":"secret"},"retry_policy":{"backoff":"exponential","initial":"1s",)"
              R"("factor":3,"max":"1h","attempts":5,"jitter":0.1},"signature":{"ed25519":true})");
  webhook.id = id_of<WebhookId>(1);
  webhook.status = WebhookStatus::paused;
  boost::json::object shown = parse_object(view_of(webhook, {kStart, false, "[]"})).value();
  shown.erase("tenant_id");
  const Webhook after = changed(webhook, boost::json::serialize(shown));
  EXPECT_EQ(after.settings, webhook.settings);
  EXPECT_EQ(after.status, webhook.status);
  EXPECT_EQ(after.secrets.size(), webhook.secrets.size());
}

TEST_F(WebhookInput, ViewsShowNoSecretUnlessTold) {
  const Webhook webhook = created(R"("headers":{"A":"hunter2hunter2"})");
  const std::string view = view_of(webhook, {kStart, false, {}});
  EXPECT_EQ(view.find("whsec_"), std::string::npos);
  EXPECT_EQ(view.find("hunter2"), std::string::npos);
  EXPECT_NE(view_of(webhook, {kStart, true, {}}).find("whsec_"), std::string::npos);
}

TEST_F(WebhookInput, RotationKeepsTheOldSecretForTheOverlap) {
  Webhook webhook = created();
  const Secret old = current_secret(webhook);
  SeededRandom random(9);
  ASSERT_TRUE(rotate_secret(webhook, {std::nullopt, 60s}, kStart, random));
  EXPECT_NE(current_secret(webhook), old);
  ASSERT_EQ(webhook.secrets.size(), 2U);
  EXPECT_EQ(webhook.secrets[1].expires_at, kStart + 60s);
  EXPECT_NE(webhook.secrets[0].number, webhook.secrets[1].number);
  EXPECT_EQ(previous_secret_expires_at(webhook, kStart), kStart + 60s);
  EXPECT_EQ(previous_secret_expires_at(webhook, kStart + 60s), std::nullopt);
}

TEST_F(WebhookInput, RotationTakesNoSecretThatSignsAlready) {
  SeededRandom random(3);
  Webhook webhook = created();
  const Secret first = current_secret(webhook);
  const Secret second = generate_secret(random);
  for (const auto overlap : {0s, 60s})
    EXPECT_FALSE(rotate_secret(webhook, {first, overlap}, kStart, random));
  ASSERT_TRUE(rotate_secret(webhook, {second, 60s}, kStart, random));
  for (const Secret& there : {first, second})
    EXPECT_FALSE(rotate_secret(webhook, {there, 60s}, kStart, random));
  EXPECT_EQ(webhook.secrets.size(), 2U);
  EXPECT_EQ(current_secret(webhook), second);
}

TEST_F(WebhookInput, RotationMayGoBackToASecretThatIsNoLongerThere) {
  SeededRandom random(3);
  Webhook webhook = created();
  const Secret first = current_secret(webhook);
  ASSERT_TRUE(rotate_secret(webhook, {std::nullopt, 60s}, kStart, random));
  Webhook at_once = webhook;
  EXPECT_TRUE(rotate_secret(at_once, {first, 0s}, kStart, random));
  EXPECT_EQ(at_once.secrets.size(), 1U);
  EXPECT_TRUE(rotate_secret(webhook, {first, 60s}, kStart + 60s, random));
  EXPECT_EQ(webhook.secrets.size(), 2U);
}

TEST_F(WebhookInput, AChangeThatRepeatsTheSecretChangesNothing) {
  SeededRandom random(3);
  Webhook before = created();
  ASSERT_TRUE(rotate_secret(before, {std::nullopt, 60s}, kStart, random));
  const Webhook after = changed(before, R"({"secret":")" + current_secret(before).reveal() + "\"}");
  ASSERT_EQ(after.secrets.size(), 2U);
  EXPECT_EQ(after.secrets[0].number, before.secrets[0].number);
  EXPECT_EQ(after.secrets[1].expires_at, before.secrets[1].expires_at);
}

TEST_F(WebhookInput, RotationWithoutOverlapDropsTheOldSecret) {
  Webhook webhook = created();
  SeededRandom random(9);
  ASSERT_TRUE(rotate_secret(webhook, {std::nullopt, 0s}, kStart, random));
  EXPECT_EQ(webhook.secrets.size(), 1U);
}

TEST_F(WebhookInput, RotationNeverLengthensALifeAndKeepsFewSecrets) {
  Webhook webhook = created();
  SeededRandom random(9);
  ASSERT_TRUE(rotate_secret(webhook, {std::nullopt, 10s}, kStart, random));
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(rotate_secret(webhook, {std::nullopt, 3600s}, kStart, random));
  EXPECT_LE(webhook.secrets.size(), 4U);
  for (const SigningSecret& secret : webhook.secrets) {
    EXPECT_TRUE(secret.number != 1 || secret.expires_at == kStart + 10s);
  }
}

TEST(CustomHeaders, MasksShowTooLittleToUse) {
  EXPECT_EQ(masked("short"), "***");
  EXPECT_EQ(masked(std::string(19, 'a')), "***");
  EXPECT_EQ(masked("Bearer 0123456789abcdefghij"), "***ghij");
}

TEST(CustomHeaders, OrdinaryNamesAreFine) {
  for (const std::string_view name :
       {"Authorization", "X-Api-Key", "X-Tenant", "Accept", "X-Request-Source"}) {
    EXPECT_EQ(refused_header_name(name, {}), std::nullopt) << name;
  }
}

TEST_F(WebhookInput, RetriesMustBeOverWhileEventsAreKept) {
  events_kept = 1h;
  Webhook brief = created(R"("retry_policy":{"schedule":["10m"],"attempts":6})");

  EXPECT_EQ(errors_of_change(brief, R"({"retry_policy":{"schedule":["10m"],"attempts":7}})"),
            "/retry_policy longer_than_retention;");
  EXPECT_EQ(errors_of_change(brief, R"({"retry_count":6})"),
            "/retry_policy longer_than_retention;");
  EXPECT_EQ(errors_of_change(brief, R"({"retry_policy":null})"),
            "/retry_policy longer_than_retention;")
      << "the default is longer than an hour too";
  EXPECT_EQ(errors_of_change(brief, R"({"name":"other"})"), "");
}

}  // namespace
}  // namespace fanfare
