// What readers show of a run, and which rows a filter takes: the rules that every store shares, as
// pure functions.
#pragma once

#include <optional>
#include <string>

#include "storage/store.h"

namespace fanfare {

// A run that is over: what a row of `deliveries` holds. `run.attempts_made` counts its attempts;
// `run.next_attempt_at` means nothing.
struct FinishedRun {
  QueuedRun run;
  DeliveryStatus status = DeliveryStatus::failed;
  ErrorKind kind = ErrorKind::none;
  std::string error;
  Timestamp completed_at;
};

// What a delivery shows of the last attempt of its run.
struct LastAttempt {
  int number = 0;
  int status = 0;
  int total_ms = -1;
  std::string body;
  ErrorKind kind = ErrorKind::none;
  std::string error;
};
LastAttempt last_attempt_of(const Attempt& attempt);

// Where a webhook's queued runs stop being alive.
struct SettleLine {
  std::int64_t settled_below = 0;
  bool is_deleted = false;
  Timestamp updated_at;
};

// A queued run below the line is over although nobody has moved it yet: what it reads as, and
// becomes if it is requeued before a SettleOp reaches it. None above the line.
std::optional<FinishedRun> settled_form(const QueuedRun& run, const SettleLine& line);

// A queued run whose event is too old, unless its webhook has settled it before.
FinishedRun expired_form(const QueuedRun& run, const SettleLine& line, Timestamp now);

// The first id that is not older than the cutoff.
Uuid expired_end(Timestamp cutoff);
// A delivery does not go before its event.
Timestamp deliveries_cutoff(const RetentionCutoffs& cutoffs);
// Versions of webhooks that were out of force before it are pinned by nothing that is kept.
Timestamp versions_cutoff(const RetentionCutoffs& cutoffs);

// A run that never waits: its webhook was disabled when the event came.
FinishedRun skipped_form(const QueuedRun& run);

// The next run of a finished delivery.
QueuedRun next_run(const QueuedRun& finished, const RequeueOp& op);

Delivery view_of(const QueuedRun& run, const std::optional<LastAttempt>& last);
Delivery view_of(const FinishedRun& finished, const std::optional<LastAttempt>& last);

bool matches(const DeliveryFilter& filter, const Delivery& delivery);
// The part of it that needs no attempt: false is final, and spares a list the look at the last one.
bool may_match(const DeliveryFilter& filter, const Delivery& delivery);
bool matches(const EventFilter& filter, const Event& event);

// Whether an entry made at `then` still stands in the way of an equal one at `now`.
inline bool is_kept(Timestamp then, Timestamp now, Millis kept_for) {
  return now - then < kept_for;
}

}  // namespace fanfare
