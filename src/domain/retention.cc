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

std::size_t RetentionCounts::total() const {
  std::size_t sum = 0;
  for (const RetentionKind& kind : kRetentionKinds) sum += this->*kind.count;
  return sum;
}

RetentionCounts& RetentionCounts::operator+=(const RetentionCounts& other) {
  for (const RetentionKind& kind : kRetentionKinds) this->*kind.count += other.*kind.count;
  return *this;
}

std::string encode(const RetentionCounts& counts) {
  std::string members;
  for (const RetentionKind& kind : kRetentionKinds) {
    members.append(members.empty() ? "\"" : ",\"").append(kind.name).append("\":");
    members.append(std::to_string(counts.*kind.count));
  }
  return members;
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
