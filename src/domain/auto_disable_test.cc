#include "domain/auto_disable.h"

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;
using Verdict = DisableDecision::Verdict;

LiveState failing(int deliveries, int attempts, Timestamp first = kStart, Timestamp last = kStart) {
  LiveState live;
  live.deliveries = {.count = deliveries, .first_at = first, .last_at = last};
  live.attempts = {.count = attempts, .first_at = first, .last_at = last};
  return live;
}

TEST(AutoDisable, WithoutAThresholdNothingIsDecided) {
  EXPECT_EQ(decide_disable({}, failing(0, 0), failing(10'000, 10'000), false).verdict,
            Verdict::none);
}

TEST(AutoDisable, TheThresholdDecidesAndWarningsComeBeforeIt) {
  struct Case {
    int threshold, before, after;
    Verdict verdict;
    int percent;
  };
  const Case cases[] = {{10, 0, 1, Verdict::none, 0},       {10, 3, 4, Verdict::none, 0},
                        {10, 4, 5, Verdict::warn, 50},      {10, 5, 6, Verdict::none, 0},
                        {10, 6, 7, Verdict::warn, 70},      {10, 7, 8, Verdict::none, 0},
                        {10, 8, 9, Verdict::warn, 90},      {10, 9, 10, Verdict::disable, 0},
                        {10, 2, 8, Verdict::warn, 70},      {10, 0, 30, Verdict::disable, 0},
                        {1, 0, 1, Verdict::disable, 0},     {2, 0, 1, Verdict::warn, 50},
                        {2, 1, 2, Verdict::disable, 0},     {3, 1, 2, Verdict::warn, 50},
                        {10, 12, 12, Verdict::disable, 0},  {10, 5, 5, Verdict::none, 0},
                        {1000, 499, 500, Verdict::warn, 50}};
  for (const Case& one : cases) {
    const DisableDecision decision = decide_disable(
        {.threshold = one.threshold}, failing(one.before, 0), failing(one.after, 0), false);
    EXPECT_EQ(decision.verdict, one.verdict) << one.threshold << ' ' << one.after;
    EXPECT_EQ(decision.percent, one.percent) << one.threshold << ' ' << one.after;
    EXPECT_EQ(decision.detail.empty(), one.verdict == Verdict::none);
  }
}

TEST(AutoDisable, OnlyWhatTheProfileCountsCounts) {
  const LiveState none = failing(0, 0);
  const LiveState after = failing(1, 9);

  EXPECT_EQ(
      decide_disable({.threshold = 5, .counts = FailureCounts::deliveries}, none, after, false)
          .verdict,
      Verdict::none);
  EXPECT_EQ(decide_disable({.threshold = 5, .counts = FailureCounts::attempts}, none, after, false)
                .verdict,
            Verdict::disable);
}

TEST(AutoDisable, ANewRowOfFailuresWarnsAgain) {
  const LiveState before = failing(6, 6, kStart);
  const LiveState after = failing(5, 5, kStart + 1h);

  EXPECT_EQ(decide_disable({.threshold = 10}, before, after, false).percent, 50);
}

TEST(AutoDisable, ExcusedFailuresCountForNothing) {
  LiveState after = failing(12, 12);
  after.deliveries.excused = 9;

  EXPECT_EQ(decide_disable({.threshold = 10}, failing(11, 11), after, false).verdict,
            Verdict::none);
  after.deliveries.count = 19;
  EXPECT_EQ(decide_disable({.threshold = 10}, failing(11, 11), after, false).verdict,
            Verdict::disable);
}

TEST(AutoDisable, WhileItIsFrozenNothingIsDecided) {
  EXPECT_EQ(decide_disable({.threshold = 2}, failing(0, 0), failing(50, 50), true),
            DisableDecision{});
}

TEST(AutoDisable, TheLongRuleWantsDaysManyAttemptsAndADaysSpread) {
  struct Case {
    Millis after, lasted;
    int attempts;
    Millis excused_for;
    Verdict verdict;
  };
  const Case cases[] = {
      {120h, 120h, 20, 0h, Verdict::disable}, {120h, 119h, 50, 0h, Verdict::none},
      {120h, 200h, 19, 0h, Verdict::none},    {120h, 130h, 20, 11h, Verdict::none},
      {1h, 23h, 99, 0h, Verdict::none},       {1h, 24h, 99, 0h, Verdict::disable}};
  for (const Case& one : cases) {
    LiveState after = failing(0, one.attempts, kStart, kStart + one.lasted);
    after.attempts.excused_for = one.excused_for;
    EXPECT_EQ(decide_disable({.after = one.after}, failing(0, 0), after, false).verdict,
              one.verdict)
        << one.lasted.count() << ' ' << one.attempts;
  }
}

TEST(AutoDisable, AnOwnOutageIsMoreThanHalfOfAtLeastTen) {
  EXPECT_FALSE(is_own_outage(9, 9));
  EXPECT_FALSE(is_own_outage(10, 5));
  EXPECT_TRUE(is_own_outage(10, 6));
  EXPECT_FALSE(is_own_outage(0, 0));
}

}  // namespace
}  // namespace fanfare
