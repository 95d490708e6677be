#include "domain/rollup.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

// ---- time ----

TEST(Rollup, ABucketStartsAtTheMinuteHourOrDay) {
  const Timestamp t = kStart + 26h + 3min + 4s + 5ms;

  EXPECT_EQ(floor_to(t, Resolution::minute), kStart + 26h + 3min);
  EXPECT_EQ(floor_to(t, Resolution::hour), kStart + 26h);
  EXPECT_EQ(floor_to(t, Resolution::day), kStart + 24h);
  EXPECT_EQ(floor_to(kStart, Resolution::day), kStart);
}

TEST(Rollup, ATimeBefore1970FallsIntoTheBucketBeforeIt) {
  EXPECT_EQ(floor_to(timestamp_of_ms(-1), Resolution::minute), timestamp_of_ms(-60'000));
}

TEST(Rollup, EveryResolutionHasOneName) {
  for (const Resolution one : {Resolution::minute, Resolution::hour, Resolution::day}) {
    EXPECT_EQ(resolution_named(name_of(one)), one);
  }
  EXPECT_FALSE(resolution_named("week"));
}

// ---- response times ----

TEST(ResponseTimes, NothingHasNeitherAverageNorQuantile) {
  EXPECT_FALSE(ResponseTimes{}.average_ms());
  EXPECT_FALSE(ResponseTimes{}.quantile_ms(0.95));
}

TEST(ResponseTimes, AQuantileIsRightWithinItsBucket) {
  ResponseTimes times;
  for (int ms = 1; ms <= 1000; ++ms) times.add(ms);

  EXPECT_NEAR(*times.quantile_ms(0.5), 500, 60);
  EXPECT_NEAR(*times.quantile_ms(0.95), 950, 60);
  EXPECT_EQ(times.average_ms(), 501);
}

TEST(ResponseTimes, TheSlowestAndTheFastestHaveABucket) {
  ResponseTimes times;
  times.add(0);
  times.add(10'000'000);

  EXPECT_LE(*times.quantile_ms(0.5), 1);
  EXPECT_EQ(times.quantile_ms(1.0), 60'000);
}

TEST(ResponseTimes, SumsAreThoseOfAllParts) {
  ResponseTimes a, b, both;
  for (const int ms : {3, 30, 300}) {
    a.add(ms);
    both.add(ms);
  }
  b.add(3000);
  both.add(3000);

  a.add(b);

  EXPECT_EQ(a, both);
}

TEST(ResponseTimes, TheBytesReadBack) {
  ResponseTimes times;
  for (const int ms : {0, 1, 7, 7, 90, 60'000, 99'999}) times.add(ms);
  std::string bytes;
  times.append_buckets(bytes);

  EXPECT_EQ(ResponseTimes::from_parts(times.count(), times.sum_ms(), bytes), times);
  EXPECT_EQ(ResponseTimes::from_parts(0, 0, ""), ResponseTimes{});
}

TEST(ResponseTimes, OtherBytesAreRefused) {
  const std::string cases[] = {"\x01", std::string("\x20\x01", 2), std::string("\x1f\x01\x00", 3),
                               std::string("\x00\xff\xff\xff\xff\x7f", 6)};
  for (const std::string& bytes : cases) {
    EXPECT_FALSE(ResponseTimes::from_parts(1, 1, bytes)) << bytes.size();
  }
}

TEST(RollupCounts, TheSuccessRateIsOfWhatEnded) {
  RollupCounts counts{.accepted = 10, .succeeded = 3, .failed = 1};

  EXPECT_DOUBLE_EQ(*counts.success_rate(), 0.75);
  EXPECT_FALSE(RollupCounts{.accepted = 1}.success_rate());
}

// ---- streaks ----

FailureStreak failures(int count, Timestamp first) {
  FailureStreak streak;
  for (int i = 0; i < count; ++i) streak.fail(first + i * 1s);
  return streak;
}

TEST(FailureStreak, AChangeWithoutASuccessGoesOn) {
  FailureStreak streak = failures(2, kStart);

  streak.then(failures(3, kStart + 10s));

  EXPECT_EQ(streak.count, 5);
  EXPECT_EQ(streak.first_at, kStart);
  EXPECT_EQ(streak.last_at, kStart + 12s);
}

TEST(FailureStreak, AChangeWithASuccessStartsAnew) {
  FailureStreak streak = failures(2, kStart);
  FailureStreak change = failures(4, kStart + 5s);
  change.reset();
  change.fail(kStart + 10s);

  streak.then(change);

  EXPECT_EQ(streak.count, 1);
  EXPECT_EQ(streak.first_at, kStart + 10s);
}

TEST(FailureStreak, ChangesGiveTheSameInAnyGrouping) {
  FailureStreak reset;
  reset.reset();
  reset.fail(kStart + 20s);
  const FailureStreak parts[] = {failures(2, kStart), failures(1, kStart + 9s), reset,
                                 failures(2, kStart + 30s)};
  FailureStreak left;
  for (const FailureStreak& part : parts) left.then(part);

  FailureStreak right = parts[2];
  right.then(parts[3]);
  FailureStreak middle = parts[1];
  middle.then(right);
  FailureStreak grouped = parts[0];
  grouped.then(middle);

  EXPECT_EQ(left, grouped);
}

TEST(FailureStreak, AnExcusedChangeStopsItsClock) {
  FailureStreak streak = failures(2, kStart);
  FailureStreak change = failures(3, kStart + 1h);
  change.excuse(streak);

  streak.then(change);

  EXPECT_EQ(streak.count, 5);
  EXPECT_EQ(streak.excused, 3);
  EXPECT_EQ(streak.excused_for, 1h + 1s);
}

TEST(LiveState, TheLastAttemptIsTheNewest) {
  LiveState state;
  state.last = {.at = kStart, .is_success = false, .response_status = 500, .error = "no"};
  LiveState change;
  change.open = 3;

  state.then(change);
  EXPECT_EQ(state.last.response_status, 500);
  change.last = {.at = kStart + 1s, .is_success = true, .response_status = 200, .error = ""};
  change.open = -1;
  state.then(change);

  EXPECT_EQ(state.last.response_status, 200);
  EXPECT_EQ(state.open, 2);
}

}  // namespace
}  // namespace fanfare
