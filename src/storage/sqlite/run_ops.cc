// Runs that end or start without an attempt: cancelled, settled, requeued.
#include <algorithm>

#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

tl::unexpected<Error> no_such_delivery(DeliveryId id) {
  return fail(Errc::not_found, "there is no delivery " + to_string(id));
}

// The queued run of a delivery and what is known to be over of it.
struct Found {
  std::optional<QueuedRun> open;       // in `queue` and alive
  std::optional<FinishedRun> settled;  // in `queue`, but its webhook has settled it
  std::optional<FinishedRun> history;  // the highest run in `deliveries`, if nothing is queued
};

Result<Found> find_delivery(Connection& db, TenantId tenant, DeliveryId id) {
  Found found;
  TRY(found.open, find_queued(db, id));
  if (found.open) {
    if (found.open->tenant != tenant) return no_such_delivery(id);
    TRY(const auto line, find_settle_line(db, found.open->webhook));
    found.settled = settled_form(*found.open, line);
    if (found.settled) found.open.reset();
    return found;
  }
  TRY(found.history, find_finished(db, id));
  if (!found.history || found.history->run.tenant != tenant) return no_such_delivery(id);
  return found;
}

Result<void> move_to_history(Connection& db, const FinishedRun& finished, RollupBatch& counted) {
  TRY_VOID(delete_queued(db, finished.run.delivery));
  counted.ended(finished);
  return insert_finished(db, finished);
}

Result<bool> has_event(Connection& db, EventId id) {
  TRY(auto row, db.prepare("SELECT 1 FROM events WHERE id = ?"));
  row.bind(id);
  return row.next();
}

Result<OpDone> bring_forward(Connection& db, QueuedRun run, Timestamp now) {
  run.next_attempt_at = std::min(run.next_attempt_at, now);
  TRY_VOID(db.run("UPDATE queue SET next_attempt_at = ? WHERE delivery = ?", run.next_attempt_at,
                  run.delivery));
  return Requeued{.run = run, .is_new_run = false};
}

// One more than `limit`, to know whether more is waiting.
Result<std::vector<QueuedRun>> settled_runs(Connection& db, const SettleOp& op) {
  TRY(auto row,
      db.prepare("SELECT delivery, run, webhook, tenant, event, event_type, attempts_made,"
                 " attempts_max, next_attempt_at, webhook_version, envelope, trigger,"
                 " is_test, created_at FROM queue INDEXED BY queue_due"
                 " WHERE webhook = ? AND webhook_version < ?"
                 " ORDER BY next_attempt_at, delivery LIMIT ?"));
  row.bind(op.webhook, op.below_version, op.rows_max + 1);
  std::vector<QueuedRun> runs;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return runs;
    TRY_VOID(read_run(row, runs.emplace_back()));
  }
}

}  // namespace

Result<OpDone> apply(Connection& db, const EndRunOp& op, RollupBatch& counted) {
  TRY(const Found found, find_delivery(db, op.tenant, op.delivery));
  if (!found.open) {
    return fail(Errc::conflict, "delivery " + to_string(op.delivery) + " is already over");
  }
  TRY_VOID(move_to_history(db,
                           FinishedRun{.run = *found.open,
                                       .status = op.status,
                                       .kind = op.kind,
                                       .error = op.error,
                                       .completed_at = op.now},
                           counted));
  return Unit{};
}

Result<OpDone> apply(Connection& db, const SettleOp& op, RollupBatch& counted) {
  TRY(auto runs, settled_runs(db, op));
  const bool has_more = runs.size() > op.rows_max;
  if (has_more) runs.resize(op.rows_max);
  for (QueuedRun& run : runs) {
    TRY_VOID(move_to_history(db,
                             FinishedRun{.run = std::move(run),
                                         .status = op.status,
                                         .kind = op.kind,
                                         .error = op.error,
                                         .completed_at = op.now},
                             counted));
  }
  return Settled{.rows = runs.size(), .has_more = has_more};
}

Result<OpDone> apply(Connection& db, const RequeueOp& op, RollupBatch& counted) {
  TRY(const Found found, find_delivery(db, op.tenant, op.delivery));
  const QueuedRun& before = found.open      ? *found.open
                            : found.settled ? found.settled->run
                                            : found.history->run;
  TRY(const bool event_is_kept, has_event(db, before.event));
  if (!event_is_kept) {
    return fail(Errc::not_found, "the event of delivery " + to_string(op.delivery) +
                                     " is gone, so there is nothing left to send");
  }
  if (found.open) return bring_forward(db, before, op.now);
  if (found.settled) TRY_VOID(move_to_history(db, *found.settled, counted));
  const QueuedRun next = next_run(before, op);
  TRY_VOID(insert_queued(db, next));
  counted.reopened(next);
  return Requeued{.run = next, .is_new_run = true};
}

}  // namespace fanfare::sqlite
