#include "app/jwt_keys.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/jwt_vectors.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class JwtKeysFile : public ::testing::Test {
 protected:
  JwtKeysFile() {
    std::string pattern = ::testing::TempDir() + "fanfare-jwt-XXXXXX";
    directory_ = mkdtemp(pattern.data());
    write("secret", std::string(32, 's') + "\n");
    write("secret64", base64_encode(bytes_of(std::string(32, 's'))) + "\n");
    write("rsa.json", testing::kRfc7515A2.key);
  }
  ~JwtKeysFile() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Result<JwtKeys> read(const std::string& text, const JwtRules& defaults = {}) {
    return read_jwt_keys(write("keys.toml", text), defaults);
  }
  // Without the folder in front.
  std::string refusal(const std::string& text) {
    const auto keys = read(text);
    EXPECT_FALSE(keys) << text;
    return keys ? "" : keys.error().message.substr(directory_.size() + 1);
  }

  std::string directory_;
};

const std::string kPlain = "[[key]]\nalgorithm = \"HS256\"\nsecret_file = \"secret\"\n";

TEST_F(JwtKeysFile, IsReadWithEveryKeyOfIt) {
  const auto keys = read(R"(
[[key]]
id = "main"
algorithm = "HS256"
secret_base64_file = "secret64"
issuer = "https://issuer.example"
audience = "fanfare"
requires_expiry = false
lifetime_max = "3650d"
tenant_claim = "app_metadata.org"
role_claim = "role"
roles = { service_role = "admin", "a.b" = "read" }
default_role = "tenant"
[[key]]
id = "other"
algorithm = "RS256"
public_key_file = "rsa.json"
)");

  ASSERT_TRUE(keys) << keys.error().message;
  const JwtKey* main = keys->find("main");
  ASSERT_NE(main, nullptr);
  EXPECT_EQ(main->rules.issuer, "https://issuer.example");
  EXPECT_EQ(main->rules.audience, "fanfare");
  EXPECT_FALSE(main->rules.requires_expiry);
  EXPECT_EQ(main->rules.lifetime_max, std::chrono::hours{24 * 3650});
  EXPECT_EQ(main->rules.tenant_claim, "app_metadata.org");
  EXPECT_EQ(main->rules.roles,
            (std::map<std::string, Role>{{"service_role", Role::admin}, {"a.b", Role::read}}));
  EXPECT_EQ(main->rules.default_role, Role::tenant);
  ASSERT_NE(keys->find("other"), nullptr);
  EXPECT_EQ(keys->find("other")->verifier.algorithm(), JwtAlgorithm::rs256);
  EXPECT_EQ(keys->find("other")->rules.default_role, Role::tenant);
}

TEST_F(JwtKeysFile, TakesDefaultsWhereAKeySaysNothing) {
  JwtRules defaults;
  defaults.role_claim = "role";
  defaults.roles = {{"service_role", Role::admin}};
  defaults.audience = "fanfare";

  const auto keys = read(kPlain + "audience = \"\"\n", defaults);

  ASSERT_TRUE(keys) << keys.error().message;
  const JwtRules& rules = keys->find(std::nullopt)->rules;
  EXPECT_EQ(rules.role_claim, "role");
  EXPECT_EQ(rules.roles, defaults.roles);
  EXPECT_EQ(rules.default_role, std::nullopt);
  EXPECT_EQ(rules.audience, "");
}

TEST_F(JwtKeysFile, MistakesAreNamedWithFileLineAndReason) {
  write("short", "too short");
  write("public", testing::kRfc7515A2.key);
  const std::string hs256 = "[[key]]\nalgorithm = \"HS256\"\n";
  const std::string rs256 = "[[key]]\nalgorithm = \"RS256\"\n";
  const std::pair<std::string, std::string> table[] = {
      {"", "keys.toml holds no key"},
      {"x = 1\n", "keys.toml:1: x has no place here"},
      {"[[key]]\n", "keys.toml:1: key[0] is empty"},
      {"[[key]\n", "keys.toml:1: "},
      {"key = [1]\n", "keys.toml:1: "},
      {"[[keys]]\nid = \"a\"\n", "keys.toml:2: keys[0].id has no place here"},
      {kPlain + "tennant_claim = \"x\"\n",
       "keys.toml:4: key[0].tennant_claim is not a key of this file; did you mean tenant_claim?"},
      {kPlain + "issuer = 1\n", "keys.toml:4: key[0].issuer must be a string"},
      {kPlain + "requires_expiry = \"no\"\n", "keys.toml:4: key[0].requires_expiry must be true"},
      {kPlain + "lifetime_max = \"long\"\n", "keys.toml:4: key[0].lifetime_max must be a duration"},
      {kPlain + "tenant_claim = \"\"\n", "keys.toml:4: key[0].tenant_claim must not be empty"},
      {kPlain + "default_role = \"root\"\n", "keys.toml:4: key[0].default_role must be admin"},
      {kPlain + "role_claim = \"r\"\nroles = { x = \"root\" }\n",
       "keys.toml:5: key[0].roles.x must be admin"},
      {kPlain + "role_claim = \"r\"\n", "keys.toml:2: key[0].roles and role_claim come together"},
      {kPlain + "id = \"a/b\"\n", "keys.toml:4: key[0].id must have 1 to 64"},
      {kPlain + kPlain, "keys.toml:5: key[1].id is required"},
      {kPlain + "id = \"a\"\n" + kPlain + "id = \"a\"\n", "keys.toml:8: key[1].id is the id of"},
      {"[[key]]\nid = \"a\"\n", "keys.toml:2: key[0].algorithm must be HS256"},
      {"[[key]]\nalgorithm = \"none\"\n", "keys.toml:2: key[0].algorithm must be HS256"},
      {hs256, "keys.toml:2: key[0].secret_file does not fit"},
      {hs256 + "public_key_file = \"rsa.json\"\n", "keys.toml:3: key[0].public_key_file does not"},
      {hs256 + "secret_file = \"none\"\n", "keys.toml:3: key[0].secret_file cannot be used: "},
      {hs256 + "secret_file = \"short\"\n", "keys.toml:3: key[0].secret_file names a file whose"},
      {hs256 + "secret_file = \"public\"\n", "keys.toml:3: key[0].secret_file names a file whose"},
      {hs256 + "secret_base64_file = \"short\"\n",
       "keys.toml:3: key[0].secret_base64_file names a file that does not hold base64"},
      {rs256, "keys.toml:2: key[0].public_key_file is required"},
      {rs256 + "secret_file = \"secret\"\n", "keys.toml:2: key[0].public_key_file is required"},
      {rs256 + "public_key_file = \"secret\"\n",
       "keys.toml:3: key[0].public_key_file names a file that holds no public key"},
  };
  for (const auto& [text, reason] : table) {
    EXPECT_THAT(refusal(text), StartsWith(reason)) << text;
  }
}

class JwtOptions : public ::testing::Test {
 protected:
  Config config_with(const std::string& secret) {
    ConfigSources sources;
    sources.environment["FANFARE_JWT_SECRET"] = secret;
    return *load_config(sources);
  }
};

TEST_F(JwtOptions, ASecretAloneIsOneKeyForEveryToken) {
  const auto keys = jwt_keys_of(config_with(std::string(32, 's')), {});

  ASSERT_TRUE(keys) << keys.error().message;
  EXPECT_NE(keys->find("whatever"), nullptr);
  EXPECT_EQ(keys->find(std::nullopt)->rules.default_role, Role::tenant);
}

TEST_F(JwtOptions, ASecretThatIsNoneIsRefusedWithItsPlace) {
  const auto keys = jwt_keys_of(config_with("short"), {});

  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().message, StartsWith("FANFARE_JWT_SECRET: jwt-secret has 5 bytes"));
}

TEST_F(JwtOptions, ASecretAndAFileTogetherAreRefused) {
  Config config = config_with(std::string(32, 's'));
  config.jwt_keys_file = "keys.toml";

  const auto keys = jwt_keys_of(config, {});

  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().message, HasSubstr("cannot be used together"));
}

TEST_F(JwtOptions, NoneMeansNoToken) {
  EXPECT_TRUE(jwt_keys_of(Config{}, {})->empty());
}

}  // namespace
}  // namespace fanfare
