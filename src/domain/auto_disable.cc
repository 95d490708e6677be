#include "domain/auto_disable.h"

#include <array>

namespace fanfare {
namespace {

constexpr std::array kWarnAt = {90, 70, 50};
constexpr std::int64_t kLongAttemptsMin = 20;
constexpr Millis kLongSpreadMin = std::chrono::hours{24};
constexpr std::size_t kTriedMin = 10;

const FailureStreak& streak_of(const LiveState& live, FailureCounts counts) {
  return counts == FailureCounts::deliveries ? live.deliveries : live.attempts;
}

std::int64_t counted(const FailureStreak& streak) {
  return streak.count - streak.excused;
}

// The fewest failures that are so many percent of the threshold.
std::int64_t share_of(int threshold, int percent) {
  return (static_cast<std::int64_t>(threshold) * percent + 99) / 100;
}

std::string in_a_row(std::int64_t failures, FailureCounts counts) {
  const std::string unit = counts == FailureCounts::deliveries
                               ? (failures == 1 ? " delivery" : " deliveries")
                               : (failures == 1 ? " attempt" : " attempts");
  return std::to_string(failures) + unit + " in a row failed";
}

bool fails_too_long(const DisableRules& rules, const FailureStreak& attempts) {
  if (!rules.after || counted(attempts) < kLongAttemptsMin) return false;
  const Millis spread = attempts.last_at - attempts.first_at - attempts.excused_for;
  return spread >= *rules.after && spread >= kLongSpreadMin;
}

}  // namespace

DisableDecision decide_disable(const DisableRules& rules, const LiveState& before,
                               const LiveState& after, bool is_frozen) {
  DisableDecision decision;
  if (is_frozen) return decision;
  const FailureStreak& streak = streak_of(after, rules.counts);
  decision.failures = counted(streak);
  if (rules.threshold && decision.failures >= *rules.threshold) {
    decision.verdict = DisableDecision::Verdict::disable;
    decision.detail = in_a_row(decision.failures, rules.counts) + "; the threshold is " +
                      std::to_string(*rules.threshold) + ".";
    return decision;
  }
  if (fails_too_long(rules, after.attempts)) {
    decision.verdict = DisableDecision::Verdict::disable;
    decision.failures = counted(after.attempts);
    decision.detail = "Every attempt since " + format_rfc3339(after.attempts.first_at) +
                      " failed, " + std::to_string(decision.failures) + " of them.";
    return decision;
  }
  if (!rules.threshold) return decision;
  const FailureStreak& was = streak_of(before, rules.counts);
  const bool goes_on = was.count > 0 && was.first_at == streak.first_at;
  const std::int64_t earlier = goes_on ? counted(was) : 0;
  for (const int percent : kWarnAt) {
    const std::int64_t line = share_of(*rules.threshold, percent);
    if (earlier >= line || decision.failures < line) continue;
    decision.verdict = DisableDecision::Verdict::warn;
    decision.percent = percent;
    decision.detail = in_a_row(decision.failures, rules.counts) + "; at " +
                      std::to_string(*rules.threshold) + " the webhook is disabled.";
    return decision;
  }
  return decision;
}

bool is_own_outage(std::size_t tried, std::size_t failing) {
  return tried >= kTriedMin && 2 * failing > tried;
}

}  // namespace fanfare
