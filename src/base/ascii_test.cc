#include "base/ascii.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(LowerCase, ChangesTheLettersOfAsciiAndNothingElse) {
  EXPECT_EQ(lower_case("AZ-az09@[`{"), "az-az09@[`{");
  EXPECT_EQ(lower_case("\xC4\xD6\x80\xFF"), "\xC4\xD6\x80\xFF");
  EXPECT_EQ(lower_case(""), "");
}

TEST(EqualsIgnoringCase, ComparesWholeTexts) {
  EXPECT_TRUE(equals_ignoring_case("Content-TYPE", "content-type"));
  EXPECT_TRUE(equals_ignoring_case("", ""));
  EXPECT_FALSE(equals_ignoring_case("content", "content-type"));
  EXPECT_FALSE(equals_ignoring_case("content-type", "content"));
  EXPECT_FALSE(equals_ignoring_case("@", "`")) << "32 apart, as letters are";
  EXPECT_FALSE(equals_ignoring_case("[", "{"));
}

}  // namespace
}  // namespace fanfare
