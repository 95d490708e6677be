#include "base/random.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

// Fills with one byte: pins the ends of uniform01.
class ConstantRandom final : public Random {
 public:
  explicit ConstantRandom(std::uint8_t byte) : byte_(byte) {}
  void fill(std::span<std::uint8_t> out) override {
    for (std::uint8_t& byte : out) byte = byte_;
  }

 private:
  std::uint8_t byte_;
};

TEST(Random, Uniform01IsZeroAtTheBottom) {
  EXPECT_EQ(ConstantRandom(0).uniform01(), 0.0);
}

TEST(Random, Uniform01StaysBelowOneAtTheTop) {
  const double top = ConstantRandom(0xFF).uniform01();

  EXPECT_LT(top, 1.0);
  EXPECT_GT(top, 0.999999);
}

TEST(Random, Uniform01FillsItsRangeEvenly) {
  SeededRandom random(7);
  std::array<int, 10> counts{};

  for (int i = 0; i < 10'000; ++i) ++counts[static_cast<std::size_t>(random.uniform01() * 10)];

  for (const int count : counts) EXPECT_NEAR(count, 1000, 150);
}

TEST(SystemRandom, FillsEveryLength) {
  SystemRandom random;
  for (const std::size_t length : {0U, 1U, 15U, 16U, 257U, 100'000U}) {
    std::vector<std::uint8_t> bytes(length, 0);

    random.fill(bytes);

    const std::set<std::uint8_t> distinct(bytes.begin(), bytes.end());
    EXPECT_GE(distinct.size(), std::min<std::size_t>(length / 2, 200)) << length;
  }
}

TEST(SystemRandom, NeverRepeatsAKey) {
  SystemRandom random;
  std::set<std::array<std::uint8_t, 16>> seen;
  for (int i = 0; i < 1000; ++i) {
    std::array<std::uint8_t, 16> key{};
    random.fill(key);
    ASSERT_TRUE(seen.insert(key).second);
  }
}

TEST(SeededRandom, GivesTheSameBytesForTheSameSeed) {
  std::array<std::uint8_t, 33> first{};
  std::array<std::uint8_t, 33> second{};

  SeededRandom(42).fill(first);
  SeededRandom(42).fill(second);

  EXPECT_EQ(first, second);
}

TEST(SeededRandom, DiffersBetweenSeedsAndCalls) {
  SeededRandom random(42);
  SeededRandom other(43);
  std::array<std::uint8_t, 16> first{};
  std::array<std::uint8_t, 16> second{};
  std::array<std::uint8_t, 16> third{};

  random.fill(first);
  random.fill(second);
  other.fill(third);

  EXPECT_NE(first, second);
  EXPECT_NE(first, third);
}

}  // namespace
}  // namespace fanfare
