#include "base/http_token.h"

#include <string>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(HttpToken, HasTheBytesOfTheStandardAndNoOthers) {
  const std::string_view alphabet =
      "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    EXPECT_EQ(is_token_byte(c), alphabet.find(c) != std::string_view::npos) << byte;
    EXPECT_EQ(is_token(std::string(3, c)), is_token_byte(c)) << byte;
  }
}

TEST(HttpToken, IsNotEmpty) {
  EXPECT_FALSE(is_token(""));
  EXPECT_TRUE(is_token("x"));
}

TEST(HttpToken, IsSpoiltByOneByteAnywhere) {
  for (const std::string_view text : {"a b", " a", "a ", "a:", "(a)", "a\r", "\xC3\xA4"})
    EXPECT_FALSE(is_token(text)) << text;
}

}  // namespace
}  // namespace fanfare
