#include "domain/health.h"

#include <functional>

#include <gtest/gtest.h>

#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

constexpr std::uint64_t kGiB = 1024ULL * 1024 * 1024;

TEST(Health, WithoutAReasonItIsHealthy) {
  const Health health = judge({.now = kStart});

  EXPECT_EQ(health.status, HealthStatus::healthy);
  EXPECT_TRUE(health.reasons.empty());
}

TEST(Health, EachFactIsJudgedByItsOwnLine) {
  struct Case {
    std::string what;
    std::function<void(HealthFacts&)> change;
    HealthStatus status;
    std::string_view code;
  };
  const auto disk = [](std::uint64_t free, std::uint64_t total) {
    return [=](HealthFacts& facts) { facts.disk = DiskSpace{free, total}; };
  };
  const auto ended = [](std::int64_t succeeded, std::int64_t failed) {
    return [=](HealthFacts& facts) {
      facts.last_hour.succeeded = succeeded;
      facts.last_hour.failed = failed;
    };
  };
  const auto late = [](Millis by) {
    return [=](HealthFacts& facts) { facts.queue.oldest_due = kStart - by; };
  };
  const auto cleaned = [](Millis ago) {
    return [=](HealthFacts& facts) { facts.last_cleanup = kStart - ago; };
  };
  using enum HealthStatus;
  const Case cases[] = {
      {"much room", disk(100 * kGiB, 200 * kGiB), healthy, ""},
      {"little room", disk(kGiB - 1, 10 * kGiB), degraded, "disk_low"},
      {"a small share", disk(4 * kGiB, 100 * kGiB), degraded, "disk_low"},
      {"hardly any room", disk(kGiB / 4 - 1, kGiB), failing, "disk_low"},
      {"hardly any share", disk(9 * kGiB, 1000 * kGiB), failing, "disk_low"},
      {"too few to judge", ended(0, 9), healthy, ""},
      {"a tenth fails", ended(9, 1), healthy, ""},
      {"more than a tenth", ended(88, 12), degraded, "deliveries_fail"},
      {"half", ended(5, 5), degraded, "deliveries_fail"},
      {"most", ended(4, 6), failing, "deliveries_fail"},
      {"a minute late", late(1min), healthy, ""},
      {"over a minute late", late(61s), degraded, "queue_behind"},
      {"very late", late(601s), failing, "queue_behind"},
      {"cleaned up lately", cleaned(72h), healthy, ""},
      {"not cleaned up", cleaned(73h), degraded, "cleanup_late"},
      {"disabled", [](HealthFacts& facts) { facts.webhooks.disabled_by_failures = 1; }, degraded,
       "webhooks_disabled"},
      {"disabled by hand", [](HealthFacts& facts) { facts.webhooks.disabled = 1; }, healthy, ""},
      {"no writes", [](HealthFacts& facts) { facts.write_error = "disk full"; }, failing,
       "writes_refused"},
      {"outage", [](HealthFacts& facts) { facts.is_own_outage = true; }, failing,
       "most_webhooks_fail"}};
  for (const Case& one : cases) {
    HealthFacts facts{.now = kStart};
    one.change(facts);
    const Health health = judge(facts);
    EXPECT_EQ(health.status, one.status) << one.what;
    EXPECT_EQ(health.reasons.size(), one.code.empty() ? 0U : 1U) << one.what;
    if (!health.reasons.empty()) {
      EXPECT_EQ(health.reasons.front().code, one.code) << one.what;
      EXPECT_FALSE(health.reasons.front().detail.empty());
    }
  }
}

TEST(Health, TheWorstReasonDecidesAndComesFirst) {
  HealthFacts facts{.now = kStart};
  facts.webhooks.disabled_by_failures = 3;
  facts.queue.oldest_due = kStart - 2min;
  facts.last_hour.failed = 20;

  const Health health = judge(facts);

  EXPECT_EQ(health.status, HealthStatus::failing);
  ASSERT_EQ(health.reasons.size(), 3U);
  EXPECT_EQ(health.reasons.front().code, "deliveries_fail");
}

TEST(Health, OfSeveralQueuesTheOldestCounts) {
  QueueAge all;
  all.add({.oldest_due = kStart, .webhooks_behind = 1});
  all.add({.oldest_due = kStart - 5s, .webhooks_behind = 2});
  all.add({});

  EXPECT_EQ(all.oldest_due, kStart - 5s);
  EXPECT_EQ(all.webhooks_behind, 3U);
}

}  // namespace
}  // namespace fanfare
