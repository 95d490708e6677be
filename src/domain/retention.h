// How long history is kept, and what is too old at a moment. Ages are counted from when an event
// was accepted, which is the time inside its id and those of its deliveries: so what is too old is
// the front of every table. Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "domain/retry_policy.h"

namespace fanfare {

struct RetentionPolicy {
  Millis events = std::chrono::hours{24 * 30};  // with their payloads
  Millis attempts = std::chrono::hours{24 * 30};
  Millis deliveries = std::chrono::hours{24 * 90};  // finished ones
  Millis audit = std::chrono::hours{24 * 365};
  bool operator==(const RetentionPolicy&) const = default;
};

// Errc::invalid names the two options that contradict each other: a delivery is kept at least as
// long as its event and its attempts, since both are shown through it.
Result<void> check(const RetentionPolicy& policy);

// What was accepted before these times is kept no longer; the default keeps everything.
struct RetentionCutoffs {
  Timestamp events{};  // open runs of older events end first
  Timestamp attempts{};
  Timestamp deliveries{};
  Timestamp audit{};  // entries of the audit log, which go by an operation of their own
  bool operator==(const RetentionCutoffs&) const = default;
};
RetentionCutoffs cutoffs_at(const RetentionPolicy& policy, Timestamp now);

// Rows by kind: removed, or to be removed.
struct RetentionCounts {
  std::size_t runs_ended = 0;  // open runs of events that are too old: failed, as expired
  std::size_t events = 0;
  std::size_t attempts = 0;
  std::size_t deliveries = 0;
  std::size_t broadcasts = 0;        // that reached everybody
  std::size_t webhook_versions = 0;  // that nothing refers to any more
  std::size_t audit_entries = 0;
  std::size_t total() const;
  RetentionCounts& operator+=(const RetentionCounts& other);
  bool operator==(const RetentionCounts&) const = default;
};

// Every kind of row, once: its name in JSON, and what it is to people.
struct RetentionKind {
  const char* name;
  const char* words;
  std::size_t RetentionCounts::* count;
};
inline constexpr RetentionKind kRetentionKinds[] = {
    {"events", "events with their payloads", &RetentionCounts::events},
    {"attempts", "attempts", &RetentionCounts::attempts},
    {"deliveries", "finished deliveries", &RetentionCounts::deliveries},
    {"open_deliveries_expired", "open deliveries that expired", &RetentionCounts::runs_ended},
    {"broadcasts", "broadcasts", &RetentionCounts::broadcasts},
    {"webhook_versions", "old versions of webhooks", &RetentionCounts::webhook_versions},
    {"audit_entries", "entries of the audit log", &RetentionCounts::audit_entries},
};

// One cleanup, as the API answers it and as `last_cleanup` keeps it.
struct CleanupReport {
  Timestamp at;  // when it began
  Millis duration{0};
  RetentionCounts removed;
  bool has_more = false;  // its time was up before everything was gone
};
// The counts as members of a JSON object, and a whole report as one.
std::string encode(const RetentionCounts& counts);
std::string encode(const CleanupReport& report);
// `at` of an encoded report; none if the text is none.
std::optional<Timestamp> began_at(std::string_view report);

// One step of a cleanup: as much as a commit can carry without being felt.
inline constexpr std::size_t kExpireStepRows = 500;
inline constexpr std::size_t kExpireStepBytes = 4 * 1024 * 1024;  // of payloads and answers
inline constexpr std::size_t kExpireStepWebhooks = 200;           // looked at for old versions
// A dry run counts so far and no further.
inline constexpr std::size_t kExpireCountMax = 10'000;
// Versions of webhooks outlive what pins them by as much as ids may run ahead of the clock.
inline constexpr Millis kVersionSlack = std::chrono::hours{24};

// Errc::invalid unless the policy's last attempt comes while its event is still kept.
Result<void> check_kept_for_retries(const RetryPolicy& policy, Millis events_kept);

}  // namespace fanfare
