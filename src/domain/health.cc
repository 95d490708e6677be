#include "domain/health.h"

#include <algorithm>
#include <cmath>

#include "domain/name_table.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr Named<HealthStatus> kStatuses[] = {{HealthStatus::healthy, "healthy"},
                                             {HealthStatus::degraded, "degraded"},
                                             {HealthStatus::failing, "failing"}};

constexpr Millis kQueueLate = 1min;
constexpr Millis kQueueVeryLate = 10min;
// Below so many ended deliveries a share says nothing.
constexpr std::int64_t kEndedMin = 10;
constexpr double kFailedShare = 0.1;
constexpr double kFailedMostly = 0.5;
constexpr std::uint64_t kMiB = 1024 * 1024;
constexpr std::uint64_t kDiskLow = 1024 * kMiB;
constexpr std::uint64_t kDiskVeryLow = 256 * kMiB;
constexpr double kDiskLowShare = 0.05;
constexpr double kDiskVeryLowShare = 0.01;
constexpr Millis kCleanupLate = 72h;

std::string percent(double share) {
  return std::to_string(std::lround(share * 100)) + " %";
}

class Judge {
 public:
  explicit Judge(const HealthFacts& facts) : facts_(facts) {}

  Health run() {
    look_at_writes();
    look_at_disk();
    look_at_failures();
    look_at_queue();
    look_at_webhooks();
    look_at_cleanup();
    std::stable_sort(
        health_.reasons.begin(), health_.reasons.end(),
        [](const HealthReason& a, const HealthReason& b) { return a.status > b.status; });
    if (!health_.reasons.empty()) health_.status = health_.reasons.front().status;
    return std::move(health_);
  }

 private:
  void add(bool is_failing, std::string_view code, std::string detail) {
    health_.reasons.push_back(
        {is_failing ? HealthStatus::failing : HealthStatus::degraded, code, std::move(detail)});
  }

  void look_at_writes() {
    if (facts_.write_error.empty()) return;
    add(true, "writes_refused",
        "The database takes no writes: " + facts_.write_error + ". Nothing can be published.");
  }

  void look_at_disk() {
    if (!facts_.disk) return;
    const DiskSpace& disk = *facts_.disk;
    const bool is_low = disk.free_bytes < kDiskLow || disk.free_share() < kDiskLowShare;
    if (!is_low) return;
    const bool is_very_low =
        disk.free_bytes < kDiskVeryLow || disk.free_share() < kDiskVeryLowShare;
    add(is_very_low, "disk_low",
        "The file system of the database has " + std::to_string(disk.free_bytes / kMiB) +
            " MiB free (" + percent(disk.free_share()) +
            "); make room, or keep less (see retention).");
  }

  void look_at_failures() {
    if (facts_.is_own_outage) {
      add(true, "most_webhooks_fail",
          "Most webhooks that were tried lately had only failures, so look at this server's own "
          "network first. No webhook is disabled meanwhile.");
    }
    const std::int64_t ended = facts_.last_hour.succeeded + facts_.last_hour.failed;
    if (ended < kEndedMin) return;
    const double share = static_cast<double>(facts_.last_hour.failed) / static_cast<double>(ended);
    if (share <= kFailedShare) return;
    add(share > kFailedMostly, "deliveries_fail",
        percent(share) + " of the deliveries that ended in the last hour failed.");
  }

  void look_at_queue() {
    if (!facts_.queue.oldest_due) return;
    const Millis late = facts_.now - *facts_.queue.oldest_due;
    if (late <= kQueueLate) return;
    add(late > kQueueVeryLate, "queue_behind",
        "A delivery has been due for " + std::to_string(late / 1s) +
            " seconds although its webhook could take it: the server is busy with others.");
  }

  void look_at_webhooks() {
    const std::size_t count = facts_.webhooks.disabled_by_failures;
    if (count == 0) return;
    add(false, "webhooks_disabled",
        std::to_string(count) + (count == 1 ? " webhook is" : " webhooks are") +
            " disabled because of failures; enable what works again.");
  }

  void look_at_cleanup() {
    if (!facts_.last_cleanup || facts_.now - *facts_.last_cleanup <= kCleanupLate) return;
    add(false, "cleanup_late",
        "The last cleanup was at " + format_rfc3339(*facts_.last_cleanup) +
            "; old rows stay and the database grows.");
  }

  const HealthFacts& facts_;
  Health health_;
};

}  // namespace

std::string_view name_of(HealthStatus status) {
  return name_in(kStatuses, status);
}

double DiskSpace::free_share() const {
  if (total_bytes == 0) return 0;
  return static_cast<double>(free_bytes) / static_cast<double>(total_bytes);
}

void QueueAge::add(const QueueAge& other) {
  if (other.oldest_due && (!oldest_due || *other.oldest_due < *oldest_due))
    oldest_due = other.oldest_due;
  webhooks_behind += other.webhooks_behind;
}

Health judge(const HealthFacts& facts) {
  return Judge(facts).run();
}

}  // namespace fanfare
