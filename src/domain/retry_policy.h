// When to try again. Pure: the caller brings the clock and the random draw.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/limits.h"
#include "base/result.h"

namespace fanfare {

// One policy in one shape: a schedule of delays after the first, second … failure. Exponential
// backoff is expanded into a schedule when it is saved, so there is one rule to test. A schedule
// shorter than `attempts - 1` repeats its last delay.
struct RetryPolicy {
  std::string preset;            // the name it was chosen by; empty when it was written out
  std::vector<Millis> schedule;  // at least one delay unless attempts is 1
  int attempts = 1;              // 1 … limits::kAttemptsMax, the first try included
  // The delay is multiplied by a factor drawn uniformly from [jitter_low, jitter_high]; 1, 1 is no
  // jitter.
  double jitter_low = 1.0;
  double jitter_high = 1.0;

  bool operator==(const RetryPolicy&) const = default;
};

// The presets of the API: standard, email-sla, whatsapp-crm, nuke, ops-center. None for any other
// name.
std::optional<RetryPolicy> retry_preset(std::string_view name);

struct Backoff {
  Millis initial{1000};
  double factor = 2.0;
  Millis max{3'600'000};
  int attempts = 5;
  double jitter = 0.0;  // ± this share of the delay, 0 … 1
};
// Expands exponential backoff: delay n is min(max, initial · factorⁿ). Errc::invalid says which
// value is out of bounds.
Result<RetryPolicy> policy_of(const Backoff& backoff);

// Errc::invalid, naming the bound, unless 1 ≤ attempts ≤ 20, every delay is positive, and the whole
// window with the longest jitter is at most 14 days.
Result<void> check(const RetryPolicy& policy);

// From the first attempt to the last, when every delay is as long as its jitter makes it.
Millis retry_window_max(const RetryPolicy& policy);

// "5s", "30m", "2h", "14d", "250ms", or several units as in "1h30m". Errc::invalid otherwise.
Result<Millis> parse_duration(std::string_view text);
std::string format_duration(Millis duration);  // the shortest text that parse_duration reads back

struct RetryAt {
  Timestamp when;
  bool operator==(const RetryAt&) const = default;
};
struct GiveUp {
  bool operator==(const GiveUp&) const = default;
};
using RetryDecision = std::variant<RetryAt, GiveUp>;

// Decides after the `attempts_made`-th failed attempt (≥ 1) of a run that may make `attempts_max`.
// `uniform01` is one draw. Gives up when the attempts are used up, or when the policy has no delays
// at all. A receiver's Retry-After lengthens the wait, never shortens it, and never past
// limits::kRetryAfterMax: otherwise one bad header could park a delivery for a year.
RetryDecision decide_retry(const RetryPolicy& policy, int attempts_made, int attempts_max,
                           std::optional<Millis> retry_after, Timestamp now, double uniform01);

// The value of a Retry-After header (RFC 9110 10.2.3): delta-seconds or an HTTP-date (all three
// forms of 5.6.7). None for garbage, negative values and dates in the past.
std::optional<Millis> parse_retry_after(std::string_view value, Timestamp now);

}  // namespace fanfare
