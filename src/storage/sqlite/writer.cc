#include "storage/sqlite/writer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/limits.h"
#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr Millis kSweepEvery = 60s;
constexpr Millis kClearEvery = 1s;  // while readers keep the log from being cleared
constexpr int kSweptRowsMax = 500;  // in one step: about a millisecond
// Of the index in one commit while a purge waits for it: a millisecond or two.
constexpr std::size_t kCatchUpSlices = 8;

// A row that cannot be read, or is not what the program relies on.
bool is_damage(Errc code) {
  return code == Errc::corrupt || code == Errc::internal;
}

// What one operation may be guilty of, and the others of its batch not.
bool is_of_one_operation(Errc code) {
  return code == Errc::conflict || is_damage(code);
}

}  // namespace

SqliteWriter::SqliteWriter(std::unique_ptr<Connection> db, const WriterSettings& settings)
    : db_(std::move(db)),
      settings_(settings),
      log_(*db_, settings.log),
      index_(*db_, settings.index),
      space_(*db_) {}

Result<void> SqliteWriter::load() {
  TRY_VOID(log_.load());
  TRY(newest_seq_, db_->number("SELECT coalesce(max(seq), 0) FROM rollup_tail"));
  TRY(may_be_purging_, has_purges(*db_));
  if (may_be_purging_) log_.wants_clearing();
  return index_.load();
}

// ---- commit ----

// Runs `work` between BEGIN and COMMIT; what it did is undone if any of the three fails.
template <class Work>
auto SqliteWriter::in_transaction(const Work& work) -> decltype(work()) {
  auto done = [&]() -> decltype(work()) {
    TRY_VOID(db_->run("BEGIN IMMEDIATE"));
    auto worked = work();
    if (worked) TRY_VOID(db_->run("COMMIT"));
    return worked;
  }();
  if (done) {
    index_.committed();
  } else {
    db_->roll_back();
    index_.rolled_back();
  }
  return done;
}

Result<std::vector<Result<OpDone>>> SqliteWriter::commit(std::span<WriteOp> ops) {
  TRY_VOID(log_.check_room());
  const auto run = [&](Savepoints savepoints) {
    return in_transaction([&] { return run_batch(ops, savepoints); });
  };
  const bool was_index_failing = is_index_failing_;
  auto results = run(Savepoints::none);
  if (!results && is_index_failing_ && !was_index_failing) results = run(Savepoints::none);
  if (!results && is_of_one_operation(results.error().code)) {
    results = run(Savepoints::for_each_operation);
  }
  if (results && tail_.seq != 0) newest_seq_ = tail_.seq;
  if (std::exchange(is_purge_over_, false) && results) {
    const auto is_purging = has_purges(*db_);
    may_be_purging_ = !is_purging || *is_purging;
  }
  return results;
}

Result<std::vector<Result<OpDone>>> SqliteWriter::run_batch(std::span<WriteOp> ops,
                                                            Savepoints savepoints) {
  std::vector<Result<OpDone>> results;
  results.reserve(ops.size());
  tail_.batch.clear();
  for (WriteOp& op : ops) {
    bool is_fatal = false;
    results.push_back(run_guarded(op, savepoints, is_fatal));
    if (is_fatal) return tl::unexpected<Error>(std::move(results.back()).error());
    if (!results.back()) continue;
    note_stored(op, *results.back());
    note_purge(op, *results.back());
  }
  TRY_VOID(append_tail());
  if (!is_index_failing_ && index_.has_work(/*is_idle=*/false)) {
    const std::size_t slice = settings_.index.slice;
    TRY_VOID(advance_index(index_.is_catching_up() ? kCatchUpSlices * slice : slice));
  }
  return results;
}

// One row for the whole batch: what it counts as survives a crash without a scan, and costs one
// page at the right edge of its table.
Result<void> SqliteWriter::append_tail() {
  tail_.seq = 0;
  if (tail_.batch.empty()) return {};
  const std::string bytes = tail_.batch.encode();
  TRY_VOID(db_->run("INSERT INTO rollup_tail VALUES (?,?)", newest_seq_ + 1, Blob{bytes}));
  tail_.seq = newest_seq_ + 1;
  return {};
}

// `is_fatal` is set when the whole transaction has to go.
Result<OpDone> SqliteWriter::run_guarded(WriteOp& op, Savepoints savepoints, bool& is_fatal) {
  const bool is_guarded = savepoints == Savepoints::for_each_operation;
  is_fatal = true;
  if (is_guarded) TRY_VOID(db_->run("SAVEPOINT operation"));
  db_->take_failure();
  // What is undone may not stay counted.
  if (is_guarded) operation_.clear();
  auto result = run_one(op, is_guarded ? operation_ : tail_.batch);
  const int failure = db_->take_failure() & 0xff;
  // It may have written something before it met a row that cannot be read.
  const bool is_damaged = !result && is_damage(result.error().code);
  if (failure != SQLITE_OK || is_damaged) {
    const bool is_its_own = failure == SQLITE_OK || failure == SQLITE_CONSTRAINT;
    if (!is_guarded || !is_its_own) return result;
    TRY_VOID(db_->run("ROLLBACK TO operation"));
  } else if (is_guarded) {
    tail_.batch.add(operation_);
  }
  if (is_guarded) TRY_VOID(db_->run("RELEASE operation"));
  is_fatal = false;
  return result;
}

Result<OpDone> SqliteWriter::run_one(WriteOp& op, RollupBatch& counted) {
  if (op.claim) TRY_VOID(check_claim(*db_, *op.claim));
  if (may_be_purging_) TRY_VOID(check_not_purged(*db_, op.action));
  const bool expires_audit = std::holds_alternative<ExpireAuditOp>(op.action);
  if (expires_audit && !sealer_) TRY_VOID(check_no_audit_seal(*db_));
  const auto apply_one = [&](const auto& action) {
    if constexpr (requires { apply(*db_, action, counted); }) {
      return apply(*db_, action, counted);
    } else {
      return apply(*db_, action);
    }
  };
  TRY(OpDone done, std::visit(apply_one, op.action));
  TRY_VOID(append_audit(*db_, op.audit));
  if (sealer_ && (expires_audit || !op.audit.empty())) TRY_VOID(write_audit_seal(*db_, *sealer_));
  if (op.claim) TRY_VOID(keep_answer(*db_, *op.claim, done));
  return done;
}

void SqliteWriter::note_stored(const WriteOp& op, const OpDone& done) {
  if (const auto* expired = std::get_if<Expired>(&done)) {
    index_.note_expired(*expired);
    space_.rows_removed();
  }
  if (std::holds_alternative<AuditExpired>(done)) space_.rows_removed();
  const auto* expand = std::get_if<ExpandOp>(&op.action);
  const auto* publish = expand != nullptr ? &expand->publish : std::get_if<PublishOp>(&op.action);
  if (publish == nullptr) return;
  const auto& answers = std::get<std::vector<Published>>(done);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].is_duplicate && !answers[i].is_conflict) index_.note_stored(publish->events[i]);
  }
}

void SqliteWriter::note_purge(const WriteOp& op, const OpDone& done) {
  if (std::holds_alternative<DeleteTenantOp>(op.action)) {
    may_be_purging_ = true;
    log_.wants_clearing();  // the page with its data key lies there as it was
  }
  const auto* purged = std::get_if<Purged>(&done);
  if (purged == nullptr) return;
  space_.rows_removed();
  if (!purged->has_more) is_purge_over_ = true;
  if (purged->has_more && purged->rows == 0) index_.catch_up();
}

// ---- between commits ----

Result<bool> SqliteWriter::maintain(Timestamp now, bool is_idle) {
  if (log_.is_to_be_cleared() && (now < cleared_at_ || now - cleared_at_ >= kClearEvery)) {
    cleared_at_ = now;
    TRY_VOID(log_.clear());
    return true;
  }
  if (log_.wants_checkpoint(is_idle)) {
    TRY_VOID(log_.checkpoint());
    return true;
  }
  if (is_idle && index_.has_work(is_idle)) {
    TRY_VOID(in_transaction([this] { return advance_index(settings_.index.idle_slice); }));
    return true;
  }
  TRY(const bool has_more_space, give_space_back(now, is_idle));
  if (has_more_space) return true;
  if (now < swept_at_ || now - swept_at_ >= kSweepEvery) {
    is_index_failing_ = false;  // is tried again
    TRY(const bool has_more, drop_expired(now));
    if (!has_more) swept_at_ = now;
    return has_more;
  }
  return log_.is_to_be_cleared();
}

// The file gets shorter when the log is emptied into it, so that follows the last step.
Result<bool> SqliteWriter::give_space_back(Timestamp now, bool is_idle) {
  if (!space_.is_due(now, is_idle)) return false;
  TRY(const bool has_more, in_transaction([&] { return space_.give_back(now, is_idle); }));
  if (!has_more && is_idle) TRY_VOID(log_.checkpoint());
  return has_more;
}

Result<void> SqliteWriter::advance_index(std::size_t entries_min) {
  auto advanced = index_.advance(entries_min);
  is_index_failing_ = !advanced;
  return advanced;
}

// From the front of each table, which is in the order of time; a row that is not expired ends the
// step.
Result<bool> SqliteWriter::drop_expired(Timestamp now) {
  TRY(const auto keys, db_->run("DELETE FROM event_keys WHERE created_at <= ?1 AND rowid IN"
                                " (SELECT rowid FROM event_keys ORDER BY rowid LIMIT ?2)",
                                now - limits::kEventIdUniqueFor, kSweptRowsMax));
  TRY(const auto answers, db_->run("DELETE FROM answers WHERE created_at <= ?1 AND rowid IN"
                                   " (SELECT rowid FROM answers ORDER BY rowid LIMIT ?2)",
                                   now - limits::kIdempotencyKeyKept, kSweptRowsMax));
  TRY(const bool has_old_rollups, drop_old_rollups(*db_, now, kSweptRowsMax));
  return keys == kSweptRowsMax || answers == kSweptRowsMax || has_old_rollups;
}

Result<Uuid> SqliteWriter::newest_id() {
  return newest_stored_id(*db_);
}

Result<void> SqliteWriter::seal_audit_log(AuditSealer sealer) {
  sealer_.emplace(std::move(sealer));
  return check_audit_seal(*db_, *sealer_);
}

}  // namespace fanfare::sqlite
