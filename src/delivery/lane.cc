#include "delivery/lane.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {

namespace {
// A refill is asked for when fewer due runs than this are left, so that the slots never wait for a
// read.
constexpr std::size_t kRefillBelow = 64;
constexpr std::size_t kRefillRows = 256;
// Of one read, whatever the budget: many lanes may read before the first of them takes its share.
constexpr std::size_t kRefillBytes = 8 * 1024 * 1024;
// Retries that wait in memory; more wait in the store, so that they cannot fill the lane for up to
// a minute.
constexpr std::size_t kRetriesHeldMax = 256;
}  // namespace

int Lane::slots() const {
  return std::min(slow_start_, webhook_->settings.max_in_flight);
}

bool Lane::can_hold(const HeldRun& held, Timestamp now, bool has_room) const {
  if (held.run.next_attempt_at > now + limits::kRetryHeldInMemory) return false;
  if (held_.empty()) return true;
  return has_room && held_.size() < limits::kLaneItemsMax;
}

void Lane::wake_at(Timestamp when) {
  if (!next_wake_ || when < *next_wake_) next_wake_ = when;
}

void Lane::offer(HeldRun held, Timestamp now, bool has_room) {
  if (is_settled(held.run) || held.run.delivery <= seen_) return;
  // While older rows wait in the store, a fresh one queues up behind them.
  const bool has_surplus = is_refilling_ || (next_wake_ && *next_wake_ <= now);
  if (!is_sending() || has_surplus || !can_hold(held, now, has_room)) {
    wake_at(held.run.next_attempt_at);
    return;
  }
  hold(std::move(held), now);
}

void Lane::hold(HeldRun held, Timestamp now) {
  const std::size_t bytes = held.bytes();
  const bool is_new = held_.emplace(held.run.delivery, bytes).second;
  FANFARE_ASSERT(is_new);
  held_bytes_ += bytes;
  queue(std::move(held), now);
}

void Lane::queue(HeldRun held, Timestamp now) {
  if (held.run.next_attempt_at <= now) {
    due_.push_back(std::move(held));
  } else {
    const Timestamp when = held.run.next_attempt_at;
    later_.emplace(when, std::move(held));
  }
}

void Lane::promote_due(Timestamp now) {
  while (!later_.empty() && later_.begin()->first <= now) {
    due_.push_back(std::move(later_.begin()->second));
    later_.erase(later_.begin());
  }
}

void Lane::bring_forward(DeliveryId delivery, Timestamp now) {
  const auto waiting = std::ranges::find_if(
      later_, [delivery](const auto& entry) { return entry.second.run.delivery == delivery; });
  if (waiting != later_.end()) {
    HeldRun held = std::move(waiting->second);
    later_.erase(waiting);
    held.run.next_attempt_at = now;
    due_.push_front(std::move(held));
  } else if (!held_.contains(delivery)) {
    wake_at(now);
  }
}

std::optional<HeldRun> Lane::take(Timestamp now) {
  if (!is_sending() || !has_slot()) return std::nullopt;
  promote_due(now);
  if (due_.empty()) return std::nullopt;
  HeldRun held = std::move(due_.front());
  due_.pop_front();
  ++in_flight_;
  return held;
}

void Lane::release_slot(Answer answer) {
  FANFARE_ASSERT(in_flight_ > 0);
  --in_flight_;
  if (answer == Answer::success) slow_start_ = std::min(slow_start_ * 2, limits::kInFlightMax);
  if (answer == Answer::nothing) slow_start_ = std::max(slow_start_ / 2, 1);
}

void Lane::let_go(DeliveryId delivery, std::size_t bytes) {
  held_bytes_ -= bytes;
  held_.erase(delivery);
  // A refill under way may have read the row as it was, so for its snapshot this run is finished.
  if (is_refilling_) finished_during_refill_.insert(delivery);
}

void Lane::finish(DeliveryId delivery) {
  const auto found = held_.find(delivery);
  FANFARE_ASSERT(found != held_.end());
  let_go(delivery, found->second);
}

void Lane::put_back(HeldRun held, Timestamp now, bool has_room) {
  const DeliveryId delivery = held.run.delivery;
  const auto found = held_.find(delivery);
  FANFARE_ASSERT(found != held_.end());
  const bool is_near = held.run.next_attempt_at <= now + limits::kRetryHeldInMemory &&
                       later_.size() < kRetriesHeldMax;
  if (is_sending() && has_room && is_near && !is_settled(held.run)) {
    queue(std::move(held), now);
    return;
  }
  // Back to the store; next_wake brings it back later.
  let_go(delivery, found->second);
  wake_at(held.run.next_attempt_at);
}

bool Lane::forget(DeliveryId delivery) {
  const auto found = held_.find(delivery);
  if (found == held_.end()) {
    if (is_refilling_) finished_during_refill_.insert(delivery);
    return false;
  }
  const std::size_t erased =
      std::erase_if(due_,
                    [delivery](const HeldRun& held) { return held.run.delivery == delivery; }) +
      std::erase_if(
          later_, [delivery](const auto& entry) { return entry.second.run.delivery == delivery; });
  if (erased == 0) return false;  // in flight: its outcome finds the run gone
  let_go(delivery, found->second);
  return true;
}

void Lane::forget_waiting() {
  const auto forget = [this](const HeldRun& held) {
    wake_at(held.run.next_attempt_at);
    let_go(held.run.delivery, held.bytes());
  };
  for (const HeldRun& held : due_) forget(held);
  for (const auto& [when, held] : later_) forget(held);
  due_.clear();
  later_.clear();
}

bool Lane::wants_refill(Timestamp now, bool has_room) const {
  return (has_room || held_.empty()) && is_sending() && !is_refilling_ && next_wake_ &&
         *next_wake_ <= now && due_.size() < kRefillBelow && held_.size() < limits::kLaneItemsMax;
}

QueueWindow Lane::begin_refill(std::size_t bytes_free) {
  FANFARE_ASSERT(!is_refilling_);
  FANFARE_ASSERT(held_.size() < limits::kLaneItemsMax);
  is_refilling_ = true;
  finished_during_refill_.clear();
  next_wake_.reset();
  QueueWindow window;
  window.rows_max = std::min(kRefillRows, limits::kLaneItemsMax - held_.size());
  window.bytes_max = std::min(kRefillBytes, bytes_free);
  window.held.reserve(held_.size());
  for (const auto& [delivery, bytes] : held_) window.held.push_back(delivery);
  std::ranges::sort(window.held);
  return window;
}

void Lane::end_refill(Queued queued, Timestamp now, std::size_t bytes_free) {
  FANFARE_ASSERT(is_refilling_);
  FANFARE_ASSERT(!queued.has_more || !queued.rows.empty());
  is_refilling_ = false;
  // What lies behind the last row read is not known: it is due no earlier than that row.
  if (queued.has_more) wake_at(queued.rows.back().run.next_attempt_at);
  for (DueRun& row : queued.rows) {
    const DeliveryId delivery = row.run.delivery;
    seen_ = std::max(seen_, delivery);
    if (held_.contains(delivery) || finished_during_refill_.contains(delivery) ||
        is_settled(row.run))
      continue;
    HeldRun held{std::move(row.run), std::move(row.data), row.event_created_at};
    const std::size_t bytes = held.bytes();
    if (is_sending() && can_hold(held, now, bytes <= bytes_free)) {
      bytes_free -= std::min(bytes, bytes_free);
      hold(std::move(held), now);
    } else {
      wake_at(held.run.next_attempt_at);
    }
  }
  finished_during_refill_.clear();
}

void Lane::refill_failed(Timestamp again_at) {
  FANFARE_ASSERT(is_refilling_);
  is_refilling_ = false;
  finished_during_refill_.clear();
  wake_at(again_at);
}

std::optional<Timestamp> Lane::due_since(Timestamp now) const {
  if (!is_sending()) return std::nullopt;
  std::optional<Timestamp> oldest;
  const auto look_at = [&](Timestamp due) {
    if (due <= now && (!oldest || due < *oldest)) oldest = due;
  };
  if (!due_.empty()) look_at(due_.front().run.next_attempt_at);
  if (!later_.empty()) look_at(later_.begin()->first);
  if (next_wake_) look_at(*next_wake_);
  return oldest;
}

std::optional<Timestamp> Lane::next_due(Timestamp now) const {
  if (!is_sending()) return std::nullopt;
  std::optional<Timestamp> earliest;
  if (!is_refilling_ && next_wake_ && *next_wake_ > now) earliest = next_wake_;
  if (!later_.empty() && (!earliest || later_.begin()->first < *earliest)) {
    earliest = later_.begin()->first;
  }
  return earliest;
}

}  // namespace fanfare
