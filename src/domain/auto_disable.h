// When a webhook that keeps failing is disabled, and when its owner is warned before. Pure.
//
// Two rules. The short one counts: so many deliveries (or attempts, if the profile says so) failed
// in a row. The long one watches: every attempt failed for days. Neither holds against failures
// that are the operator's own: while most webhooks fail, failures are excused (FailureStreak) and
// clocks stand still.
#pragma once

#include <optional>
#include <string>

#include "domain/profile.h"
#include "domain/rollup.h"

namespace fanfare {

struct DisableRules {
  std::optional<int> threshold{};  // failures in a row; none = never
  FailureCounts counts = FailureCounts::deliveries;
  // Every attempt failed for so long, at least 20 of them, spread over a day. None = never.
  std::optional<Millis> after{};
};

struct DisableDecision {
  enum class Verdict { none, warn, disable };
  Verdict verdict = Verdict::none;
  int percent = 0;            // of the threshold, for a warning: 50, 70 or 90
  std::int64_t failures = 0;  // in a row, without excused ones
  std::string detail;         // one sentence for a person; empty for none
  bool operator==(const DisableDecision&) const = default;
};

// After a commit in which a webhook failed. A warning comes when the share is crossed, so once for
// each row of failures. Nothing is decided while `is_frozen`.
DisableDecision decide_disable(const DisableRules& rules, const LiveState& before,
                               const LiveState& after, bool is_frozen);

// Whether failures are the operator's own: more than half of the webhooks that were tried had only
// failures, and there were enough of them to tell.
bool is_own_outage(std::size_t tried, std::size_t failing);

}  // namespace fanfare
