#include "base/encoding.h"

#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fanfare {
namespace {

struct Pair {
  std::string bytes;
  std::string text;
};

std::string random_bytes(Random& random, std::size_t length) {
  std::vector<std::uint8_t> bytes(length);
  random.fill(bytes);
  return {bytes.begin(), bytes.end()};
}

TEST(Hex, WritesLowerCase) {
  EXPECT_EQ(hex_encode(bytes_of(std::string_view("\x00\x0F\xF0\xAB\xFF", 5))), "000ff0abff");
  EXPECT_EQ(hex_encode({}), "");
}

TEST(Hex, RefusesOtherSpellings) {
  for (const char* text :
       {"0", "000", "0g", "g0", "AB", "aB", "0x00", " 00", "00 ", "0 ", "-1", "\xC3\xA9"}) {
    const auto bytes = hex_decode(text);

    ASSERT_FALSE(bytes.has_value()) << text;
    EXPECT_EQ(bytes.error().code, Errc::invalid) << text;
  }
}

// RFC 4648 10.
const std::vector<Pair> kBase64Vectors = {{"", ""},
                                          {"f", "Zg=="},
                                          {"fo", "Zm8="},
                                          {"foo", "Zm9v"},
                                          {"foob", "Zm9vYg=="},
                                          {"fooba", "Zm9vYmE="},
                                          {"foobar", "Zm9vYmFy"},
                                          {"\xFB\xFF\xFE", "+//+"}};

TEST(Base64, WritesTheVectorsOfRfc4648) {
  for (const Pair& pair : kBase64Vectors) EXPECT_EQ(base64_encode(bytes_of(pair.bytes)), pair.text);
}

TEST(Base64, ReadsTheVectorsOfRfc4648) {
  for (const Pair& pair : kBase64Vectors) EXPECT_EQ(base64_decode(pair.text).value(), pair.bytes);
}

TEST(Base64, RefusesOtherSpellings) {
  for (const char* text : {"Zg",       "Zg=",   "Zg===",   "Zh==",  "Zm9=",   "Z===",  "====",
                           "=",        "Zm9v=", "Zm9vZg=", "Zm 9v", "Zm9v\n", " Zm9v", "Z=g=",
                           "Zg==Zg==", "-__-",  "Zm9\xC3", "Zm9v!", "Zm9*",   "=m9v"}) {
    const auto bytes = base64_decode(text);

    ASSERT_FALSE(bytes.has_value()) << text;
    EXPECT_EQ(bytes.error().code, Errc::invalid) << text;
  }
}

TEST(Base64, NeverShowsTheTextThatItRefuses) {
  EXPECT_EQ(base64_decode("s3cretS3cret!!!!").error().message.find("s3cret"), std::string::npos);
}

TEST(Base64Url, UsesItsOwnAlphabetWithoutPadding) {
  EXPECT_EQ(base64url_encode(bytes_of("\xFB\xFF\xFE")), "-__-");
  EXPECT_EQ(base64url_encode(bytes_of("f")), "Zg");
  EXPECT_EQ(base64url_decode("-__-").value(), "\xFB\xFF\xFE");
}

TEST(Base64Url, RefusesOtherSpellings) {
  for (const char* text : {"Zg==", "+//+", "Z", "Zh", "Zm9", "Zm9vZ", "Zm9v ", "Zm9v="}) {
    EXPECT_FALSE(base64url_decode(text).has_value()) << text;
  }
}

TEST(Encodings, ReadBackWhatTheyWrite) {
  SeededRandom random(1);
  for (std::size_t length = 0; length < 300; ++length) {
    const std::string bytes = random_bytes(random, length);

    ASSERT_EQ(hex_decode(hex_encode(bytes_of(bytes))).value(), bytes);
    ASSERT_EQ(base64_decode(base64_encode(bytes_of(bytes))).value(), bytes);
    ASSERT_EQ(base64url_decode(base64url_encode(bytes_of(bytes))).value(), bytes);
  }
}

TEST(Encodings, HaveOneSpellingForEachValue) {
  SeededRandom random(2);
  int accepted = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text = random_bytes(random, 4);
    for (char& c : text) c = "ABgw0189+/=-_ "[static_cast<std::uint8_t>(c) % 14];
    const auto bytes = base64_decode(text);
    if (!bytes) continue;
    ++accepted;
    ASSERT_EQ(base64_encode(bytes_of(*bytes)), text);
  }
  EXPECT_GT(accepted, 1000);
}

TEST(Base62, WritesKnownNumbers) {
  const std::uint8_t small[] = {61};
  const std::uint8_t more[] = {62};
  const std::uint8_t wide[] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
  EXPECT_EQ(base62_encode(small, 1), "z");
  EXPECT_EQ(base62_encode(more, 2), "10");
  EXPECT_EQ(base62_encode(wide, 11), "LygHa16AHYF");
  EXPECT_EQ(base62_encode({}, 3), "000");
}

TEST(Base62, PadsToTheWidth) {
  const std::uint8_t one[] = {0, 0, 1};
  EXPECT_EQ(base62_encode(one, 6), "000001");
}

TEST(Base62DeathTest, AbortsWhenTheValueDoesNotFit) {
  const std::uint8_t value[] = {62};
  EXPECT_DEATH(base62_encode(value, 1), "assertion failed");
}

TEST(Crc32, GivesTheKnownCheckValues) {
  EXPECT_EQ(crc32(""), 0U);
  EXPECT_EQ(crc32("123456789"), 0xCBF43926U);
  EXPECT_EQ(crc32("The quick brown fox jumps over the lazy dog"), 0x414FA339U);
}

TEST(Crc32, NoticesEveryFlippedBit) {
  const std::string text = "ff_live_0123456789abcdef";
  for (std::size_t bit = 0; bit < text.size() * 8; ++bit) {
    std::string changed = text;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << bit % 8));
    ASSERT_NE(crc32(changed), crc32(text));
  }
}

TEST(Utf8, AcceptsWellFormedText) {
  for (const char* text :
       {"", "plain", "\x7F", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF", "eight bytes then \xE2\x82\xAC",
        "\xE2\x82\xAC and many plain bytes"}) {
    EXPECT_TRUE(is_valid_utf8(text)) << text;
  }
}

TEST(Utf8, RefusesMalformedText) {
  for (const char* text : {"\x80",
                           "\xBF",
                           "\xC0\x80",
                           "\xC1\xBF",
                           "\xC2",
                           "\xC2 ",
                           "\xC2\xC2",
                           "\xE0\x80\x80",
                           "\xE0\x9F\xBF",
                           "\xE2\x82",
                           "\xE2\x28\xA1",
                           "\xE2\x82 ",
                           "\xED\xA0\x80",
                           "\xED\xBF\xBF",
                           "\xF0\x80\x80\x80",
                           "\xF0\x8F\xBF\xBF",
                           "\xF0\x90\x80",
                           "\xF0\x90\x80 ",
                           "\xF0\x90 \x80",
                           "\xF4\x90\x80\x80",
                           "\xF5\x80\x80\x80",
                           "\xFE",
                           "\xFF",
                           "\xF8\x88\x80\x80\x80",
                           "plain text and then \xC3",
                           "12345678\x80"}) {
    EXPECT_FALSE(is_valid_utf8(text)) << text;
  }
}

TEST(Utf8, AgreesWithACountOfAllTwoByteTexts) {
  int valid = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char text[] = {static_cast<char>(first), static_cast<char>(second)};
      valid += is_valid_utf8({text, 2}) ? 1 : 0;
    }
  }
  EXPECT_EQ(valid, 128 * 128 + 30 * 64);
}

TEST(Utf8, ZeroBytesAreCharactersToo) {
  EXPECT_TRUE(is_valid_utf8(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace fanfare
