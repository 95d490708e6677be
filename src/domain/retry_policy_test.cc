#include "domain/retry_policy.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{Millis{1'772'366'400'000}};

RetryPolicy policy_with(std::vector<Millis> schedule, int attempts) {
  RetryPolicy policy;
  policy.schedule = std::move(schedule);
  policy.attempts = attempts;
  return policy;
}

// The waits of a whole run that never succeeds, at one draw.
std::vector<Millis> waits(const RetryPolicy& policy, double uniform01) {
  std::vector<Millis> result;
  for (int made = 1;; ++made) {
    const RetryDecision decision =
        decide_retry(policy, made, policy.attempts, std::nullopt, kNow, uniform01);
    if (!std::holds_alternative<RetryAt>(decision)) return result;
    result.push_back(std::get<RetryAt>(decision).when - kNow);
  }
}

Millis wait_after(const RetryPolicy& policy, std::optional<Millis> retry_after,
                  double uniform01 = 0.0) {
  return std::get<RetryAt>(decide_retry(policy, 1, 2, retry_after, kNow, uniform01)).when - kNow;
}

struct Preset {
  const char* name;
  std::vector<Millis> waits;
};

TEST(RetryPreset, WaitsAsPublished) {
  const Preset presets[] = {
      {"email-sla", {2s, 4s, 8s}},
      {"whatsapp-crm", {1s, 2s, 4s}},
      {"nuke", {1min, 5min, 30min, 2h}},
      {"ops-center", {1min, 5min, 15min, 1h, 2h}},
  };
  for (const Preset& preset : presets) {
    const auto policy = retry_preset(preset.name);

    ASSERT_TRUE(policy.has_value()) << preset.name;
    EXPECT_EQ(policy->preset, preset.name);
    EXPECT_EQ(waits(*policy, 0.0), preset.waits) << preset.name;
    EXPECT_EQ(waits(*policy, 1.0), preset.waits) << preset.name << " has no jitter";
  }
}

TEST(RetryPreset, StandardMakesTenAttemptsWithJitter) {
  const RetryPolicy policy = retry_preset("standard").value();

  EXPECT_EQ(policy.attempts, 10);
  EXPECT_EQ(waits(policy, 0.0),
            (std::vector<Millis>{4500ms, 270s, 27min, 108min, 270min, 9h, 756min, 18h, 1296min}));
  EXPECT_EQ(waits(policy, 1.0),
            (std::vector<Millis>{6s, 6min, 36min, 144min, 6h, 12h, 1008min, 24h, 1728min}));
  EXPECT_EQ(waits(policy, 1.0 / 3),
            (std::vector<Millis>{5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h}));
}

TEST(RetryPreset, WhatsappCrmWaitsEightSecondsOnlyWhenAskedForMore) {
  RetryPolicy policy = retry_preset("whatsapp-crm").value();

  policy.attempts = 5;

  EXPECT_EQ(waits(policy, 0.0), (std::vector<Millis>{1s, 2s, 4s, 8s}));
}

TEST(RetryPreset, EachPassesItsOwnCheck) {
  for (const char* name : {"standard", "email-sla", "whatsapp-crm", "nuke", "ops-center"}) {
    EXPECT_TRUE(check(retry_preset(name).value()).has_value()) << name;
  }
}

TEST(RetryPreset, KnowsNoOtherName) {
  for (const char* name : {"", "Standard", "standard ", "email_sla", "none"}) {
    EXPECT_FALSE(retry_preset(name).has_value()) << name;
  }
}

TEST(RetryPolicy, RepeatsTheLastDelayOfAShortSchedule) {
  EXPECT_EQ(waits(policy_with({1s, 1min}, 5), 0.5), (std::vector<Millis>{1s, 1min, 1min, 1min}));
}

TEST(RetryPolicy, GivesUpWhenTheAttemptsAreUsedUp) {
  const RetryPolicy policy = policy_with({1s}, 3);
  EXPECT_TRUE(std::holds_alternative<RetryAt>(decide_retry(policy, 2, 3, std::nullopt, kNow, 0)));
  EXPECT_TRUE(std::holds_alternative<GiveUp>(decide_retry(policy, 3, 3, std::nullopt, kNow, 0)));
  EXPECT_TRUE(std::holds_alternative<GiveUp>(decide_retry(policy, 4, 3, std::nullopt, kNow, 0)));
  EXPECT_TRUE(std::holds_alternative<GiveUp>(decide_retry(policy, 1, 1, 10s, kNow, 0)));
}

TEST(RetryPolicy, TheRunsOwnMaximumCountsNotThePolicys) {
  const RetryPolicy policy = policy_with({1s, 2s}, 2);

  EXPECT_EQ(decide_retry(policy, 4, 5, std::nullopt, kNow, 0), RetryDecision(RetryAt{kNow + 2s}));
  EXPECT_EQ(decide_retry(policy, 1, 1, std::nullopt, kNow, 0), RetryDecision(GiveUp{}));
}

TEST(RetryPolicy, GivesUpWithoutASchedule) {
  EXPECT_EQ(decide_retry(policy_with({}, 1), 1, 5, 10s, kNow, 0), RetryDecision(GiveUp{}));
}

TEST(RetryPolicy, HonoursRetryAfterUpToTheCap) {
  const RetryPolicy policy = policy_with({10s}, 2);
  EXPECT_EQ(wait_after(policy, std::nullopt), 10s);
  EXPECT_EQ(wait_after(policy, 0ms), 10s) << "never shorter than the schedule";
  EXPECT_EQ(wait_after(policy, -5s), 10s);
  EXPECT_EQ(wait_after(policy, 9999ms), 10s);
  EXPECT_EQ(wait_after(policy, 10001ms), 10001ms);
  EXPECT_EQ(wait_after(policy, 24h), 24h);
  EXPECT_EQ(wait_after(policy, 24h + 1ms), 24h);
  EXPECT_EQ(wait_after(policy, Millis::max()), 24h);
}

TEST(RetryPolicy, RetryAfterDoesNotShortenADelayBeyondItsCap) {
  EXPECT_EQ(wait_after(policy_with({48h}, 2), 1h), 48h);
}

TEST(RetryPolicy, RetryAfterIsNotMultipliedByTheJitter) {
  RetryPolicy policy = policy_with({10s}, 2);
  policy.jitter_high = 2.0;

  EXPECT_EQ(wait_after(policy, 15s, 0.0), 15s);
  EXPECT_EQ(wait_after(policy, 15s, 1.0), 20s);
}

TEST(RetryPolicy, FullJitterNeverMakesARetryDueAtOnce) {
  RetryPolicy policy = policy_with({1s}, 2);
  policy.jitter_low = 0.0;

  EXPECT_EQ(wait_after(policy, std::nullopt, 0.0), 1ms);
}

TEST(RetryPolicy, NeverDecidesForThePastNorBeyondTheCap) {
  SeededRandom random(1);
  for (int i = 0; i < 50'000; ++i) {
    RetryPolicy policy;
    const auto delays = 1 + static_cast<std::size_t>(random.uniform01() * 20);
    for (std::size_t n = 0; n < delays; ++n) {
      policy.schedule.emplace_back(
          static_cast<std::int64_t>(std::pow(random.uniform01(), 4) * 2e9) - 1000);
    }
    policy.jitter_low = random.uniform01();
    policy.jitter_high = policy.jitter_low + random.uniform01();
    const int made = 1 + static_cast<int>(random.uniform01() * 25);
    std::optional<Millis> retry_after;
    if (random.uniform01() < 0.5)
      retry_after = Millis{static_cast<std::int64_t>((random.uniform01() - 0.2) * 1e9)};

    const RetryDecision decision =
        decide_retry(policy, made, 20, retry_after, kNow, random.uniform01());

    ASSERT_EQ(std::holds_alternative<GiveUp>(decision), made >= 20);
    if (made >= 20) continue;
    const Timestamp when = std::get<RetryAt>(decision).when;
    ASSERT_GT(when, kNow);
    ASSERT_LE(when, kNow + limits::kRetryWindowMax);
  }
}

TEST(RetryPolicy, ReadsAnAbsurdStoredDelayAsTheLongestAllowed) {
  EXPECT_EQ(wait_after(policy_with({Millis::max()}, 2), std::nullopt), limits::kRetryWindowMax);
  EXPECT_EQ(wait_after(policy_with({Millis::min()}, 2), std::nullopt), 1ms);
}

TEST(RetryPolicyDeathTest, AbortsOnADecisionBeforeAnyFailure) {
  EXPECT_DEATH(decide_retry(policy_with({1s}, 2), 0, 2, std::nullopt, kNow, 0), "assertion failed");
  EXPECT_DEATH(decide_retry(policy_with({1s}, 2), 1, 2, std::nullopt, kNow, 1.5),
               "assertion failed");
}

struct Bound {
  RetryPolicy policy;
  const char* complaint;  // nullptr = accepted
};

RetryPolicy with_jitter(double low, double high) {
  RetryPolicy policy = policy_with({1s}, 2);
  policy.jitter_low = low;
  policy.jitter_high = high;
  return policy;
}

TEST(RetryPolicyCheck, NamesTheBoundThatIsBroken) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const Bound bounds[] = {
      {policy_with({}, 1), nullptr},
      {policy_with({1ms}, 20), nullptr},
      {policy_with({24h * 14}, 2), nullptr},
      {policy_with(std::vector<Millis>(20, 1s), 20), nullptr},
      {policy_with({1s}, 0), "attempts must be from 1 to 20"},
      {policy_with({1s}, -1), "attempts must be from 1 to 20"},
      {policy_with({1s}, 21), "attempts must be from 1 to 20"},
      {policy_with({}, 2), "at least one delay"},
      {policy_with(std::vector<Millis>(21, 1s), 2), "at most 20 delays"},
      {policy_with({1s, 0s}, 2), "longer than 0"},
      {policy_with({-1s}, 2), "longer than 0"},
      {policy_with({Millis::min()}, 2), "longer than 0"},
      {policy_with({Millis::max()}, 20), "at most 14d"},
      {policy_with({24h * 14 + 1ms}, 2), "at most 14d"},
      {policy_with({1s, 24h * 15}, 2), "at most 14d"},
      {policy_with({24h * 7}, 3), nullptr},
      {policy_with({24h * 7}, 4), "all retries together"},
      {policy_with({24h}, 15), nullptr},
      {policy_with({24h}, 16), "all retries together"},
      {with_jitter(0, 2), nullptr},
      {with_jitter(1, 1), nullptr},
      {with_jitter(-0.1, 1), "jitter"},
      {with_jitter(1.1, 1.0), "jitter"},
      {with_jitter(1, 2.1), "jitter"},
      {with_jitter(kNan, 1), "jitter"},
      {with_jitter(1, kNan), "jitter"},
      {with_jitter(1, kInfinity), "jitter"},
  };
  for (const Bound& bound : bounds) {
    const auto checked = check(bound.policy);
    if (bound.complaint == nullptr) {
      EXPECT_TRUE(checked.has_value()) << checked.error().message;
      continue;
    }
    ASSERT_FALSE(checked.has_value()) << bound.complaint;
    EXPECT_EQ(checked.error().code, Errc::invalid);
    EXPECT_NE(checked.error().message.find(bound.complaint), std::string::npos)
        << checked.error().message;
  }
}

TEST(RetryPolicyCheck, CountsTheLongestJitterIntoTheWindow) {
  RetryPolicy policy = policy_with({24h * 7}, 3);
  policy.jitter_high = 1.001;

  EXPECT_FALSE(check(policy).has_value());
}

TEST(Backoff, DoublesUpToItsMaximum) {
  const auto policy =
      policy_of({.initial = 1s, .factor = 2, .max = 10s, .attempts = 7, .jitter = 0});

  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->schedule, (std::vector<Millis>{1s, 2s, 4s, 8s, 10s, 10s}));
  EXPECT_EQ(policy->attempts, 7);
  EXPECT_EQ(policy->preset, "");
}

TEST(Backoff, SpreadsItsJitterBothWays) {
  const auto policy =
      policy_of({.initial = 1s, .factor = 1, .max = 1s, .attempts = 3, .jitter = 0.25});

  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(waits(*policy, 0.0), (std::vector<Millis>{750ms, 750ms}));
  EXPECT_EQ(waits(*policy, 1.0), (std::vector<Millis>{1250ms, 1250ms}));
}

TEST(Backoff, KeepsADelayEvenForOneAttempt) {
  const auto policy =
      policy_of({.initial = 3s, .factor = 2, .max = 10s, .attempts = 1, .jitter = 0});

  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->schedule, (std::vector<Millis>{3s}));
}

TEST(Backoff, RefusesValuesOutOfBounds) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const std::pair<Backoff, const char*> refused[] = {
      {{.initial = 0s}, "initial"},
      {{.initial = -1s}, "initial"},
      {{.initial = 2s, .max = 1s}, "max"},
      {{.max = 24h * 15}, "max"},
      {{.factor = 0.9}, "factor"},
      {{.factor = 101}, "factor"},
      {{.factor = kNan}, "factor"},
      {{.attempts = 0}, "attempts"},
      {{.attempts = 21}, "attempts"},
      {{.jitter = -0.1}, "jitter"},
      {{.jitter = 1.1}, "jitter"},
      {{.jitter = kNan}, "jitter"},
      {{.initial = 24h, .max = 24h, .attempts = 20}, "all retries together"},
  };
  for (const auto& [backoff, complaint] : refused) {
    const auto policy = policy_of(backoff);
    ASSERT_FALSE(policy.has_value()) << complaint;
    EXPECT_EQ(policy.error().code, Errc::invalid);
    EXPECT_NE(policy.error().message.find(complaint), std::string::npos) << policy.error().message;
  }
}

TEST(Backoff, ALargeFactorDoesNotOverflow) {
  const auto policy =
      policy_of({.initial = 1s, .factor = 100, .max = 1h, .attempts = 20, .jitter = 0});

  ASSERT_TRUE(policy.has_value());
  EXPECT_EQ(policy->schedule.back(), 1h);
}

}  // namespace
}  // namespace fanfare
