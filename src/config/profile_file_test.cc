#include "config/profile_file.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

ProfileRules rules() {
  return {.leads_to_route = [](const PathAlias& alias) { return alias.to == "/api/v1/webhooks"; },
          .own_paths = {"/api/v1", "/livez"},
          .webhook_request_fields = {"retry_policy", "active", "tenant_id"},
          .event_request_fields = {"event_type", "data"},
          .webhook_answer_fields = {"id", "active"},
          .delivery_answer_fields = {"webhook_id", "attempts"},
          .attempt_answer_fields = {"number"},
          .other_request_names = {"limit"}};
}

Result<Profile> parsed(const std::string& text) {
  return parse_profile("name = \"mine\"\n" + text, "mine.toml", rules());
}

constexpr const char* kWhole = R"(
title = "Mine"
description = "Ours"
catalogue = "open"
auto_create_tenants = true
broadcast = true
[tenant]
word = "shop_id"
tenant_id_is_external = true
[webhooks]
retry_policy = { schedule = ["1m", "5m"], attempts = 4 }
signature = { scheme = "stripe", header_prefix = "Mine" }
envelope = "type"
timeout_seconds = 7
secret_format = "hex"
rotation_overlap_seconds = 0
failure_threshold = 5
failure_counts = "attempts"
[limits]
payload_bytes = 1000
webhooks_per_tenant = 3
https_only = true
[jwt]
tenant_claim = "sub"
role_claim = "role"
roles = { service_role = "admin" }
default_role = "tenant"
audience = "us"
lifetime_max = "3650d"
[[paths]]
method = "DELETE"
from = "/hooks/"
id_from = "id"
to = "/api/v1/webhooks"
[[paths]]
from = "/act"
action = "do"
to = "/api/v1/webhooks/"
admins_only = true
[requests.webhook]
retry_config = "retry_policy"
[requests.event]
what = "event_type"
[answers.webhook]
is_active = "active"
[answers.delivery]
endpoint_id = "webhook_id"
[answers.attempt]
attempt_number = "number"
[[event_types]]
name = "a.b"
category = "A"
description = "B"
sample = '{"n":1}'
)";

class WholeProfile : public testing::Test {
 protected:
  void SetUp() override {
    auto read = parsed(kWhole);
    ASSERT_TRUE(read) << read.error().message;
    profile = *std::move(read);
  }
  Profile profile;
};

TEST_F(WholeProfile, SaysWhatAWebhookGets) {
  const WebhookDefaults& webhooks = profile.webhooks;

  EXPECT_EQ(webhooks.retry.schedule, (std::vector<Millis>{Millis{60'000}, Millis{300'000}}));
  EXPECT_EQ(webhooks.retry.attempts, 4);
  EXPECT_EQ(webhooks.signature,
            (SignatureSettings{SignatureScheme::stripe, "", "Mine", /*ed25519=*/false}));
  EXPECT_EQ(webhooks.envelope, Envelope::type);
  EXPECT_EQ(webhooks.timeout, Millis{7000});
  EXPECT_EQ(webhooks.secret_format, SecretFormat::hex);
  EXPECT_EQ(webhooks.rotation_overlap, Millis{0});
  EXPECT_EQ(webhooks.failure_threshold, 5);
  EXPECT_EQ(webhooks.failure_counts, FailureCounts::attempts);
}

TEST_F(WholeProfile, SaysWhoseAndHowMuch) {
  EXPECT_EQ(profile.name, "mine");
  EXPECT_EQ(profile.title, "Mine");
  EXPECT_EQ(profile.description, "Ours");
  EXPECT_TRUE(profile.catalogue_is_open && profile.auto_create_tenants && profile.broadcast);
  EXPECT_EQ(profile.tenant_word, "shop_id");
  EXPECT_TRUE(profile.tenant_id_is_external);
  EXPECT_EQ(profile.limits, (ProfileLimits{1000, 3, true}));
  EXPECT_EQ(profile.jwt.tenant_claim, "sub");
  EXPECT_EQ(profile.jwt.role_claim, "role");
  EXPECT_EQ(profile.jwt.roles.at("service_role"), Role::admin);
  EXPECT_EQ(profile.jwt.default_role, Role::tenant);
  EXPECT_EQ(profile.jwt.audience, "us");
  EXPECT_EQ(profile.jwt.lifetime_max, Millis{std::chrono::hours{24 * 3650}});
}

TEST_F(WholeProfile, SaysPathsNamesAndEventTypes) {
  EXPECT_EQ(profile.paths,
            (std::vector<PathAlias>{{"DELETE", "/hooks", "id", "", "/api/v1/webhooks"},
                                    {"POST", "/act", "", "do", "/api/v1/webhooks", true}}));
  EXPECT_EQ(profile.webhook_requests, (FieldAliases{{"retry_config", "retry_policy"}}));
  EXPECT_EQ(profile.event_requests, (FieldAliases{{"what", "event_type"}}));
  EXPECT_EQ(profile.webhook_answers, (FieldAliases{{"is_active", "active"}}));
  EXPECT_EQ(profile.delivery_answers, (FieldAliases{{"endpoint_id", "webhook_id"}}));
  EXPECT_EQ(profile.attempt_answers, (FieldAliases{{"attempt_number", "number"}}));
  ASSERT_EQ(profile.event_types.size(), 1U);
  EXPECT_EQ(profile.event_types[0].category, "A");
  EXPECT_EQ(profile.event_types[0].sample, R"({"n":1})");
}

TEST(ProfileFile, WhatIsNotSaidIsAsInStandard) {
  const auto profile = parsed("title = \"Standard Webhooks\"\n");

  ASSERT_TRUE(profile);
  Profile expected = standard_profile();
  expected.name = "mine";
  EXPECT_EQ(*profile, expected);
}

TEST(ProfileFile, TheCompiledInStandardIsWhatAProfileIsByDefault) {
  const auto profile = load_profile("standard", rules());

  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(*profile, standard_profile());
}

struct Retry {
  std::string text;
  int attempts;
  std::size_t delays;
};
class RetryOfProfile : public testing::TestWithParam<Retry> {};
TEST_P(RetryOfProfile, IsReadInEachForm) {
  const auto profile = parsed("[webhooks]\nretry_policy = " + GetParam().text);

  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->webhooks.retry.attempts, GetParam().attempts);
  EXPECT_EQ(profile->webhooks.retry.schedule.size(), GetParam().delays);
}
INSTANTIATE_TEST_SUITE_P(
    Forms, RetryOfProfile,
    testing::Values(Retry{"\"nuke\"", 5, 5}, Retry{"{ preset = \"nuke\", attempts = 3 }", 3, 5},
                    Retry{"{ schedule = [\"1s\"], jitter = 0.5 }", 2, 1},
                    Retry{"{ backoff = \"exponential\", initial = \"2s\", attempts = 4 }", 4, 3}));

// The text after the first line, the line of the mistake, and words of the reason.
struct Refusal {
  std::string text;
  int line;
  std::string reason;
};
class BadProfile : public testing::TestWithParam<Refusal> {};

TEST_P(BadProfile, IsRefusedWithFileLineAndReason) {
  const auto profile = parsed(GetParam().text);

  ASSERT_FALSE(profile) << GetParam().text;
  EXPECT_EQ(profile.error().code, Errc::invalid);
  EXPECT_THAT(profile.error().message,
              StartsWith("mine.toml:" + std::to_string(GetParam().line) + ": "));
  EXPECT_THAT(profile.error().message, HasSubstr(GetParam().reason));
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, BadProfile,
    testing::Values(
        Refusal{"title = ", 2, ""}, Refusal{"name = \"again\"", 2, "name"},
        Refusal{"titel = \"x\"", 2, "titel is not a key of a profile; did you mean title?"},
        Refusal{"[webhooks]\nenvelop = \"raw\"", 3, "did you mean webhooks.envelope?"},
        Refusal{"[wombat]\na = 1", 2, "wombat is not a key"},
        Refusal{"[requests.events]\na = \"data\"", 2, "did you mean requests.event?"},
        Refusal{"title = 7", 2, "title must be a string, in quotes"},
        Refusal{"title = \"a\\u0007b\"", 2, "control characters"},
        Refusal{"description = \"" + std::string(2001, 'x') + "\"", 2, "at most 2000 bytes"},
        Refusal{"broadcast = \"yes\"", 2, "broadcast must be true or false"},
        Refusal{"webhooks = \"x\"", 2, "webhooks must be a table"},
        Refusal{"paths = \"x\"", 2, "paths must be a list"},
        Refusal{"paths = [1]", 2, "paths must be a list of tables"},
        Refusal{"[webhooks]\ntimeout_seconds = \"30\"", 3, "must be a whole number"},
        Refusal{"# one\n[webhooks]\nenvelope = 1\n[limits]\nx = 1", 4, "webhooks.envelope"}));

INSTANTIATE_TEST_SUITE_P(
    Values, BadProfile,
    testing::Values(
        Refusal{"catalogue = \"ajar\"", 2, "catalogue must be \"open\" or \"closed\""},
        Refusal{"[tenant]\nword = \"a b\"", 3, "tenant.word must be a word"},
        Refusal{"[webhooks]\nretry_policy = \"nuk\"", 3, "webhooks.retry_policy must be a preset"},
        Refusal{"[webhooks]\nretry_policy = 3", 3, "a preset's name or a table"},
        Refusal{"[webhooks]\nretry_policy = { schedule = [\"soon\"] }", 3, "is not a duration"},
        Refusal{"[webhooks]\nretry_policy = { schedule = [\"13d\", \"13d\"] }", 3, "14"},
        Refusal{"[webhooks]\nretry_policy = { backoff = \"linear\" }", 3, "exponential"},
        Refusal{"[webhooks]\nretry_policy = { schedule = [\"1s\"], jitter = 2 }", 3, "from 0 to 1"},
        Refusal{"[webhooks]\nretry_policy = { schedule = [\"1s\"], atempts = 2 }", 3, "attempts?"},
        Refusal{"[webhooks]\nsignature = \"hex\"", 3, "webhooks.signature must be a table"},
        Refusal{"[webhooks]\nsignature = { scheme = \"md5\" }", 3, "signature.scheme must be"},
        Refusal{"[webhooks]\nsignature = { header = \"X-A\" }", 3, "scheme is required"},
        Refusal{"[webhooks]\nsignature = { scheme = \"hex\", header_prefix = \"A\" }", 3,
                "belongs to the scheme \"stripe\""},
        Refusal{"[webhooks]\nsignature = { scheme = \"hex\", header = \"a b\" }", 3,
                "cannot be sent"},
        Refusal{"[webhooks]\nenvelope = \"box\"", 3, "webhooks.envelope must be"},
        Refusal{"[webhooks]\ntimeout_seconds = 61", 3, "from 1 to 60"},
        Refusal{"[webhooks]\nsecret_format = \"hex\"", 3, "cannot be \"hex\" with the scheme"},
        Refusal{"[webhooks]\nsecret_format = \"oct\"", 3, "must be \"base64\" or \"hex\""},
        Refusal{"[webhooks]\nrotation_overlap_seconds = -1", 3, "from 0 to 604800"},
        Refusal{"[webhooks]\nfailure_threshold = 0", 3, "from 1 to 1000"},
        Refusal{"[webhooks]\nfailure_counts = \"days\"", 3, "failure_counts must be"},
        Refusal{"[limits]\npayload_bytes = 300000", 3, "from 1 to 262144"},
        Refusal{"[limits]\nwebhooks_per_tenant = 0", 3, "from 1 to 10000"},
        Refusal{"[jwt]\nlifetime_max = \"long\"", 3, "is not a duration"},
        Refusal{"[jwt]\ndefault_role = \"king\"", 3, "must be admin, tenant, read or publish"},
        Refusal{"[jwt]\nroles = { a = \"king\" }", 3, "jwt.roles.a must be admin"}));

INSTANTIATE_TEST_SUITE_P(
    PathsAndNames, BadProfile,
    testing::Values(
        Refusal{"[[paths]]\nto = \"/api/v1/webhooks\"", 2, "paths[0].from is required"},
        Refusal{"[[paths]]\nfrom = \"/a\"", 2, "paths[0].to is required"},
        Refusal{"[[paths]]\nfrom = \"a\"\nto = \"/api/v1/webhooks\"", 3, "must be a path"},
        Refusal{"[[paths]]\nfrom = \"//\"\nto = \"/api/v1/webhooks\"", 3, "must be a path"},
        Refusal{"[[paths]]\nfrom = \"/a?b\"\nto = \"/api/v1/webhooks\"", 3, "must be a path"},
        Refusal{"[[paths]]\nfrom = \"/a\"\nto = \"/api/v1/hooks\"", 4, "leads to no route"},
        Refusal{"[[paths]]\nmethod = \"get\"\nfrom = \"/a\"\nto = \"/api/v1/webhooks\"", 3,
                "method must be GET, POST"},
        Refusal{"[[paths]]\nfrom = \"/a\"\nid_from = \"\"\nto = \"/api/v1/webhooks\"", 4,
                "id_from must be the name of a parameter"},
        Refusal{"[[paths]]\nfrom = \"/a\"\naction = \"\"\nto = \"/api/v1/webhooks\"", 4,
                "action must not be empty"},
        Refusal{"[[paths]]\nfrom = \"/a\"\nto = \"/api/v1/webhooks\"\n"
                "[[paths]]\nfrom = \"/a/\"\nto = \"/api/v1/webhooks\"",
                6, "is there already"},
        Refusal{"[requests.webhook]\nx = \"retry\"", 3, "\"retry\", which is not a field"},
        Refusal{"[requests.webhook]\nactive = \"retry_policy\"", 3, "is a field of its own"},
        Refusal{"[requests.webhook]\n\"a-b\" = \"active\"", 3, "must be a word"},
        Refusal{"[answers.delivery]\nx = \"active\"", 3, "answers.delivery.x stands for"},
        Refusal{"[tenant]\nword = \"x\"\n[answers.webhook]\nx = \"id\"", 5,
                "is the word for the tenant"},
        Refusal{"[[event_types]]\ncategory = \"A\"", 2, "event_types[0].name is required"},
        Refusal{"[[event_types]]\nname = \"a..b\"", 3, "must be groups of letters"},
        Refusal{"[[event_types]]\nname = \"a.b\"\n[[event_types]]\nname = \"a.b\"", 5,
                "event_types[1].name \"a.b\" is there already"},
        Refusal{"[[event_types]]\nname = \"a.b\"\nsample = '{'", 4, "sample is not JSON"}));

// A rule for each path: whether it may be another one's `from`.
struct From {
  const char* path;
  bool is_free;
};
class FromOfPath : public testing::TestWithParam<From> {};
TEST_P(FromOfPath, IsFreeUnlessItHidesWhatIsTheServersOwn) {
  const auto profile = parsed("[[paths]]\nto = \"/api/v1/webhooks\"\nfrom = \"" +
                              std::string(GetParam().path) + "\"");

  ASSERT_EQ(profile.has_value(), GetParam().is_free) << GetParam().path;
  if (profile) return;
  EXPECT_THAT(profile.error().message, StartsWith("mine.toml:4: paths[0].from would stand"));
  EXPECT_THAT(profile.error().message, HasSubstr("works under every profile"));
}
INSTANTIATE_TEST_SUITE_P(Paths, FromOfPath,
                         testing::Values(From{"/livez", false}, From{"/livez/", false},
                                         From{"/livez/x", false}, From{"/api", false},
                                         From{"/api/v1", false}, From{"/api/v1/", false},
                                         From{"/api/v1/webhooks", false},
                                         From{"/api/v1/hooks", false}, From{"/api/webhooks", true},
                                         From{"/api/v10", true}, From{"/livezz", true},
                                         From{"/functions/v1/livez", true}));

class WordOfTenant : public testing::TestWithParam<const char*> {};
TEST_P(WordOfTenant, IsNoneThatTheApiHas) {
  const auto profile = parsed("[tenant]\nword = \"" + std::string(GetParam()) + "\"");

  ASSERT_FALSE(profile) << GetParam();
  EXPECT_THAT(profile.error().message,
              StartsWith("mine.toml:3: tenant.word cannot be \"" + std::string(GetParam()) + "\""));
}
INSTANTIATE_TEST_SUITE_P(OfEachList, WordOfTenant,
                         testing::Values("active", "data", "id", "attempts", "number", "limit"));

TEST(ProfileFile, TheTenantMayBeCalledTenantId) {
  EXPECT_TRUE(parsed("[tenant]\nword = \"tenant_id\""));
}

TEST(LoadProfile, ANameThatIsNoneIsToldWhichThereAre) {
  const auto profile = load_profile("nuk", rules());

  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().message, HasSubstr("\"nuk\" is not a profile"));
  EXPECT_THAT(profile.error().message, HasSubstr("nuke, ops-center, standard"));
}

TEST(LoadProfile, APathIsAFile) {
  const std::string path = testing::TempDir() + "fanfare-profile.toml";
  std::ofstream(path) << "name = \"mine\"\n";

  const auto profile = load_profile(path, rules());
  std::filesystem::remove(path);
  const auto missing = load_profile(path, rules());

  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->name, "mine");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("cannot be opened"));
}

TEST(LoadProfile, AFileWithoutANameIsRefused) {
  const auto profile = parse_profile("title = \"x\"", "mine.toml", rules());

  ASSERT_FALSE(profile);
  EXPECT_THAT(profile.error().message, StartsWith("mine.toml:1: name is required"));
}

}  // namespace
}  // namespace fanfare
