#include "domain/retry_policy.h"

#include <algorithm>
#include <cmath>

#include "base/assert.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr double kJitterHighMax = 2.0;
constexpr double kFactorMax = 100.0;

RetryPolicy without_jitter(std::string_view name, std::vector<Millis> schedule, int attempts) {
  return RetryPolicy{
      .preset = std::string(name), .schedule = std::move(schedule), .attempts = attempts};
}

// The delay after the n-th failure, n ≥ 1, before jitter.
Millis scheduled_delay(const RetryPolicy& policy, int failures) {
  const auto index = static_cast<std::size_t>(failures - 1);
  return policy.schedule[std::min(index, policy.schedule.size() - 1)];
}

Millis multiplied(Millis delay, double factor) {
  return Millis{std::llround(static_cast<double>(delay.count()) * factor)};
}

Result<void> check_delays(const RetryPolicy& policy) {
  if (policy.schedule.empty() && policy.attempts > 1) {
    return fail(Errc::invalid, "a retry schedule needs at least one delay");
  }
  if (policy.schedule.size() > static_cast<std::size_t>(limits::kAttemptsMax)) {
    return fail(Errc::invalid, "a retry schedule has at most 20 delays");
  }
  for (const Millis delay : policy.schedule) {
    if (delay <= Millis{0})
      return fail(Errc::invalid, "every delay of a retry schedule must be longer than 0");
    if (delay > limits::kRetryWindowMax) {
      return fail(Errc::invalid, "a delay of a retry schedule may be at most 14d");
    }
  }
  return {};
}

Result<void> check_backoff(const Backoff& backoff) {
  if (backoff.attempts < 1 || backoff.attempts > limits::kAttemptsMax) {
    return fail(Errc::invalid, "attempts must be from 1 to 20");
  }
  if (backoff.initial <= Millis{0}) return fail(Errc::invalid, "initial must be longer than 0");
  if (backoff.max < backoff.initial)
    return fail(Errc::invalid, "max must not be shorter than initial");
  if (backoff.max > limits::kRetryWindowMax) return fail(Errc::invalid, "max may be at most 14d");
  if (!(backoff.factor >= 1.0 && backoff.factor <= kFactorMax)) {
    return fail(Errc::invalid, "factor must be from 1 to 100");
  }
  if (!(backoff.jitter >= 0.0 && backoff.jitter <= 1.0)) {
    return fail(Errc::invalid, "jitter must be from 0 to 1");
  }
  return {};
}

}  // namespace

std::optional<RetryPolicy> retry_preset(std::string_view name) {
  if (name == "standard") {
    return RetryPolicy{.preset = "standard",
                       .schedule = {5s, 5min, 30min, 2h, 5h, 10h, 14h, 20h, 24h},
                       .attempts = 10,
                       .jitter_low = 0.9,
                       .jitter_high = 1.2};
  }
  if (name == "email-sla") return without_jitter(name, {2s, 4s, 8s}, 4);
  // The fourth delay counts only where more than four attempts are asked for.
  if (name == "whatsapp-crm") return without_jitter(name, {1s, 2s, 4s, 8s}, 4);
  if (name == "nuke") return without_jitter(name, {1min, 5min, 30min, 2h, 8h}, 5);
  if (name == "ops-center") return without_jitter(name, {1min, 5min, 15min, 1h, 2h}, 6);
  return std::nullopt;
}

Result<RetryPolicy> policy_of(const Backoff& backoff) {
  TRY_VOID(check_backoff(backoff));
  RetryPolicy policy;
  policy.attempts = backoff.attempts;
  policy.jitter_low = 1.0 - backoff.jitter;
  policy.jitter_high = 1.0 + backoff.jitter;
  const auto max_ms = static_cast<double>(backoff.max.count());
  auto delay_ms = static_cast<double>(backoff.initial.count());
  // One delay even for a single attempt, so that a publisher who asks for more attempts gets them.
  for (int n = 0; n < std::max(1, backoff.attempts - 1); ++n) {
    policy.schedule.emplace_back(std::llround(delay_ms));
    delay_ms = std::min(delay_ms * backoff.factor, max_ms);
  }
  TRY_VOID(check(policy));
  return policy;
}

Millis retry_window_max(const RetryPolicy& policy) {
  Millis window{0};
  for (int failures = 1; failures < policy.attempts; ++failures) {
    window += multiplied(scheduled_delay(policy, failures), policy.jitter_high);
  }
  return window;
}

Result<void> check(const RetryPolicy& policy) {
  if (policy.attempts < 1 || policy.attempts > limits::kAttemptsMax) {
    return fail(Errc::invalid, "attempts must be from 1 to 20");
  }
  if (!(policy.jitter_low >= 0.0 && policy.jitter_low <= policy.jitter_high &&
        policy.jitter_high <= kJitterHighMax)) {
    return fail(Errc::invalid, "the jitter range must lie between 0 and 2");
  }
  TRY_VOID(check_delays(policy));
  if (retry_window_max(policy) > limits::kRetryWindowMax) {
    return fail(Errc::invalid,
                "all retries together, with the longest jitter, may take at most 14d");
  }
  return {};
}

RetryDecision decide_retry(const RetryPolicy& policy, int attempts_made, int attempts_max,
                           std::optional<Millis> retry_after, Timestamp now, double uniform01) {
  FANFARE_ASSERT(attempts_made >= 1);
  FANFARE_ASSERT(uniform01 >= 0.0 && uniform01 <= 1.0);
  // A policy of one attempt may have no delays; a publisher's larger max_attempts cannot conjure
  // one up.
  if (attempts_made >= attempts_max || policy.schedule.empty()) return GiveUp{};
  const double factor = policy.jitter_low + uniform01 * (policy.jitter_high - policy.jitter_low);
  const Millis scheduled =
      std::clamp(scheduled_delay(policy, attempts_made), Millis{1}, limits::kRetryWindowMax);
  // Full jitter may draw a factor of 0; at least a millisecond keeps a retry from being due in the
  // instant it is made.
  Millis delay = std::clamp(multiplied(scheduled, factor), Millis{1}, limits::kRetryWindowMax);
  if (retry_after) delay = std::max(delay, std::min(*retry_after, limits::kRetryAfterMax));
  return RetryAt{now + delay};
}

}  // namespace fanfare
