#include "delivery/journal.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {

namespace {

using namespace std::chrono_literals;

// How long the queue must have been empty before work that could wait is done: a steady trickle of
// events must not pay for an extra commit each time.
constexpr Millis kIdleBefore = 100ms;
// After a refused batch the journal waits, so that a full disk is not asked again in a tight loop.
constexpr Millis kRefusedWait = 50ms;
// How often a stopping journal asks a store that refuses before it gives up.
constexpr int kRefusalsAtStopMax = 20;

struct Size {
  std::size_t rows = 1;
  std::size_t bytes = 256;
};

// The events that an operation stores; null if it stores none.
template <class Action>
auto events_of(Action& action) -> decltype(std::get_if<PublishOp>(&action)) {
  if (auto* expand = std::get_if<ExpandOp>(&action)) return &expand->publish;
  return std::get_if<PublishOp>(&action);
}

Size size_of(const WriteOp& op) {
  Size size;
  if (const auto* publish = events_of(op.action)) {
    for (const EventPlan& plan : publish->events) {
      const std::size_t rows = 1 + plan.runs.size() + plan.skipped.size();
      size.rows += rows;
      size.bytes += plan.event.data->size() + plan.event.metadata.size() + rows * 128;
    }
  } else if (const auto* broadcast = std::get_if<BroadcastOp>(&op.action)) {
    size.bytes += broadcast->broadcast.data->size() + broadcast->broadcast.metadata.size();
  } else if (const auto* settle = std::get_if<SettleOp>(&op.action)) {
    size.rows = 2 * settle->rows_max;
  } else if (const auto* expire = std::get_if<ExpireOp>(&op.action)) {
    size.rows = 2 * expire->rows_max;
  } else if (const auto* flush = std::get_if<FlushRollupsOp>(&op.action)) {
    size.rows = 3 * flush->units.size() + flush->webhooks.size();
    size.bytes += size.rows * 256;
  } else if (const auto* purge = std::get_if<PurgeOp>(&op.action)) {
    size.rows = 2 * purge->rows_max;
  } else if (const auto* attempt = std::get_if<AttemptOp>(&op.action)) {
    size.rows = 2;
    size.bytes += attempt->attempt.outcome.body.size();
  } else if (const auto* expire_audit = std::get_if<ExpireAuditOp>(&op.action)) {
    size.rows = expire_audit->rows_max;
  }
  size.rows += op.audit.size();
  for (const AuditEntry& entry : op.audit)
    size.bytes += entry.before.size() + entry.after.size() + 1024;
  return size;
}

}  // namespace

Journal::Journal(Writer& writer, const Clock& clock, Random& random)
    : writer_(writer), clock_(clock), ids_(random) {}

Result<void> Journal::recover() {
  TRY(const Uuid newest, writer_.newest_id());
  ids_.resume_after(newest);
  return {};
}

void Journal::submit(WriteOp op, Completion done) {
  const Size size = size_of(op);
  bool is_taken = false;
  {
    const std::lock_guard lock(mu_);
    is_taken = !is_stopped_ && queued_rows_ + size.rows <= limits::kJournalQueueRowsMax &&
               queued_bytes_ + size.bytes <= limits::kJournalQueueBytesMax;
    if (is_taken) push(Entry{std::move(op), std::move(done), size.rows, size.bytes, false});
  }
  if (is_taken) {
    wake_.notify_one();
  } else {
    done(op.action,
         fail(Errc::overloaded,
              "the server has more to write than it can take right now; try again shortly"));
  }
}

void Journal::submit_outcome(AttemptOp op, Completion done) {
  WriteOp write{std::move(op)};
  const Size size = size_of(write);
  {
    const std::lock_guard lock(mu_);
    push(Entry{std::move(write), std::move(done), size.rows, size.bytes, true});
  }
  wake_.notify_one();
}

void Journal::push(Entry entry) {
  queued_rows_ += entry.rows;
  queued_bytes_ += entry.bytes;
  queue_.push_back(std::move(entry));
}

std::string Journal::last_error() const {
  const std::lock_guard lock(mu_);
  return last_error_;
}

void Journal::set_last_error(std::string text) {
  const std::lock_guard lock(mu_);
  last_error_ = std::move(text);
}

// Takes what is queued, up to the bounds of a batch and always at least one operation. Empty when
// nothing came for kIdleBefore, or when stopping.
std::vector<Journal::Entry> Journal::take_batch(const std::stop_token& stop) {
  std::unique_lock lock(mu_);
  wake_.wait_for(lock, stop, kIdleBefore, [this] { return !queue_.empty(); });
  std::vector<Entry> batch;
  std::size_t rows = 0;
  std::size_t bytes = 0;
  while (!queue_.empty()) {
    const Entry& next = queue_.front();
    if (!batch.empty() && (rows + next.rows > limits::kJournalBatchRowsMax ||
                           bytes + next.bytes > limits::kJournalBatchBytesMax)) {
      break;
    }
    rows += next.rows;
    bytes += next.bytes;
    batch.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  queued_rows_ -= rows;
  queued_bytes_ -= bytes;
  if (batch.empty() && stop.stop_requested()) is_stopped_ = true;
  return batch;
}

void Journal::assign_ids(PublishOp& op, Timestamp now) {
  for (EventPlan& plan : op.events) {
    plan.event.id = EventId::from(ids_.next(now));
    plan.event.created_at = now;
    for (auto* runs : {&plan.runs, &plan.skipped}) {
      for (QueuedRun& run : *runs) {
        run.delivery = DeliveryId::from(ids_.next(now));
        run.event = plan.event.id;
        run.created_at = now;
        // A test is sent by who asked for it; its row is due only in case of a crash.
        run.next_attempt_at = run.is_test ? now + 2 * limits::kAttemptTimeoutMax : now;
      }
    }
  }
}

void Journal::assign_ids(std::vector<Entry>& batch) {
  const Timestamp now = clock_.wall_now();
  for (Entry& entry : batch) {
    if (auto* publish = events_of(entry.op.action)) {
      assign_ids(*publish, now);
    } else if (auto* broadcast = std::get_if<BroadcastOp>(&entry.op.action)) {
      broadcast->broadcast.id = BroadcastId::from(ids_.next(now));
      broadcast->broadcast.created_at = now;
    } else if (auto* attempt = std::get_if<AttemptOp>(&entry.op.action)) {
      attempt->attempt.id = AttemptId::from(ids_.next(now));
    }
    stamp(entry.op.audit, now);
  }
}

void Journal::stamp(std::vector<AuditEntry>& entries, Timestamp now) {
  for (AuditEntry& entry : entries) {
    entry.id = AuditId::from(ids_.next(now));
    entry.at = now;
  }
}

// True if the batch is stored. Otherwise whoever asked has been told, and outcomes are back at the
// head of the queue.
bool Journal::commit(std::vector<Entry>& batch) {
  assign_ids(batch);
  std::vector<WriteOp> ops;
  ops.reserve(batch.size());
  for (Entry& entry : batch) ops.push_back(std::move(entry.op));
  auto results = writer_.commit(ops);
  for (std::size_t i = 0; i < batch.size(); ++i) batch[i].op = std::move(ops[i]);
  if (!results) {
    refuse(batch, results.error());
    return false;
  }
  FANFARE_ASSERT(results->size() == batch.size());
  if (on_tail_ && writer_.last_tail().seq != 0) on_tail_(writer_.last_tail());
  for (std::size_t i = 0; i < batch.size(); ++i) {
    batch[i].done(batch[i].op.action, std::move((*results)[i]));
  }
  if (std::exchange(is_failing_, false)) set_last_error({});
  return true;
}

void Journal::refuse(std::vector<Entry>& batch, const Error& error) {
  is_failing_ = true;
  set_last_error(error.message);
  std::vector<Entry> again;
  for (Entry& entry : batch) {
    if (entry.is_outcome) {
      again.push_back(std::move(entry));
    } else {
      entry.done(entry.op.action, fail(Errc::unavailable, error.message));
    }
  }
  const std::lock_guard lock(mu_);
  for (const Entry& entry : again) {
    queued_rows_ += entry.rows;
    queued_bytes_ += entry.bytes;
  }
  queue_.insert(queue_.begin(), std::make_move_iterator(again.begin()),
                std::make_move_iterator(again.end()));
}

void Journal::run(const std::stop_token& stop) {
  bool has_background_work = true;
  int refusals_since_stop = 0;
  while (true) {
    std::vector<Entry> batch = take_batch(stop);
    if (batch.empty()) {
      if (stop.stop_requested()) return;
      if (!has_background_work) continue;
      const auto more = writer_.maintain(clock_.wall_now(), /*is_idle=*/true);
      has_background_work = more && *more;
      continue;
    }
    has_background_work = true;
    if (commit(batch)) {
      // What cannot wait (a long log) is done between two commits; its error shows in the next
      // commit.
      static_cast<void>(writer_.maintain(clock_.wall_now(), /*is_idle=*/false));
      continue;
    }
    if (stop.stop_requested() && ++refusals_since_stop == kRefusalsAtStopMax) {
      give_up();
      return;
    }
    std::unique_lock lock(mu_);
    wake_.wait_for(lock, kRefusedWait);
  }
}

// The store still refuses and the server is going down. What waits here is answered, or is an
// outcome whose run is still queued and so will be attempted again after the next start: better a
// duplicate than a hang.
void Journal::give_up() {
  std::vector<Entry> rest;
  {
    const std::lock_guard lock(mu_);
    is_stopped_ = true;
    rest.assign(std::make_move_iterator(queue_.begin()), std::make_move_iterator(queue_.end()));
    queue_.clear();
  }
  for (Entry& entry : rest) {
    if (!entry.is_outcome) entry.done(entry.op.action, fail(Errc::unavailable, last_error()));
  }
}

}  // namespace fanfare
