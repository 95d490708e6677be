// Broadcasts in the MemoryStore.
#include "base/limits.h"
#include "storage/memory/memory_writer.h"

namespace fanfare::memory {

Result<OpDone> MemoryWriter::apply(const BroadcastOp& op) {
  const Broadcast& broadcast = op.broadcast;
  if (!broadcast.event_id.empty()) {
    const auto found = state_.broadcast_keys.find(broadcast.event_id);
    if (found != state_.broadcast_keys.end() &&
        is_kept(found->second.at, broadcast.created_at, limits::kEventIdUniqueFor)) {
      const bool is_same = found->second.fingerprint == op.fingerprint;
      BroadcastStored stored{.broadcast = {}, .is_duplicate = is_same, .is_conflict = !is_same};
      const auto before = state_.broadcasts.find(found->second.id);
      if (before != state_.broadcasts.end()) stored.broadcast = before->second;
      stored.broadcast.id = found->second.id;
      return stored;
    }
    state_.broadcast_keys[broadcast.event_id] = {broadcast.id, op.fingerprint,
                                                 broadcast.created_at};
  }
  state_.broadcasts[broadcast.id] = broadcast;
  return BroadcastStored{.broadcast = broadcast};
}

Result<OpDone> MemoryWriter::apply(const ExpandOp& op) {
  const auto found = state_.broadcasts.find(op.broadcast);
  if (found == state_.broadcasts.end())
    return fail(Errc::not_found, "there is no " + to_string(op.broadcast));
  Broadcast& broadcast = found->second;
  if (broadcast.is_done || broadcast.reached != op.after)
    return fail(Errc::version_mismatch, to_string(op.broadcast) + " has got further");
  TRY(auto done, apply(op.publish));
  // A tenant whose own event has the publisher's event_id and says something else gets this one all
  // the same, under the broadcast's id.
  auto& answers = std::get<std::vector<Published>>(done);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    if (!answers[i].is_conflict) continue;
    EventPlan again = op.publish.events[i];
    again.event.event_id = to_string(op.broadcast);
    answers[i] = publish(again);
  }
  for (const Published& one : answers) {
    if (one.is_duplicate) continue;
    ++broadcast.tenants;
    broadcast.deliveries += one.deliveries;
  }
  broadcast.reached = op.reached;
  broadcast.is_done = op.is_last;
  return done;
}

}  // namespace fanfare::memory
