// Broadcasts: the one row, and the steps that expand it.
#include "base/limits.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

constexpr TenantId kNobody{};  // whose event_ids those of broadcasts are

struct SeenKey {
  BroadcastId id;
  std::string fingerprint;
  Timestamp at;
};

Result<std::optional<SeenKey>> find_key(Connection& db, const std::string& event_id) {
  TRY(auto row, db.prepare("SELECT event, fingerprint, created_at FROM event_keys"
                           " WHERE tenant = ? AND event_id = ?"));
  row.bind(kNobody, event_id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  SeenKey seen;
  TRY_VOID(row.read(seen.id, seen.fingerprint, seen.at));
  return seen;
}

// The answer for the broadcast that has this event_id; none if it is free.
Result<std::optional<BroadcastStored>> stored_before(Connection& db, const BroadcastOp& op) {
  const Broadcast& broadcast = op.broadcast;
  if (broadcast.event_id.empty()) return std::nullopt;
  TRY(const auto seen, find_key(db, broadcast.event_id));
  if (!seen || !is_kept(seen->at, broadcast.created_at, limits::kEventIdUniqueFor)) {
    return std::nullopt;
  }
  const bool is_same = seen->fingerprint == op.fingerprint;
  BroadcastStored stored{.broadcast = {}, .is_duplicate = is_same, .is_conflict = !is_same};
  TRY(auto before, find_broadcast(db, seen->id));
  if (before) stored.broadcast = *std::move(before);
  stored.broadcast.id = seen->id;
  return stored;
}

// A tenant whose own event has the publisher's event_id and says something else gets this one all
// the same, under the broadcast's id.
Result<void> publish_conflicts(Connection& db, const ExpandOp& op, RollupBatch& counted,
                               std::vector<Published>& answers) {
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].is_conflict) continue;
    PublishOp again;
    again.events.push_back(op.publish.events[i]);
    again.events.front().event.event_id = to_string(op.broadcast);
    TRY(const auto done, apply(db, again, counted));
    answers[i] = std::get<std::vector<Published>>(done).front();
  }
  return {};
}

}  // namespace

Result<OpDone> apply(Connection& db, const BroadcastOp& op) {
  TRY(auto before, stored_before(db, op));
  if (before) return *std::move(before);
  const Broadcast& broadcast = op.broadcast;
  if (!broadcast.event_id.empty()) {
    // Replaced by a row at the end: the order of rows stays the order of time.
    TRY_VOID(db.run("INSERT OR REPLACE INTO event_keys VALUES (?,?,?,?,?,0)", kNobody,
                    broadcast.event_id, broadcast.id, Blob{op.fingerprint}, broadcast.created_at));
  }
  TRY_VOID(db.run("INSERT INTO broadcasts VALUES (?,?,?,?,?,?,0,0,0,?,?)", broadcast.id,
                  broadcast.type, broadcast.event_id, broadcast.attempts_max, broadcast.created_at,
                  broadcast.reached, broadcast.metadata, Blob{*broadcast.data}));
  return BroadcastStored{.broadcast = broadcast};
}

Result<OpDone> apply(Connection& db, const ExpandOp& op, RollupBatch& counted) {
  TRY(const auto broadcast, find_broadcast(db, op.broadcast));
  if (!broadcast) return fail(Errc::not_found, "there is no " + to_string(op.broadcast));
  if (broadcast->is_done || broadcast->reached != op.after) {
    return fail(Errc::version_mismatch, to_string(op.broadcast) + " has got further");
  }
  TRY(auto done, apply(db, op.publish, counted));
  TRY_VOID(publish_conflicts(db, op, counted, std::get<std::vector<Published>>(done)));
  std::int64_t tenants = 0;
  std::int64_t deliveries = 0;
  for (const Published& one : std::get<std::vector<Published>>(done)) {
    if (one.is_duplicate) continue;
    ++tenants;
    deliveries += one.deliveries;
  }
  TRY_VOID(
      db.run("UPDATE broadcasts SET reached = ?, tenants = tenants + ?,"
             " deliveries = deliveries + ?, is_done = ? WHERE id = ?",
             op.reached, tenants, deliveries, op.is_last, op.broadcast));
  return done;
}

}  // namespace fanfare::sqlite
