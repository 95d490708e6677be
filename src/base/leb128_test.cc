#include "base/leb128.h"

#include <array>
#include <limits>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(Leb128, EveryNumberComesBack) {
  const std::array<std::uint64_t, 7> numbers = {
      0, 1, 127, 128, 300, 1ULL << 62, std::numeric_limits<std::uint64_t>::max()};
  std::string bytes;
  for (const std::uint64_t number : numbers) append_leb128(bytes, number);

  std::string_view rest = bytes;
  for (const std::uint64_t number : numbers) EXPECT_EQ(take_leb128(rest), number);
  EXPECT_TRUE(rest.empty());
}

TEST(Leb128, EverySignedNumberComesBack) {
  const std::array<std::int64_t, 6> numbers = {0,
                                               -1,
                                               1,
                                               -64,
                                               std::numeric_limits<std::int64_t>::min(),
                                               std::numeric_limits<std::int64_t>::max()};
  std::string bytes;
  for (const std::int64_t number : numbers) append_signed_leb128(bytes, number);

  std::string_view rest = bytes;
  for (const std::int64_t number : numbers) EXPECT_EQ(take_signed_leb128(rest), number);
}

TEST(Leb128, SmallNumbersTakeOneByte) {
  std::string bytes;
  append_leb128(bytes, 127);
  append_signed_leb128(bytes, -64);

  EXPECT_EQ(bytes.size(), 2U);
}

TEST(Leb128, WhatIsCutShortOrTooLargeIsNone) {
  const std::string cut("\x80\x80", 2);
  const std::string large(9, '\xff');
  std::string_view empty;
  std::string_view short_one = cut;
  const std::string too_large = large + "\x7f";
  std::string_view overflowing = too_large;

  EXPECT_FALSE(take_leb128(empty));
  EXPECT_FALSE(take_leb128(short_one));
  EXPECT_FALSE(take_leb128(overflowing));
}

}  // namespace
}  // namespace fanfare
