#include "bench/support/histogram.h"

#include <limits>

#include <gtest/gtest.h>

namespace fanfare::bench {
namespace {

TEST(Histogram, SaysZeroWhenNothingWasRecorded) {
  EXPECT_EQ(Histogram{}.percentile(0.5), 0U);
}

TEST(Histogram, FindsPercentilesWithinTwoPercent) {
  Histogram histogram;
  for (int value = 1; value <= 100'000; ++value) histogram.record(value);

  for (const double fraction : {0.01, 0.5, 0.99, 1.0}) {
    const auto found = static_cast<double>(histogram.percentile(fraction));
    EXPECT_GE(found, fraction * 100'000);
    EXPECT_LE(found, fraction * 100'000 * 1.02);
  }
}

TEST(Histogram, IsExactBelowOneHundredAndTwentyEight) {
  for (int value = 0; value < 128; ++value) {
    Histogram histogram;
    histogram.record(value);
    EXPECT_EQ(histogram.percentile(0.5), static_cast<std::uint64_t>(value));
  }
}

TEST(Histogram, TakesTheLargestAndNegativeValues) {
  Histogram histogram;
  histogram.record(-5);
  histogram.record(std::numeric_limits<std::int64_t>::max());

  EXPECT_EQ(histogram.total(), 2U);
  EXPECT_EQ(histogram.percentile(0.5), 0U);
  EXPECT_EQ(histogram.percentile(1.0),
            static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
}

}  // namespace
}  // namespace fanfare::bench
