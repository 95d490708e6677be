#include "storage/memory/memory_writer.h"

#include <algorithm>
#include <set>

#include "base/limits.h"

namespace fanfare::memory {
namespace {

tl::unexpected<Error> no_such_delivery(DeliveryId id) {
  return fail(Errc::not_found, "there is no delivery " + to_string(id));
}

}  // namespace

Result<std::vector<Result<OpDone>>> MemoryWriter::commit(std::span<WriteOp> ops) {
  const std::scoped_lock lock(state_.mu);
  std::vector<Result<OpDone>> results;
  tail_.batch.clear();
  for (WriteOp& op : ops) results.push_back(run(op));
  tail_.seq = 0;
  if (!tail_.batch.empty()) {
    tail_.seq = state_.tail.empty() ? 1 : state_.tail.rbegin()->first + 1;
    state_.tail[tail_.seq] = tail_.batch.encode();
  }
  return results;
}

Result<bool> MemoryWriter::maintain(Timestamp, bool) {
  return false;
}

Result<Uuid> MemoryWriter::newest_id() {
  const std::scoped_lock lock(state_.mu);
  return std::max(state_.newest, state_.audit_head().id.value);
}

Result<OpDone> MemoryWriter::run(WriteOp& op) {
  if (op.claim) {
    const auto kept = state_.answers.find({op.claim->scope, op.claim->key});
    if (kept != state_.answers.end() &&
        is_kept(kept->second.at, op.claim->now, limits::kIdempotencyKeyKept)) {
      return fail(Errc::idempotency_conflict, "this Idempotency-Key was used less than a day ago");
    }
  }
  TRY_VOID(check_audit_ids(op));
  TRY_VOID(check_not_purged(op.action));
  auto done = std::visit([this](const auto& action) { return apply(action); }, op.action);
  if (done) append_audit(op.audit);
  if (done && op.claim) {
    state_.answers[{op.claim->scope, op.claim->key}] =
        Answer{.kept = {.fingerprint = op.claim->fingerprint, .answer = op.claim->render(*done)},
               .at = op.claim->now};
  }
  return done;
}

// ---- publishing ----

bool MemoryWriter::has_stored_id(const PublishOp& op) const {
  std::set<EventId> events;
  std::set<DeliveryId> deliveries;
  for (const EventPlan& plan : op.events) {
    if (published_before(plan)) continue;
    if (state_.events.contains(plan.event.id) || !events.insert(plan.event.id).second) return true;
    for (const auto* runs : {&plan.runs, &plan.skipped}) {
      for (const QueuedRun& run : *runs) {
        if (state_.view(run.delivery) || !deliveries.insert(run.delivery).second) return true;
      }
    }
  }
  return false;
}

std::optional<Published> MemoryWriter::published_before(const EventPlan& plan) const {
  const Event& event = plan.event;
  if (event.event_id.empty()) return std::nullopt;
  const auto found = state_.event_keys.find({event.tenant, event.event_id});
  if (found == state_.event_keys.end()) return std::nullopt;
  const EventKey& seen = found->second;
  if (!is_kept(seen.at, event.created_at, limits::kEventIdUniqueFor)) return std::nullopt;
  const bool is_same = seen.fingerprint == plan.fingerprint;
  return Published{.id = seen.event,
                   .deliveries = seen.deliveries,
                   .is_duplicate = is_same,
                   .is_conflict = !is_same};
}

Published MemoryWriter::publish(const EventPlan& plan) {
  if (const auto before = published_before(plan)) return *before;
  Event event = plan.event;
  event.deliveries = static_cast<int>(plan.runs.size() + plan.skipped.size());
  if (!event.data) event.data = std::make_shared<const std::string>();
  state_.events[event.id] = event;
  state_.newest = std::max(state_.newest, event.id.value);
  if (!event.event_id.empty()) {
    state_.event_keys[{event.tenant, event.event_id}] = EventKey{.event = event.id,
                                                                 .fingerprint = plan.fingerprint,
                                                                 .at = event.created_at,
                                                                 .deliveries = event.deliveries};
  }
  for (const QueuedRun& run : plan.runs) {
    state_.queue[run.delivery] = run;
    tail_.batch.accepted(run);
  }
  for (const QueuedRun& run : plan.skipped) {
    state_.history[{run.delivery, run.run}] = skipped_form(run);
    tail_.batch.ended(skipped_form(run));
  }
  for (const auto* runs : {&plan.runs, &plan.skipped}) {
    for (const QueuedRun& run : *runs) state_.newest = std::max(state_.newest, run.delivery.value);
  }
  return Published{.id = event.id, .deliveries = event.deliveries};
}

Result<OpDone> MemoryWriter::apply(const PublishOp& op) {
  if (has_stored_id(op)) return fail(Errc::conflict, "an id of this publish is already stored");
  std::vector<Published> answers;
  for (const EventPlan& plan : op.events) answers.push_back(publish(plan));
  return answers;
}

// ---- deliveries ----

void MemoryWriter::move_to_history(const FinishedRun& finished) {
  state_.queue.erase(finished.run.delivery);
  state_.history[{finished.run.delivery, finished.run.run}] = finished;
}

void MemoryWriter::end_run(const FinishedRun& finished) {
  move_to_history(finished);
  tail_.batch.ended(finished);
}

Result<OpDone> MemoryWriter::apply(const AttemptOp& op) {
  const Attempt& attempt = op.attempt;
  if (!state_.view(attempt.delivery)) return AttemptApplied{.was_current = false};
  state_.attempts.try_emplace({attempt.delivery, attempt.run, attempt.number}, attempt);
  const auto found = state_.queue.find(attempt.delivery);
  if (found == state_.queue.end() || found->second.run != attempt.run ||
      found->second.attempts_made != attempt.number - 1) {
    tail_.batch.attempted(op, /*ends_run=*/false);
    return AttemptApplied{.was_current = false};
  }
  QueuedRun& run = found->second;
  run.attempts_made = attempt.number;
  if (op.retry_at) {
    run.next_attempt_at = *op.retry_at;
  } else {
    const QueuedRun over = run;
    move_to_history(FinishedRun{.run = over,
                                .status = op.final_status,
                                .kind = attempt.kind,
                                .error = attempt.error,
                                .completed_at = op.finished_at});
  }
  tail_.batch.attempted(op, /*ends_run=*/!op.retry_at);
  return AttemptApplied{.was_current = true};
}

Result<OpDone> MemoryWriter::apply(const EndRunOp& op) {
  TRY(const Delivery before, state_.view_of_tenant(op.tenant, op.delivery));
  if (is_final(before.status)) {
    return fail(Errc::conflict, "delivery " + to_string(op.delivery) + " is already over");
  }
  end_run(FinishedRun{.run = QueuedRun(state_.queue.at(op.delivery)),
                      .status = op.status,
                      .kind = op.kind,
                      .error = op.error,
                      .completed_at = op.now});
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const SettleOp& op) {
  std::vector<QueuedRun> runs;
  for (const auto& [id, run] : state_.queue) {
    if (run.webhook == op.webhook && run.webhook_version < op.below_version) runs.push_back(run);
  }
  std::sort(runs.begin(), runs.end(), [](const QueuedRun& a, const QueuedRun& b) {
    return std::tie(a.next_attempt_at, a.delivery) < std::tie(b.next_attempt_at, b.delivery);
  });
  const bool has_more = runs.size() > op.rows_max;
  if (has_more) runs.resize(op.rows_max);
  for (const QueuedRun& run : runs) {
    end_run(FinishedRun{.run = run,
                        .status = op.status,
                        .kind = op.kind,
                        .error = op.error,
                        .completed_at = op.now});
  }
  return Settled{.rows = runs.size(), .has_more = has_more};
}

Result<OpDone> MemoryWriter::apply(const RequeueOp& op) {
  TRY(const Delivery before, state_.view_of_tenant(op.tenant, op.delivery));
  if (!state_.events.contains(before.event)) return no_such_delivery(op.delivery);
  if (!is_final(before.status)) {
    QueuedRun& run = state_.queue.at(op.delivery);
    run.next_attempt_at = std::min(run.next_attempt_at, op.now);
    return Requeued{.run = run, .is_new_run = false};
  }
  const auto queued = state_.queue.find(op.delivery);
  if (queued != state_.queue.end()) {
    const QueuedRun run = queued->second;
    end_run(*settled_form(run, state_.settle_line(run.webhook)));
  }
  const QueuedRun next = next_run(state_.finished(op.delivery)->run, op);
  state_.queue[op.delivery] = next;
  tail_.batch.reopened(next);
  return Requeued{.run = next, .is_new_run = true};
}

}  // namespace fanfare::memory
