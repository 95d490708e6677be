// Lane: the deliveries of one webhook that are in memory, and what is known of those that are not.
//
// A lane is a bounded deque of due runs, a small set of retries due soon, and `next_wake`: the time
// of the earliest row in the store that it does not hold. When it is full the rest stays in the
// store, and the lane refills itself from the index (webhook, next_attempt_at, delivery), so a dead
// webhook's million rows are never walked for anybody else.
//
// A refill reads a snapshot while commits go on, so a row in it may be held here already, or
// finished meanwhile. Both are known by id: held_ and finished_during_refill_. Everything else in
// the snapshot is free to take. That the read passes over what is held saves reading it again; what
// is taken does not rest on it.
//
// Pure bookkeeping: no clock, no I/O, no other lane. One thread.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "delivery/held_run.h"
#include "storage/store.h"

namespace fanfare {

class Lane {
 public:
  explicit Lane(WebhookPtr webhook) : webhook_(std::move(webhook)) {}

  const Webhook& webhook() const { return *webhook_; }
  const WebhookPtr& webhook_ptr() const { return webhook_; }
  void set_webhook(WebhookPtr webhook) { webhook_ = std::move(webhook); }

  // ---- what comes in ----
  // Takes a run that has just been committed for the first time, or leaves it in the store and
  // remembers when to look for it. A refill may have overtaken it: ids are commit order, so a run
  // up to the greatest id that a snapshot has shown was in that snapshot too, or over by then; as a
  // row it was taken or left with a wake. (Runs held by then do not count as shown, nor need they:
  // they were offered, and all before them, or shown earlier.) `has_room` is the caller's memory
  // budget; a lane that holds nothing takes one run all the same, so that every lane moves.
  void offer(HeldRun held, Timestamp now, bool has_room);
  // There are rows in the store, the earliest due at `when`, that this lane does not hold.
  void wake_at(Timestamp when);
  // A person asked for this run now. If it waits here for its retry it becomes due; if it is not
  // held the lane looks in the store.
  void bring_forward(DeliveryId delivery, Timestamp now);

  // ---- what goes out ----
  // The next due run, if the webhook is active and has a free slot. It stays held until finish() or
  // put_back().
  std::optional<HeldRun> take(Timestamp now);
  // The answer of a taken run has come (or it was given up): its slot is free. Slow start: a
  // webhook that never answered has one slot, each success doubles them, a failure to connect or
  // answer halves them.
  enum class Answer { success, status, nothing };
  void release_slot(Answer answer);
  // A taken run's outcome is stored: it is over, …
  void finish(DeliveryId delivery);
  // … or waits for its retry.
  void put_back(HeldRun held, Timestamp now, bool has_room);
  // Lets go of a run that is not in flight. False if it is not held or in flight.
  bool forget(DeliveryId delivery);
  // Lets go of everything that is not in flight; the store has it all.
  void forget_waiting();

  // ---- refill ----
  // Whether rows are due in the store and there is room for them. Without room only an empty lane
  // asks: one that holds something asks again when that is done.
  bool wants_refill(Timestamp now, bool has_room) const;
  // What to read: rows that are not held, as many as there is room for. The window is a copy, for
  // another thread to read with.
  QueueWindow begin_refill(std::size_t bytes_free);
  // Takes what the snapshot has that is neither held nor finished since. Rows of a time before the
  // webhook was settled stay.
  void end_refill(Queued queued, Timestamp now, std::size_t bytes_free);
  void refill_failed(Timestamp again_at);

  // ---- what is known ----
  // When to look again if nothing else happens: a held retry or a row in the store becomes due.
  // None if never.
  // A row in the store that is due already needs no timer: it moves when a slot or a read comes
  // back.
  std::optional<Timestamp> next_due(Timestamp now) const;
  bool has_due(Timestamp now) const {
    return !due_.empty() || (!later_.empty() && later_.begin()->first <= now);
  }
  // Since when the run that waits longest has been due; none if nothing is.
  std::optional<Timestamp> due_since(Timestamp now) const;
  bool has_slot() const { return in_flight_ < slots(); }
  int in_flight() const { return in_flight_; }
  std::size_t held() const { return held_.size(); }
  std::size_t held_bytes() const { return held_bytes_; }

 private:
  int slots() const;
  bool is_sending() const {
    return webhook_->status == WebhookStatus::active && !webhook_->is_deleted;
  }
  bool can_hold(const HeldRun& held, Timestamp now, bool has_room) const;
  bool is_settled(const QueuedRun& run) const {
    return run.webhook_version < webhook_->settled_below;
  }
  void hold(HeldRun held, Timestamp now);
  void queue(HeldRun held, Timestamp now);
  void promote_due(Timestamp now);
  void let_go(DeliveryId delivery, std::size_t bytes);

  WebhookPtr webhook_;
  std::deque<HeldRun> due_;
  std::multimap<Timestamp, HeldRun> later_;
  std::unordered_map<DeliveryId, std::size_t>
      held_;  // id → bytes: due, later, in flight, or its outcome being stored
  std::size_t held_bytes_ = 0;
  std::optional<Timestamp> next_wake_;
  bool is_refilling_ = false;
  DeliveryId seen_;  // the greatest id that a snapshot has shown
  std::unordered_set<DeliveryId> finished_during_refill_;
  int in_flight_ = 0;
  int slow_start_ = 1;
};

}  // namespace fanfare
