#include "base/json_text.h"

#include <gtest/gtest.h>

#include "base/json_scan.h"
#include "base/random.h"

namespace fanfare {
namespace {

std::string json_of(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonText, EscapesWhatMustBeEscaped) {
  EXPECT_EQ(json_of(""), R"("")");
  EXPECT_EQ(json_of("invoice.paid"), R"("invoice.paid")");
  EXPECT_EQ(json_of("\"\\/"), R"("\"\\/")");
  EXPECT_EQ(json_of("\n\r\t"), R"("\n\r\t")");
  EXPECT_EQ(json_of(std::string_view("\0\x01\b\f\x1F", 5)), R"("\u0000\u0001\u0008\u000c\u001f")");
  EXPECT_EQ(json_of("\x7F€😀"), "\"\x7F€😀\"");
}

std::string lossy_json_of(std::string_view text) {
  std::string out;
  append_lossy_json_string(out, text);
  return out;
}

TEST(LossyJsonText, WritesUtf8AsItIs) {
  for (const char* text : {"", "a\"b\\c\n\t\r\x01", "ü€😀", "\x7F"}) {
    EXPECT_EQ(lossy_json_of(text), json_of(text)) << text;
  }
}

TEST(LossyJsonText, ReplacesEachByteThatIsNotUtf8) {
  EXPECT_EQ(lossy_json_of("a\xFFz"), "\"a\xEF\xBF\xBDz\"");
  EXPECT_EQ(lossy_json_of("\"\xFF\n€"), "\"\\\"\xEF\xBF\xBD\\n€\"");
  EXPECT_EQ(lossy_json_of("\xE2\x82"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "a truncated one";
  EXPECT_EQ(lossy_json_of("\xC0\xAF"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\"") << "an overlong one";
  EXPECT_EQ(lossy_json_of("\xED\xA0\x80"), "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"")
      << "a surrogate";
}

TEST(LossyJsonText, WritesJsonWhateverTheBytes) {
  SeededRandom random(2);
  for (int i = 0; i < 5000; ++i) {
    std::string bytes;
    for (int n = 0; n < i % 40; ++n) bytes += static_cast<char>(random.uniform01() * 256);

    ASSERT_TRUE(check_json(lossy_json_of(bytes))) << i;
  }
}

TEST(JsonText, ResolvesEveryEscape) {
  EXPECT_EQ(unescape_json(R"(plain €)"), "plain €");
  EXPECT_EQ(unescape_json(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(unescape_json(R"(\u0041\u00e9\u20AC\ud83D\uDE00)"), "Aé€😀");
  EXPECT_EQ(unescape_json(R"(\u0000)"), std::string(1, '\0'));
  EXPECT_EQ(unescape_json(R"(\uffff\ud800\udc00\udbff\udfff)"),
            "\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF");
}

TEST(JsonText, ReadsBackWhatItWrites) {
  SeededRandom random(1);
  for (int i = 0; i < 5000; ++i) {
    std::string text;
    for (int n = 0; n < i % 40; ++n) text += static_cast<char>(random.uniform01() * 128);

    const std::string json = json_of(text);

    ASSERT_TRUE(check_json(json)) << json;
    ASSERT_EQ(unescape_json(std::string_view(json).substr(1, json.size() - 2)), text);
  }
}

}  // namespace
}  // namespace fanfare
