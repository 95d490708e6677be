#include "config/toml_file.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(ParseToml, FlattensTablesIntoDottedKeysWithTheirLines) {
  const auto entries = parse_toml("listen = '[::1]:80'\n[egress]\nhttp = true\n", "f.toml");

  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].key, "egress.http");
  EXPECT_EQ((*entries)[0].value, "true");
  EXPECT_EQ((*entries)[0].line, 3);
  EXPECT_EQ((*entries)[1].key, "listen");
  EXPECT_EQ((*entries)[1].value, "[::1]:80");
  EXPECT_EQ((*entries)[1].line, 1);
}

TEST(ParseToml, JoinsListsOfStringsWithCommas) {
  const auto entries = parse_toml("a = ['10.0.0.0/8', '::1']", "f.toml");

  ASSERT_TRUE(entries);
  EXPECT_EQ(entries->at(0).value, "10.0.0.0/8,::1");
}

TEST(ParseToml, AnEmptyFileHasNoEntries) {
  const auto entries = parse_toml("", "f.toml");

  ASSERT_TRUE(entries);
  EXPECT_TRUE(entries->empty());
}

TEST(ParseToml, RefusesWhatHasNoTextFormAndNamesTheLine) {
  const char* const refused[] = {
      "\na = 1.5",     "\na = 2026-01-01", "\na = [1]",
      "\na = ['x,y']", "\na = ['']",       "\na = [['x']]",
      "\na = [{}]",    "\na = ",           "\na = 'x",
      "\n[a",          "\na = '\xff'",     "\na = 99999999999999999999",
  };

  for (const char* text : refused) {
    const auto entries = parse_toml(text, "f.toml");
    ASSERT_FALSE(entries) << text;
    EXPECT_EQ(entries.error().code, Errc::invalid);
    EXPECT_TRUE(entries.error().message.starts_with("f.toml:2: ")) << entries.error().message;
  }
}

TEST(ParseToml, RefusesAKeyThatIsSetTwice) {
  const auto entries = parse_toml("a = 'x'\na = 'y'", "f.toml");

  ASSERT_FALSE(entries);
  EXPECT_TRUE(entries.error().message.starts_with("f.toml:2")) << entries.error().message;
}

TEST(ParseToml, DeepNestingIsAnErrorAndNotACrash) {
  const std::string text = "a = " + std::string(100'000, '[');

  EXPECT_FALSE(parse_toml(text, "f.toml"));
}

TEST(ParseToml, NamesTheTablesOfAListByNumber) {
  const auto entries = parse_toml("[[key]]\nid = \"a\"\n[[key]]\nid = \"b\"\n", "f.toml");

  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2U);
  EXPECT_EQ((*entries)[0].key, "key[0].id");
  EXPECT_EQ((*entries)[1].key, "key[1].id");
  EXPECT_EQ((*entries)[1].line, 4);
}

class ReadTextFile : public testing::Test {
 protected:
  ReadTextFile() {
    std::string pattern = testing::TempDir() + "fanfare-config-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~ReadTextFile() override { std::filesystem::remove_all(directory_); }
  std::string directory_;
};

TEST_F(ReadTextFile, ReadsAFileOfExactlyTheLimit) {
  std::ofstream(directory_ + "/f") << "12345";

  EXPECT_EQ(read_text_file(directory_ + "/f", 5).value(), "12345");
}

TEST_F(ReadTextFile, RefusesAFileOverTheLimit) {
  std::ofstream(directory_ + "/f") << "123456";

  const auto text = read_text_file(directory_ + "/f", 5);

  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("longer than 5 bytes"), std::string::npos);
}

TEST_F(ReadTextFile, RefusesAMissingFileByName) {
  const auto text = read_text_file(directory_ + "/none", 5);

  ASSERT_FALSE(text);
  EXPECT_NE(text.error().message.find("/none"), std::string::npos);
}

TEST_F(ReadTextFile, RefusesADirectory) {
  EXPECT_FALSE(read_text_file(directory_, 5));
}

}  // namespace
}  // namespace fanfare
