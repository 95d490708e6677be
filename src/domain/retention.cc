#include "domain/retention.h"

namespace fanfare {

Result<void> check(const RetentionPolicy& policy) {
  const auto must_not_be_shorter = [&](const char* what, Millis kept) -> Result<void> {
    if (policy.deliveries >= kept) return {};
    return fail(Errc::invalid, "retention-deliveries (" + format_duration(policy.deliveries) +
                                   ") must not be shorter than " + what + " (" +
                                   format_duration(kept) +
                                   "), because both are shown through their delivery");
  };
  TRY_VOID(must_not_be_shorter("retention-events", policy.events));
  return must_not_be_shorter("retention-attempts", policy.attempts);
}

RetentionCutoffs cutoffs_at(const RetentionPolicy& policy, Timestamp now) {
  return {.events = now - policy.events,
          .attempts = now - policy.attempts,
          .deliveries = now - policy.deliveries};
}

RetentionCounts& RetentionCounts::operator+=(const RetentionCounts& other) {
  runs_ended += other.runs_ended;
  events += other.events;
  attempts += other.attempts;
  deliveries += other.deliveries;
  webhook_versions += other.webhook_versions;
  return *this;
}

Result<void> check_kept_for_retries(const RetryPolicy& policy, Millis events_kept) {
  const Millis window = retry_window_max(policy);
  if (window < events_kept) return {};
  return fail(Errc::invalid, "its retries may take " + format_duration(window) +
                                 ", but events are kept for " + format_duration(events_kept) +
                                 " only (retention-events): the last attempts would have nothing "
                                 "left to send");
}

}  // namespace fanfare
