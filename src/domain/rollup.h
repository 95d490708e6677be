// What is counted, and what it is counted in. This comment is the one place that says what a number
// means; storage/rollup_batch.h turns committed operations into these numbers.
//
// - accepted: deliveries stored for a webhook, skipped ones too. A retry of a finished delivery is
//   not accepted again.
// - succeeded, failed, cancelled, skipped: runs that ended so. A retried delivery that ends again
//   counts its new end too, so successes and failures may exceed what was accepted.
// - attempts, failed_attempts: HTTP requests made, and those without a 2xx answer. One whose run
//   had ended meanwhile was made all the same.
// - times: of attempts that brought a status line. Time-outs are failures, not slow answers.
//
// Each counts in the minute in which it happened. Test deliveries count in nothing.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/uuid.h"

namespace fanfare {

enum class Resolution { minute, hour, day };

std::string_view name_of(Resolution resolution);
std::optional<Resolution> resolution_named(std::string_view name);
Millis length_of(Resolution resolution);
// The start of the minute, hour or day (UTC) that holds `t`.
Timestamp floor_to(Timestamp t, Resolution resolution);

// Whose numbers they are. `tenant_type` and `system_type` are split by event type.
enum class RollupScope { webhook, tenant, system, tenant_type, system_type };

struct RollupKey {
  RollupScope scope = RollupScope::system;
  Uuid owner;              // the webhook's or tenant's id; nil for the system
  std::string event_type;  // only where the scope splits by it
  auto operator<=>(const RollupKey&) const = default;
};
// What stands for the types of an owner beyond limits::kRollupTypesMax. Not a name a type can have.
inline constexpr std::string_view kOtherTypes = "(other)";

// Response times in buckets that grow by about 40 %, from 1 ms to a minute: a quantile is right
// within that. Bucket counts stop at their largest value instead of starting anew.
class ResponseTimes {
 public:
  static constexpr std::array<int, 32> kUpperMs = {
      1,    2,    3,    4,    5,    7,     10,    14,    20,    28,   40,
      55,   75,   100,  140,  200,  280,   400,   550,   750,   1000, 1400,
      2000, 2800, 4000, 5500, 7500, 10000, 14000, 20000, 30000, 60000};

  void add(int ms);
  void add(const ResponseTimes& other);

  std::int64_t count() const { return count_; }
  std::int64_t sum_ms() const { return sum_ms_; }
  std::optional<int> average_ms() const;
  // The time that a share `q` of the answers did not exceed, interpolated within its bucket.
  std::optional<int> quantile_ms(double q) const;

  // The buckets that hold something, as pairs of LEB128 numbers: how many empty ones before it, and
  // its count. Errc::corrupt for other bytes.
  void append_buckets(std::string& out) const;
  static Result<ResponseTimes> from_parts(std::int64_t count, std::int64_t sum_ms,
                                          std::string_view buckets);
  bool operator==(const ResponseTimes&) const = default;

 private:
  std::int64_t count_ = 0;
  std::int64_t sum_ms_ = 0;
  std::array<std::uint32_t, kUpperMs.size()> buckets_{};
};

struct RollupCounts {
  std::int64_t accepted = 0;
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;
  std::int64_t cancelled = 0;
  std::int64_t skipped = 0;
  std::int64_t attempts = 0;
  std::int64_t failed_attempts = 0;
  ResponseTimes times{};

  static constexpr std::array<std::int64_t RollupCounts::*, 7> numbers();
  void add(const RollupCounts& other);
  // Of the runs that ended in success or failure; none if none did.
  std::optional<double> success_rate() const;
  bool operator==(const RollupCounts&) const = default;
};

constexpr std::array<std::int64_t RollupCounts::*, 7> RollupCounts::numbers() {
  return {&RollupCounts::accepted,       &RollupCounts::succeeded, &RollupCounts::failed,
          &RollupCounts::cancelled,      &RollupCounts::skipped,   &RollupCounts::attempts,
          &RollupCounts::failed_attempts};
}

// Failures in a row: a state, and as well a change of one (`then` puts them together). Excused ones
// happened while most webhooks failed, which is the operator's own outage: they show, and count
// towards no decision (domain/auto_disable.h).
struct FailureStreak {
  bool is_reset = false;  // as a change: a success, or a fresh start, came before what it counts
  std::int64_t count = 0;
  std::int64_t excused = 0;
  Timestamp first_at{};  // of the first failure; only if count > 0
  Timestamp last_at{};
  Millis excused_for{};  // of the time since first_at

  void fail(Timestamp at);
  void reset() { *this = FailureStreak{.is_reset = true}; }
  // As a change: nothing of it counts towards a decision.
  void excuse(const FailureStreak& before);
  void then(const FailureStreak& next);
  bool operator==(const FailureStreak&) const = default;
};

struct LastAttemptMade {
  Timestamp at{};  // when it started; 0 = there was none
  bool is_success = false;
  int response_status = 0;
  std::string error{};  // empty on success
  bool operator==(const LastAttemptMade&) const = default;
};

// What is going on with one webhook; like a streak a state and as well a change of it.
struct LiveState {
  std::int64_t open = 0;     // runs that are queued
  FailureStreak deliveries;  // a delivery fails when its attempts are used up
  FailureStreak attempts;
  LastAttemptMade last;
  Timestamp last_success_at{};  // of an attempt; 0 = never

  void then(const LiveState& next);
  bool operator==(const LiveState&) const = default;
};

}  // namespace fanfare
