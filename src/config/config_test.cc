#include "config/config.h"

#include <filesystem>
#include <fstream>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

const std::string kKeyText = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=";  // "0123…" of 32 bytes
const std::string kAdminKey(32, 'k');

class LoadConfig : public testing::Test {
 protected:
  LoadConfig() {
    std::string pattern = testing::TempDir() + "fanfare-config-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~LoadConfig() override { std::filesystem::remove_all(directory_); }

  std::string write(const std::string& name, const std::string& text) {
    const std::string path = directory_ + "/" + name;
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  Config loaded() {
    auto config = load_config(sources_);
    EXPECT_TRUE(config) << config.error().message;
    return config ? *config : Config{};
  }
  std::string refusal() {
    const auto config = load_config(sources_);
    EXPECT_FALSE(config);
    return config ? "" : config.error().message;
  }

  std::string directory_;
  ConfigSources sources_;
};

TEST_F(LoadConfig, DefaultsAreClosedAndLocal) {
  const Config config = loaded();

  EXPECT_EQ(config.listen.address, "127.0.0.1");
  EXPECT_EQ(config.listen.port, 8080);
  EXPECT_EQ(config.database.kind, DatabaseKind::sqlite);
  EXPECT_EQ(config.database.path, "fanfare.db");
  EXPECT_TRUE(config.admin_key.empty());
  EXPECT_TRUE(config.master_keys.empty());
  EXPECT_THAT(config.egress_allow, IsEmpty());
  EXPECT_FALSE(config.egress_http);
  EXPECT_FALSE(config.egress_metadata);
  EXPECT_EQ(config.profile, "standard");
  EXPECT_FALSE(config.catalogue_is_open.has_value()) << "the profile decides";
  EXPECT_EQ(config.reactors, 0);
  EXPECT_EQ(config.reader_threads, 2);
  EXPECT_EQ(config.log_level, "info");
  EXPECT_EQ(config.log_format, "pretty");
  EXPECT_EQ(config.drain_timeout, Millis{10'000});
  EXPECT_EQ(config.retention_events, std::chrono::hours{24 * 30});
  EXPECT_EQ(config.retention_attempts, std::chrono::hours{24 * 30});
  EXPECT_EQ(config.retention_deliveries, std::chrono::hours{24 * 90});
  EXPECT_EQ(config.retention_audit, std::chrono::hours{24 * 365});
  EXPECT_EQ(config.cleanup_interval, std::chrono::hours{1});
  EXPECT_EQ(config.origins.at("listen"), "default");
}

TEST_F(LoadConfig, RetentionIsADurationWithinBounds) {
  for (const char* good : {"1h", "12h", "30d", "3660d", "90m"}) {
    sources_.flags["retention-events"] = good;
    EXPECT_TRUE(load_config(sources_)) << good;
  }
  for (const char* bad : {"", "30", "59m", "3661d", "-1d", "1w", "1.5d", "99999999999d"}) {
    sources_.flags["retention-events"] = bad;
    EXPECT_FALSE(load_config(sources_)) << bad;
  }
  sources_.flags["retention-events"] = "36h";
  EXPECT_EQ(loaded().retention_events, std::chrono::hours{36});
}

TEST_F(LoadConfig, TheCleanupIntervalHasBounds) {
  for (const char* bad : {"0s", "999ms", "8d", "often"}) {
    sources_.flags["cleanup-interval"] = bad;
    EXPECT_FALSE(load_config(sources_)) << bad;
  }
  sources_.flags["cleanup-interval"] = "1s";
  EXPECT_EQ(loaded().cleanup_interval, Millis{1000});
}

TEST_F(LoadConfig, FileBeatsDefault) {
  sources_.file = write("f.toml", "# ours\nlisten = '0.0.0.0:1'");

  const Config config = loaded();

  EXPECT_EQ(config.listen.port, 1);
  EXPECT_EQ(config.origins.at("listen"), *sources_.file + ":2");
}

TEST_F(LoadConfig, EnvironmentBeatsFile) {
  sources_.file = write("f.toml", "listen = '0.0.0.0:1'");
  sources_.environment["FANFARE_LISTEN"] = "0.0.0.0:2";

  const Config config = loaded();

  EXPECT_EQ(config.listen.port, 2);
  EXPECT_EQ(config.origins.at("listen"), "FANFARE_LISTEN");
}

TEST_F(LoadConfig, FlagBeatsEnvironment) {
  sources_.environment["FANFARE_LISTEN"] = "0.0.0.0:2";
  sources_.flags["listen"] = "0.0.0.0:3";

  const Config config = loaded();

  EXPECT_EQ(config.listen.port, 3);
  EXPECT_EQ(config.origins.at("listen"), "--listen");
}

TEST_F(LoadConfig, TheFileMayBeNamedByTheEnvironment) {
  sources_.environment["FANFARE_CONFIG"] = write("f.toml", "listen = '0.0.0.0:1'");

  EXPECT_EQ(loaded().listen.port, 1);
}

TEST_F(LoadConfig, AFileNamedByFlagHidesTheOneOfTheEnvironment) {
  sources_.environment["FANFARE_CONFIG"] = write("a.toml", "listen = '0.0.0.0:1'");
  sources_.file = write("b.toml", "listen = '0.0.0.0:2'");

  EXPECT_EQ(loaded().listen.port, 2);
}

TEST_F(LoadConfig, AMissingFileIsAnErrorEvenIfNothingElseIs) {
  sources_.file = directory_ + "/none.toml";

  EXPECT_THAT(refusal(), HasSubstr("none.toml"));
}

TEST_F(LoadConfig, AnEmptyVariableIsNotSet) {
  sources_.environment["FANFARE_LISTEN"] = "";

  EXPECT_EQ(loaded().origins.at("listen"), "default");
}

TEST_F(LoadConfig, AnUnknownKeyOfTheFileIsAnErrorWithFileLineAndSuggestion) {
  sources_.file = write("f.toml", "\n[egress]\nalow = []");

  EXPECT_EQ(refusal(),
            *sources_.file + ":3: egress.alow is not an option; did you mean egress.allow?");
}

TEST_F(LoadConfig, AnUnknownTableOfTheFileIsAnErrorWithItsLine) {
  sources_.file = write("f.toml", "[smtp]\nhost = 'x'");

  EXPECT_EQ(refusal(), *sources_.file + ":2: smtp.host is not an option");
}

TEST_F(LoadConfig, AnUnknownFlagIsAnError) {
  sources_.flags["listne"] = "x";

  EXPECT_EQ(refusal(), "--listne is not an option; did you mean --listen?");
}

TEST_F(LoadConfig, ASecretAsAFlagIsAnErrorThatNamesTheFlagForItsFile) {
  sources_.flags["admin-key"] = kAdminKey;

  EXPECT_EQ(refusal(), "--admin-key is not an option; did you mean --admin-key-file?");
}

TEST_F(LoadConfig, AValueOfTheFileOfAnotherKindIsAnErrorWithFileLineAndKey) {
  const std::pair<const char*, const char*> rows[] = {
      {"egress.http = 'yes'", "egress.http must be true or false, without quotes"},
      {"egress.http = 1", "egress.http must be true or false, without quotes"},
      {"egress.metadata = ['true']", "egress.metadata must be true or false, without quotes"},
      {"reactors = '4'", "reactors must be an integer, without quotes"},
      {"reader_threads = true", "reader_threads must be an integer, without quotes"},
      {"egress.allow = true", "egress.allow must be a list of strings"},
      {"log.level = ['info']", "log.level must be a string, in quotes"},
      {"database = 7", "database must be a string, in quotes"},
      {"admin_key = 7", "admin_key must be a string, in quotes"},
      {"admin_key_file = true", "admin_key_file must be a string, in quotes"},
  };
  for (const auto& [line, message] : rows) {
    sources_.file = write("f.toml", std::string("\n") + line);

    EXPECT_EQ(refusal(), *sources_.file + ":2: " + message) << line;
  }
}

TEST_F(LoadConfig, ADatabaseHasAPathAndNoQuery) {
  for (const char* bad : {"sqlite:", "sqlite:?mode=ro", "sqlite:a.db?mode=ro", ""}) {
    sources_.flags["database"] = bad;

    EXPECT_THAT(refusal(), StartsWith("--database: database must be sqlite:PATH")) << bad;
  }
}

TEST_F(LoadConfig, AVariableThatIsNearlyAnOptionIsAWarning) {
  sources_.environment["FANFARE_LISTN"] = "x";

  EXPECT_THAT(loaded().warnings,
              ElementsAre("FANFARE_LISTN is not an option; did you mean FANFARE_LISTEN?"));
}

TEST_F(LoadConfig, VariablesThatAPlatformSetsForOurNameAreIgnored) {
  sources_.environment["FANFARE_SERVICE_HOST"] = "10.0.0.1";
  sources_.environment["FANFARE_PORT_8080_TCP"] = "tcp://10.0.0.1:8080";
  sources_.environment["LISTEN"] = "1.2.3.4:5";

  const Config config = loaded();

  EXPECT_THAT(config.warnings, IsEmpty());
  EXPECT_EQ(config.listen.port, 8080);
}

TEST_F(LoadConfig, AnErrorNamesThePlaceTheOptionAndTheRule) {
  sources_.file = write("f.toml", "reactors = 65");

  EXPECT_EQ(refusal(),
            *sources_.file +
                ":1: reactors must be an integer from 0 (as many as the machine suits) to 64");
}

TEST_F(LoadConfig, AnAdminKeyOf32CharactersIsEnough) {
  sources_.environment["FANFARE_ADMIN_KEY"] = kAdminKey;

  EXPECT_EQ(loaded().admin_key.reveal(), kAdminKey);
}

TEST_F(LoadConfig, AnAdminKeyOf31CharactersIsRefusedWithoutBeingShown) {
  sources_.environment["FANFARE_ADMIN_KEY"] = kAdminKey.substr(1);

  const std::string message = refusal();

  EXPECT_THAT(message, StartsWith("FANFARE_ADMIN_KEY: admin-key must have at least 32 characters"));
  EXPECT_EQ(message.find("kkkk"), std::string::npos);
}

TEST_F(LoadConfig, AnAdminKeyThatNoHeaderCarriesIsRefused) {
  for (const char* bad : {" ", "\n", "\x01", "\x7f", "\xc3\xa4"}) {
    sources_.environment["FANFARE_ADMIN_KEY"] = kAdminKey + bad + kAdminKey;
    EXPECT_THAT(refusal(), HasSubstr("visible ASCII"));
  }
}

TEST_F(LoadConfig, ASecretHasNoFlagOfItsOwn) {
  sources_.flags["admin-key"] = kAdminKey;

  EXPECT_THAT(refusal(), StartsWith("--admin-key is not an option"));
}

TEST_F(LoadConfig, ASecretFromAFileLosesItsLineEnd) {
  sources_.flags["admin-key-file"] = write("key", kAdminKey + "\r\n");

  const Config config = loaded();

  EXPECT_EQ(config.admin_key.reveal(), kAdminKey);
  EXPECT_EQ(config.origins.at("admin-key"), "--admin-key-file");
}

TEST_F(LoadConfig, ASecretFileMayBeNamedByEnvironmentOrFile) {
  sources_.environment["FANFARE_ADMIN_KEY_FILE"] = write("key", kAdminKey);
  sources_.file = write("f.toml", "master_key_file = '" + write("master", kKeyText) + "'");

  const Config config = loaded();

  EXPECT_EQ(config.admin_key.reveal(), kAdminKey);
  ASSERT_EQ(config.master_keys.size(), 1U);
  EXPECT_EQ(config.master_keys[0].reveal().size(), 32U);
}

TEST_F(LoadConfig, AnEmptySecretFileIsAnError) {
  sources_.environment["FANFARE_ADMIN_KEY_FILE"] = write("key", "\n");

  EXPECT_THAT(refusal(), HasSubstr("is empty"));
}

TEST_F(LoadConfig, ASecretAndItsFileInOnePlaceContradictEachOther) {
  sources_.environment["FANFARE_ADMIN_KEY"] = kAdminKey;
  sources_.environment["FANFARE_ADMIN_KEY_FILE"] = write("key", kAdminKey);

  EXPECT_EQ(refusal(),
            "FANFARE_ADMIN_KEY and FANFARE_ADMIN_KEY_FILE both set admin-key; keep one of them");
}

TEST_F(LoadConfig, ASecretFileInAHigherPlaceBeatsTheSecretInALowerOne) {
  sources_.file = write("f.toml", "admin_key = '" + std::string(40, 'x') + "'");
  sources_.environment["FANFARE_ADMIN_KEY_FILE"] = write("key", kAdminKey);

  EXPECT_EQ(loaded().admin_key.reveal(), kAdminKey);
}

TEST_F(LoadConfig, AMasterKeyMustBe32BytesInBase64) {
  for (const char* bad : {"c2hvcnQ=", "not base64 at all", "MDEyMzQ1"}) {
    sources_.environment["FANFARE_MASTER_KEY"] = bad;
    EXPECT_THAT(refusal(), HasSubstr("32 bytes in base64"));
  }
}

TEST_F(LoadConfig, EgressAllowListsAreTrimmedAndSplit) {
  sources_.flags["egress-allow"] = "127.0.0.0/8, ::1";

  EXPECT_THAT(loaded().egress_allow, ElementsAre("127.0.0.0/8", "::1"));
}

TEST_F(LoadConfig, AnEgressAllowListOfTheFileIsAnArray) {
  sources_.file = write("f.toml", "[egress]\nallow = ['127.0.0.0/8', '::1']\nhttp = true");

  const Config config = loaded();

  EXPECT_THAT(config.egress_allow, ElementsAre("127.0.0.0/8", "::1"));
  EXPECT_TRUE(config.egress_http);
}

TEST_F(LoadConfig, MemoryDatabasesHaveNoPath) {
  sources_.flags["database"] = "memory:";

  EXPECT_EQ(loaded().database.kind, DatabaseKind::memory);
}

struct Example {
  const char* flag;
  const char* value;
};

class RefusedValue : public testing::TestWithParam<Example> {};

TEST_P(RefusedValue, IsRefusedWithItsFlag) {
  ConfigSources sources;
  sources.flags[GetParam().flag] = GetParam().value;

  const auto config = load_config(sources);

  ASSERT_FALSE(config) << GetParam().flag << " = " << GetParam().value;
  EXPECT_EQ(config.error().code, Errc::invalid);
  EXPECT_THAT(config.error().message, StartsWith("--" + std::string(GetParam().flag)));
}

INSTANTIATE_TEST_SUITE_P(
    Config, RefusedValue,
    testing::Values(Example{"listen", ""}, Example{"listen", "8080"}, Example{"listen", ":8080"},
                    Example{"listen", "127.0.0.1"}, Example{"listen", "127.0.0.1:"},
                    Example{"listen", "127.0.0.1:65536"}, Example{"listen", "127.0.0.1:-1"},
                    Example{"listen", "127.0.0.1: 80"}, Example{"listen", "127.0.0.1:80x"},
                    Example{"listen", "::1:80"}, Example{"listen", "[::1]"},
                    Example{"listen", "[]:80"}, Example{"listen", "[127.0.0.1]:80"},
                    Example{"listen", "example.com:80"}, Example{"listen", "127.1:80"},
                    Example{"database", ""}, Example{"database", "sqlite:"},
                    Example{"database", "sqlite://x.db"}, Example{"database", "sqlite::memory:"},
                    Example{"database", "memory:x"}, Example{"database", "postgresql://host/db"},
                    Example{"database", "fanfare.db"}, Example{"egress-allow", ","},
                    Example{"egress-allow", "::1,"}, Example{"egress-allow", "::1,,::2"},
                    Example{"trusted-proxies", "::1,"}, Example{"egress-http", "maybe"},
                    Example{"egress-http", ""}, Example{"egress-metadata", "TRUE"},
                    Example{"catalogue", "Open"}, Example{"catalogue", ""},
                    Example{"reactors", "-1"}, Example{"reactors", "65"},
                    Example{"reactors", "1.5"}, Example{"reactors", "99999999999"},
                    Example{"reader-threads", "0"}, Example{"reader-threads", "65"},
                    Example{"log-level", "verbose"}, Example{"log-format", "xml"},
                    Example{"drain-timeout", "10"}, Example{"drain-timeout", "s"},
                    Example{"drain-timeout", "-1s"}, Example{"drain-timeout", "11m"},
                    Example{"drain-timeout", "9999999999s"}, Example{"drain-timeout", "1h"}));

TEST_F(LoadConfig, EveryTextFormIsRead) {
  sources_.flags = {{"listen", "[::1]:0"},      {"database", "sqlite:/var/lib/f.db"},
                    {"egress-metadata", "yes"}, {"egress-ca-file", "ca.pem"},
                    {"catalogue", "open"},      {"reactors", "64"},
                    {"reader-threads", "1"},    {"log-level", "off"},
                    {"log-format", "json"},     {"drain-timeout", "2m"}};

  const Config config = loaded();

  EXPECT_EQ(config.listen.address, "::1");
  EXPECT_EQ(config.listen.port, 0);
  EXPECT_EQ(config.database.path, "/var/lib/f.db");
  EXPECT_TRUE(config.egress_metadata);
  EXPECT_EQ(config.egress_ca_file, "ca.pem");
  EXPECT_EQ(config.catalogue_is_open, true);
  EXPECT_EQ(config.reactors, 64);
  EXPECT_EQ(config.reader_threads, 1);
  EXPECT_EQ(config.log_level, "off");
  EXPECT_EQ(config.log_format, "json");
  EXPECT_EQ(config.drain_timeout, Millis{120'000});
}

TEST_F(LoadConfig, SeveralMasterKeysStandNewestFirstWithAnythingBetweenThem) {
  const std::string newer = "YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";  // 32 times 'a'
  for (const std::string between : {",", ", ", "\n", "\r\n"}) {
    sources_.environment["FANFARE_MASTER_KEY"] = newer + between + kKeyText;

    const Config config = loaded();

    ASSERT_EQ(config.master_keys.size(), 2U);
    EXPECT_EQ(config.master_keys[0].reveal(), std::string(32, 'a'));
    EXPECT_EQ(config.master_key_file, "");
  }
  sources_.environment["FANFARE_MASTER_KEY"] = newer + ",short";
  EXPECT_THAT(refusal(), HasSubstr("must be 32 bytes in base64"));
}

TEST_F(LoadConfig, TheFileOfTheMasterKeysIsRemembered) {
  sources_.flags["master-key-file"] = write("master", kKeyText + "\n");

  EXPECT_EQ(loaded().master_key_file, directory_ + "/master");
}

TEST_F(LoadConfig, ACredentialIsTheMasterKeyWhereNothingElseIs) {
  write("fanfare-master-key", kKeyText + "\n");
  sources_.environment["CREDENTIALS_DIRECTORY"] = directory_;
  const Config config = loaded();
  EXPECT_EQ(config.master_keys.size(), 1U);
  EXPECT_EQ(config.master_key_file, "") << "nothing can be written there";
  EXPECT_EQ(config.origins.at("master-key"), "the credential fanfare-master-key");

  sources_.environment["FANFARE_MASTER_KEY"] = kKeyText;
  EXPECT_EQ(loaded().origins.at("master-key"), "FANFARE_MASTER_KEY");

  sources_.environment.erase("FANFARE_MASTER_KEY");
  write("fanfare-master-key", "nonsense");
  EXPECT_THAT(refusal(), StartsWith("the credential fanfare-master-key: "));
  std::filesystem::remove(directory_ + "/fanfare-master-key");
  EXPECT_THAT(loaded().master_keys, IsEmpty());
}

TEST(ConfigOptions, NamesVariablesAndKeysAreUnique) {
  std::set<std::string_view> names, variables, keys;

  for (const ConfigOption& option : config_options()) {
    EXPECT_TRUE(names.insert(option.name).second) << option.name;
    EXPECT_TRUE(variables.insert(option.environment).second) << option.environment;
    EXPECT_TRUE(keys.insert(option.toml_key).second) << option.toml_key;
  }
}

TEST(ConfigOptions, EveryOptionIsWholeAndExplained) {
  for (const ConfigOption& option : config_options()) {
    EXPECT_NE(option.apply, nullptr) << option.name;
    EXPECT_NE(option.show, nullptr) << option.name;
    EXPECT_THAT(std::string(option.environment), StartsWith("FANFARE_"));
    EXPECT_TRUE(option.help.ends_with('.')) << option.name;
  }
}

TEST(ConfigOptions, TheFlagOfASecretNamesAFile) {
  for (const ConfigOption& option : config_options())
    EXPECT_EQ(flag_of(option).ends_with("-file"),
              option.is_secret || option.name == "egress-ca-file");
}

TEST(ConfigOptions, EachIsDocumentedAsItIs) {
  std::ifstream file(FANFARE_SOURCE_DIR "/docs/configuration.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};

  for (const ConfigOption& option : config_options()) {
    const std::string shown_default =
        option.default_value.empty() ? "" : "`" + std::string(option.default_value) + "` ";
    const std::string row = "| `" + flag_of(option) + "` | `" + std::string(option.environment) +
                            "` | `" + std::string(option.toml_key) + "` | " + shown_default + "| " +
                            std::string(option.help) + " |\n";
    EXPECT_THAT(page, HasSubstr(row));
  }
}

TEST_F(LoadConfig, DescribeShowsValuesAndOriginsButNoSecret) {
  sources_.environment["FANFARE_ADMIN_KEY"] = kAdminKey;
  sources_.environment["FANFARE_MASTER_KEY"] = kKeyText;
  sources_.flags["listen"] = "[::1]:80";

  const auto rows = describe(loaded());

  ASSERT_EQ(rows.size(), config_options().size());
  EXPECT_EQ(rows[0].value, "[::1]:80");
  EXPECT_EQ(rows[0].origin, "--listen");
  for (const ConfigRow& row : rows) {
    EXPECT_EQ(row.value.find(kAdminKey), std::string::npos);
    EXPECT_EQ(row.value == "***", row.name == "admin-key" || row.name == "master-key") << row.name;
  }
}

}  // namespace
}  // namespace fanfare
