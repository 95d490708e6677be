// Attempts: the record of the request and, if the run is still where the attempt found it, its next
// state.
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

// A second record under the same number is not taken: the first one was already shown to somebody.
Result<void> insert_attempt(Connection& db, const Attempt& attempt) {
  const HttpOutcome& outcome = attempt.outcome;
  const Timing& timing = outcome.timing;
  TRY(auto insert,
      db.prepare("INSERT INTO attempts VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
                 " ON CONFLICT DO NOTHING"));
  const std::string headers = pack_headers(outcome.headers);
  return insert.run(attempt.delivery, attempt.run, attempt.number, attempt.id,
                    attempt.webhook_version, attempt.started_at, attempt.signed_at, attempt.kind,
                    attempt.error, outcome.error, outcome.error_text, outcome.status, Blob{headers},
                    Blob{outcome.body}, outcome.is_truncated, timing.dns_ms, timing.connect_ms,
                    timing.tls_ms, timing.first_byte_ms, timing.total_ms, outcome.peer,
                    outcome.tls);
}

Result<bool> keep_queued(Connection& db, const AttemptOp& op) {
  TRY(const auto changed, db.run("UPDATE queue SET attempts_made = ?, next_attempt_at = ?"
                                 " WHERE delivery = ? AND run = ? AND attempts_made = ?",
                                 op.attempt.number, *op.retry_at, op.attempt.delivery,
                                 op.attempt.run, op.attempt.number - 1));
  return changed == 1;
}

Result<bool> finish(Connection& db, const AttemptOp& op) {
  TRY(const auto deleted,
      db.run("DELETE FROM queue WHERE delivery = ? AND run = ? AND attempts_made = ?",
             op.attempt.delivery, op.attempt.run, op.attempt.number - 1));
  if (deleted == 0) return false;
  FinishedRun finished{.run = op.run,
                       .status = op.final_status,
                       .kind = op.attempt.kind,
                       .error = op.attempt.error,
                       .completed_at = op.finished_at};
  finished.run.attempts_made = op.attempt.number;
  TRY_VOID(insert_finished(db, finished));
  return true;
}

Result<bool> has_delivery(Connection& db, DeliveryId id) {
  TRY(auto row, db.prepare("SELECT 1 FROM queue WHERE delivery = ?1 UNION ALL"
                           " SELECT 1 FROM deliveries WHERE delivery = ?1 LIMIT 1"));
  row.bind(id);
  return row.next();
}

}  // namespace

Result<OpDone> apply(Connection& db, const AttemptOp& op, RollupBatch& counted) {
  TRY(const bool was_current, op.retry_at ? keep_queued(db, op) : finish(db, op));
  // Looked up only for what was ended meanwhile: it may have been taken away as well.
  TRY(const bool is_stored,
      was_current ? Result<bool>(true) : has_delivery(db, op.attempt.delivery));
  if (!is_stored) return AttemptApplied{.was_current = false};
  TRY_VOID(insert_attempt(db, op.attempt));
  counted.attempted(op, /*ends_run=*/was_current && !op.retry_at);
  return AttemptApplied{.was_current = was_current};
}

}  // namespace fanfare::sqlite
