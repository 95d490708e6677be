// How the server, or one tenant's part of it, is doing: one word, and each reason for it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/rollup.h"

namespace fanfare {

enum class HealthStatus { healthy, degraded, failing };
std::string_view name_of(HealthStatus status);

struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
  double free_share() const;
};

// How far behind the queue is. Nothing here waits for a receiver: a run counts only while its
// webhook has a slot free, so it is the server that is late.
struct QueueAge {
  std::optional<Timestamp> oldest_due;  // of the runs that could be sent and are not
  std::size_t webhooks_behind = 0;      // whose own slots are all taken, and a run due for a minute

  void add(const QueueAge& other);
};

struct WebhookNumbers {
  std::size_t active = 0, paused = 0, disabled = 0;
  std::size_t disabled_by_failures = 0;
};

// What is not known, or not the asker's business, is left out and counts as well.
struct HealthFacts {
  Timestamp now;
  QueueAge queue{};
  RollupCounts last_hour{};
  WebhookNumbers webhooks{};
  bool is_own_outage = false;  // most webhooks fail at once
  std::string write_error{};   // of the last commit; empty = it worked
  std::optional<DiskSpace> disk{};
  std::optional<Timestamp> last_cleanup{};
};

struct HealthReason {
  HealthStatus status = HealthStatus::degraded;  // what it makes of the whole
  std::string_view code;
  std::string detail;  // one sentence
};
struct Health {
  HealthStatus status = HealthStatus::healthy;
  std::vector<HealthReason> reasons;  // the worst first
};
Health judge(const HealthFacts& facts);

}  // namespace fanfare
