// Publishing: the event, its key and its runs. The hot path: every statement here runs for every
// event.
#include "base/limits.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

struct SeenKey {
  EventId event;
  std::string fingerprint;
  Timestamp at;
  int deliveries = 0;
};

Result<SeenKey> find_key(Connection& db, const Event& event) {
  TRY(auto row,
      db.prepare(
          "SELECT k.event, k.fingerprint, k.created_at, coalesce(k.deliveries, e.deliveries, 0)"
          " FROM event_keys k LEFT JOIN events e ON e.id = k.event"
          " WHERE k.tenant = ? AND k.event_id = ?"));
  row.bind(event.tenant, event.event_id);
  TRY(const bool found, row.next());
  if (!found) return fail(Errc::internal, "an event_id that was just refused is not there");
  SeenKey seen;
  TRY_VOID(row.read(seen.event, seen.fingerprint, seen.at, seen.deliveries));
  return seen;
}

// Takes the event's key. None if it was free; else the answer for the event that holds it.
Result<std::optional<Published>> take_key(Connection& db, const EventPlan& plan, int deliveries) {
  const Event& event = plan.event;
  TRY(const auto inserted,
      db.run("INSERT INTO event_keys VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", event.tenant,
             event.event_id, event.id, Blob{plan.fingerprint}, event.created_at, deliveries));
  if (inserted == 1) return std::nullopt;
  TRY(const SeenKey seen, find_key(db, event));
  if (!is_kept(seen.at, event.created_at, limits::kEventIdUniqueFor)) {
    // Replaced by a row at the end, not updated in place: the order of rows stays the order of
    // time.
    TRY_VOID(db.run("INSERT OR REPLACE INTO event_keys VALUES (?,?,?,?,?,?)", event.tenant,
                    event.event_id, event.id, Blob{plan.fingerprint}, event.created_at,
                    deliveries));
    return std::nullopt;
  }
  const bool is_same = seen.fingerprint == plan.fingerprint;
  return Published{.id = seen.event,
                   .deliveries = seen.deliveries,
                   .is_duplicate = is_same,
                   .is_conflict = !is_same};
}

Result<Published> publish(Connection& db, const EventPlan& plan, RollupBatch& counted) {
  const Event& event = plan.event;
  const auto deliveries = static_cast<int>(plan.runs.size() + plan.skipped.size());
  if (!event.event_id.empty()) {
    TRY(const auto seen, take_key(db, plan, deliveries));
    if (seen) return *seen;
  }
  TRY(auto insert, db.prepare("INSERT INTO events VALUES (?,?,?,?,?,?,?,?,?)"));
  const std::string_view data = event.data ? std::string_view(*event.data) : std::string_view();
  TRY_VOID(insert.run(event.id, event.tenant, event.type, event.event_id, deliveries, event.is_test,
                      event.created_at, event.metadata, Blob{data}));
  for (const QueuedRun& run : plan.runs) {
    TRY_VOID(insert_queued(db, run));
    counted.accepted(run);
  }
  for (const QueuedRun& run : plan.skipped) {
    const FinishedRun skipped = skipped_form(run);
    TRY_VOID(insert_finished(db, skipped));
    counted.ended(skipped);
  }
  return Published{.id = event.id, .deliveries = deliveries};
}

}  // namespace

Result<OpDone> apply(Connection& db, const PublishOp& op, RollupBatch& counted) {
  std::vector<Published> answers;
  answers.reserve(op.events.size());
  for (const EventPlan& plan : op.events) {
    TRY(answers.emplace_back(), publish(db, plan, counted));
  }
  return answers;
}

}  // namespace fanfare::sqlite
