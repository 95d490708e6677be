#include "app/profile_option.h"

#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

Result<std::shared_ptr<const Profile>> chosen(const std::string& name) {
  ConfigSources sources;
  sources.flags["profile"] = name;
  return profile_of(*load_config(sources));
}

TEST(ProfileOption, EachThatComesWithTheServerIsFitForUse) {
  for (const EmbeddedProfile& embedded : embedded_profiles()) {
    const auto profile = chosen(std::string(embedded.name));

    ASSERT_TRUE(profile) << profile.error().message;
    EXPECT_EQ((*profile)->name, embedded.name);
    EXPECT_FALSE((*profile)->title.empty());
  }
}

TEST(ProfileOption, TheSixAreThere) {
  std::vector<std::string> names;
  for (const EmbeddedProfile& embedded : embedded_profiles()) names.emplace_back(embedded.name);

  EXPECT_THAT(names, testing::ElementsAre("airwave", "email-sla", "nuke", "ops-center", "standard",
                                          "whatsapp-crm"));
}

TEST(ProfileOption, TheExampleOfTheDocumentationIsOne) {
  std::ifstream page(FANFARE_SOURCE_DIR "/docs/profiles.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  const std::size_t begin = text.find("```toml\n") + 8;

  const auto profile =
      parse_profile(text.substr(begin, text.find("```", begin) - begin), "docs", profile_rules());

  ASSERT_TRUE(profile) << profile.error().message;
  EXPECT_EQ(profile->name, "bakery");
}

TEST(ProfileOption, NothingOfTheServersOwnCanBeHidden) {
  for (const std::string from :
       {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/portal", "/inbox/works",
        "/api", "/api/v1", "/api/v1/webhooks"}) {
    const auto profile =
        parse_profile("name = \"m\"\n[[paths]]\nfrom = \"" + from + "\"\nto = \"/api/v1/webhooks\"",
                      "m.toml", profile_rules());

    ASSERT_FALSE(profile) << from;
    EXPECT_THAT(profile.error().message, testing::StartsWith("m.toml:3: paths[0].from")) << from;
  }
}

TEST(ProfileOption, TheTenantsWordIsNoOtherName) {
  for (const std::string word :
       {"url", "data", "status", "event", "type", "payload", "is_active", "legacy_id", "cursor"}) {
    const auto profile =
        parse_profile("name = \"m\"\n[tenant]\nword = \"" + word + "\"", "m.toml", profile_rules());

    ASSERT_FALSE(profile) << word;
    EXPECT_THAT(profile.error().message, testing::StartsWith("m.toml:3: tenant.word")) << word;
  }
}

TEST(ProfileOption, ATokenMustHoldWhatTheProfileSays) {
  JwtDefaults defaults;
  defaults.tenant_claim = "org";
  defaults.role_claim = "role";
  defaults.roles = {{"service_role", Role::admin}};
  defaults.default_role = Role::read;
  defaults.audience = "us";
  defaults.lifetime_max = Millis{5000};

  const JwtRules rules = jwt_rules_of(defaults);

  EXPECT_EQ(rules.tenant_claim, "org");
  EXPECT_EQ(rules.role_claim, "role");
  EXPECT_EQ(rules.roles.at("service_role"), Role::admin);
  EXPECT_EQ(rules.default_role, Role::read);
  EXPECT_EQ(rules.audience, "us");
  EXPECT_EQ(rules.lifetime_max, Millis{5000});
  EXPECT_EQ(jwt_rules_of(JwtDefaults{}).tenant_claim, JwtRules{}.tenant_claim);
  EXPECT_EQ(jwt_rules_of(JwtDefaults{}).lifetime_max, JwtRules{}.lifetime_max);
}

TEST(ProfileOption, AMistakeIsNamedWithThePlaceThatAskedForIt) {
  const auto profile = chosen("nobody");

  ASSERT_FALSE(profile);
  EXPECT_THAT(
      profile.error().message,
      testing::StartsWith("--profile: profile cannot be used: \"nobody\" is not a profile"));
}

}  // namespace
}  // namespace fanfare
