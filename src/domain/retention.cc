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
          .deliveries = now - policy.deliveries,
          .audit = now - policy.audit};
}

RetentionCounts& RetentionCounts::operator+=(const RetentionCounts& other) {
  runs_ended += other.runs_ended;
  events += other.events;
  attempts += other.attempts;
  deliveries += other.deliveries;
  broadcasts += other.broadcasts;
  webhook_versions += other.webhook_versions;
  audit_entries += other.audit_entries;
  return *this;
}

std::string encode(const RetentionCounts& counts) {
  return R"("events":)" + std::to_string(counts.events) + R"(,"attempts":)" +
         std::to_string(counts.attempts) + R"(,"deliveries":)" + std::to_string(counts.deliveries) +
         R"(,"open_deliveries_expired":)" + std::to_string(counts.runs_ended) +
         R"(,"broadcasts":)" + std::to_string(counts.broadcasts) + R"(,"webhook_versions":)" +
         std::to_string(counts.webhook_versions) + R"(,"audit_entries":)" +
         std::to_string(counts.audit_entries);
}

std::string encode(const CleanupReport& report) {
  return R"({"at":")" + format_rfc3339(report.at) + R"(","duration_ms":)" +
         std::to_string(report.duration.count()) + R"(,"removed":{)" + encode(report.removed) +
         R"(},"has_more":)" + (report.has_more ? "true" : "false") + "}";
}

std::optional<Timestamp> began_at(std::string_view report) {
  constexpr std::string_view kBefore = R"({"at":")";
  if (!report.starts_with(kBefore)) return std::nullopt;
  report.remove_prefix(kBefore.size());
  const auto at = parse_rfc3339(report.substr(0, report.find('"')));
  return at ? std::optional(*at) : std::nullopt;
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
