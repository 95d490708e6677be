#include "storage/rollup_batch.h"

#include <algorithm>

#include "base/leb128.h"
#include "base/limits.h"

namespace fanfare {
namespace {

constexpr std::size_t kSlotsMin = 64;

std::size_t hash_of(std::uint32_t live, std::string_view event_type, Timestamp minute) {
  const std::size_t minutes = static_cast<std::size_t>(ms_of(minute) / 60'000);
  const std::size_t type = std::hash<std::string_view>{}(event_type);
  return (type ^ (minutes * 0x9E3779B97F4A7C15ULL) ^ live) * 0xBF58476D1CE4E5B9ULL;
}

// The position of the entry that `is_it` or `none`; `slot` is where it is, or belongs.
template <class IsIt>
std::uint32_t find(const std::vector<std::uint32_t>& slots, std::size_t hash, std::size_t& slot,
                   IsIt is_it) {
  const std::size_t mask = slots.size() - 1;
  for (slot = (hash >> 16) & mask; slots[slot] != 0; slot = (slot + 1) & mask) {
    if (is_it(slots[slot] - 1)) return slots[slot];
  }
  return 0;
}

// Room for one more entry at half load; the entries are put in again by `hash_at` when it grows.
template <class HashAt>
void reserve(std::vector<std::uint32_t>& slots, std::size_t count, HashAt hash_at) {
  if (2 * (count + 1) <= slots.size()) return;
  slots.assign(std::max(kSlotsMin, 4 * slots.size()), 0);
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t slot = 0;
    find(slots, hash_at(i), slot, [](std::uint32_t) { return false; });
    slots[slot] = static_cast<std::uint32_t>(i + 1);
  }
}

// The receiver's words may be long, and the tail is written with every commit.
std::string_view shortened(std::string_view text) {
  if (text.size() <= limits::kRollupErrorBytesMax) return text;
  std::size_t end = limits::kRollupErrorBytesMax;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80) --end;
  return text.substr(0, end);
}

}  // namespace

std::uint32_t RollupBatch::live_of(WebhookId webhook, TenantId tenant) {
  const std::hash<WebhookId> hash;
  reserve(live_index_.slots, live_count_, [&](std::size_t i) { return hash(lives_[i].webhook); });
  std::size_t slot = 0;
  const std::uint32_t found = find(live_index_.slots, hash(webhook), slot,
                                   [&](std::uint32_t at) { return lives_[at].webhook == webhook; });
  if (found != 0) return found - 1;
  if (live_count_ == lives_.size()) lives_.emplace_back();
  Live& live = lives_[live_count_];
  live.webhook = webhook;
  live.tenant = tenant;
  std::string kept = std::move(live.change.last.error);
  live.change = LiveState{};
  kept.clear();
  live.change.last.error = std::move(kept);
  live_index_.slots[slot] = static_cast<std::uint32_t>(++live_count_);
  return static_cast<std::uint32_t>(live_count_ - 1);
}

RollupCounts& RollupBatch::counts_of(std::uint32_t live, std::string_view event_type,
                                     Timestamp at) {
  const Timestamp minute = floor_to(at, Resolution::minute);
  reserve(count_index_.slots, count_count_, [&](std::size_t i) {
    return hash_of(counts_[i].live, counts_[i].event_type, counts_[i].minute);
  });
  std::size_t slot = 0;
  const std::uint32_t found =
      find(count_index_.slots, hash_of(live, event_type, minute), slot, [&](std::uint32_t i) {
        const Count& count = counts_[i];
        return count.live == live && count.minute == minute && count.event_type == event_type;
      });
  if (found != 0) return counts_[found - 1].counts;
  if (count_count_ == counts_.size()) counts_.emplace_back();
  Count& count = counts_[count_count_];
  count.live = live;
  count.minute = minute;
  count.event_type.assign(event_type);
  count.counts = RollupCounts{};
  count_index_.slots[slot] = static_cast<std::uint32_t>(++count_count_);
  return count.counts;
}

void RollupBatch::clear() {
  if (live_count_ == 0) return;
  live_count_ = 0;
  count_count_ = 0;
  live_index_.clear();
  count_index_.clear();
}

// ---- facts ----

void RollupBatch::accepted(const QueuedRun& run) {
  if (run.is_test) return;
  ++counts_of(run, run.created_at).accepted;
  ++lives_[live_of(run.webhook, run.tenant)].change.open;
}

void RollupBatch::reopened(const QueuedRun& run) {
  if (run.is_test) return;
  ++lives_[live_of(run.webhook, run.tenant)].change.open;
}

void RollupBatch::attempted(const AttemptOp& op, bool ends_run) {
  if (op.run.is_test) return;
  const Attempt& attempt = op.attempt;
  const bool is_success = attempt.kind == ErrorKind::none;
  const std::uint32_t at = live_of(attempt.webhook, attempt.tenant);
  RollupCounts& counts = counts_of(at, op.run.event_type, op.finished_at);
  LiveState& change = lives_[at].change;

  ++counts.attempts;
  if (!is_success) ++counts.failed_attempts;
  if (attempt.outcome.status != 0) counts.times.add(attempt.outcome.timing.total_ms);
  change.last.at = attempt.started_at;
  change.last.is_success = is_success;
  change.last.response_status = attempt.outcome.status;
  change.last.error.assign(shortened(attempt.error));
  if (is_success) {
    change.last_success_at = std::max(change.last_success_at, attempt.started_at);
    change.attempts.reset();
    change.deliveries.reset();
  } else if (attempt.kind != ErrorKind::internal) {
    // A request that could not be built is our failure and not the receiver's.
    change.attempts.fail(op.finished_at);
  }
  if (!ends_run) return;
  --change.open;
  if (op.final_status == DeliveryStatus::success) {
    ++counts.succeeded;
    return;
  }
  ++counts.failed;
  if (attempt.kind != ErrorKind::internal) change.deliveries.fail(op.finished_at);
}

void RollupBatch::ended(const FinishedRun& finished) {
  const QueuedRun& run = finished.run;
  if (run.is_test) return;
  RollupCounts& counts = counts_of(run, finished.completed_at);
  if (finished.status == DeliveryStatus::skipped) {
    ++counts.accepted;
    ++counts.skipped;
    return;
  }
  ++(finished.status == DeliveryStatus::cancelled ? counts.cancelled : counts.failed);
  --lives_[live_of(run.webhook, run.tenant)].change.open;
}

void RollupBatch::enabled(WebhookId webhook, TenantId tenant) {
  LiveState& change = lives_[live_of(webhook, tenant)].change;
  change.attempts.reset();
  change.deliveries.reset();
}

void RollupBatch::add(const RollupBatch& other) {
  for (const Live& live : other.lives())
    lives_[live_of(live.webhook, live.tenant)].change.then(live.change);
  for (const Count& count : other.counts()) {
    const Live& live = other.lives_[count.live];
    counts_of(live_of(live.webhook, live.tenant), count.event_type, count.minute).add(count.counts);
  }
}

}  // namespace fanfare
