#include "domain/retention.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

using namespace std::chrono_literals;

TEST(Retention, TheDefaultsAgreeWithEachOther) {
  EXPECT_TRUE(check(RetentionPolicy{}));
}

TEST(Retention, ADeliveryIsKeptAtLeastAsLongAsWhatIsShownThroughIt) {
  const auto events = check({.events = 30h, .attempts = 20h, .deliveries = 29h});
  const auto attempts = check({.events = 20h, .attempts = 30h, .deliveries = 29h});

  ASSERT_FALSE(events);
  EXPECT_NE(events.error().message.find("retention-events"), std::string::npos);
  ASSERT_FALSE(attempts);
  EXPECT_NE(attempts.error().message.find("retention-attempts"), std::string::npos);
  EXPECT_TRUE(check({.events = 29h, .attempts = 29h, .deliveries = 29h}));
}

TEST(Retention, CutoffsAreCountedBackFromNow) {
  const Timestamp now = timestamp_of_ms(1'772'366'400'000);

  const auto cutoffs = cutoffs_at({.events = 1h, .attempts = 2h, .deliveries = 3h}, now);

  EXPECT_EQ(cutoffs.events, now - 1h);
  EXPECT_EQ(cutoffs.attempts, now - 2h);
  EXPECT_EQ(cutoffs.deliveries, now - 3h);
}

TEST(Retention, RetriesMustBeOverWhileTheEventIsKept) {
  RetryPolicy policy;
  policy.schedule = {1h};
  policy.attempts = 3;
  policy.jitter_high = 1.5;

  const auto refused = check_kept_for_retries(policy, 3h);

  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("3h"), std::string::npos) << refused.error().message;
  EXPECT_TRUE(check_kept_for_retries(policy, 3h + 1ms));
}

TEST(Retention, AReportTellsWhenItsCleanupBegan) {
  const Timestamp at = timestamp_of_ms(1'772'366'400'123);
  EXPECT_EQ(began_at(encode(CleanupReport{.at = at, .duration = {}, .removed = {}})), at);
  EXPECT_FALSE(began_at(""));
  EXPECT_FALSE(began_at(R"({"at":"yesterday"})"));
}

}  // namespace
}  // namespace fanfare
