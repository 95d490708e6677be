// Retention of the MemoryStore: what goes, and what would.
#include "storage/memory/memory_retention.h"

#include <algorithm>

#include "storage/memory/memory_writer.h"

namespace fanfare::memory {
namespace {

// Removes entries from the front of a map while `is_old` takes them and `room` is left; tells
// `removed` of each before it goes.
template <class Map, class IsOld, class Removed>
std::size_t remove_front(Map& map, std::size_t& room, IsOld is_old, Removed removed) {
  std::size_t count = 0;
  while (room > 0 && !map.empty() && is_old(map.begin()->first)) {
    removed(*map.begin());
    map.erase(map.begin());
    --room;
    ++count;
  }
  return count;
}

constexpr auto kNothing = [](const auto&) {};

// Deleted before the cutoff, and no run of it is open.
bool is_gone(const State& state, const RetentionCutoffs& cutoffs, WebhookId id) {
  const auto found = state.webhooks.find(id);
  if (found == state.webhooks.end()) return false;
  const Webhook& webhook = found->second.webhook;
  return webhook.is_deleted && webhook.updated_at < versions_cutoff(cutoffs) &&
         std::none_of(
             state.queue.begin(), state.queue.end(),
             [id](const auto& entry) { return entry.second.webhook == id; });
}

// Its successor was in force before the cutoff already, or its webhook is gone.
bool is_version_expired(const State& state, const RetentionCutoffs& cutoffs,
                        const std::pair<WebhookId, std::int64_t>& version) {
  if (is_gone(state, cutoffs, version.first)) return true;
  const auto next = state.webhook_versions.upper_bound(version);
  return next != state.webhook_versions.end() && next->first.first == version.first &&
         next->second.webhook.updated_at < versions_cutoff(cutoffs);
}

}  // namespace

Result<OpDone> MemoryWriter::apply(const ExpireOp& op) {
  Expired done;
  std::size_t room = op.rows_max;
  const Uuid events_end = expired_end(op.cutoffs.events);
  const Uuid attempts_end = expired_end(op.cutoffs.attempts);
  const Uuid deliveries_end = expired_end(deliveries_cutoff(op.cutoffs));

  done.removed.runs_ended = remove_front(
      state_.queue, room, [&](DeliveryId id) { return id.value < events_end; },
      [&](const auto& entry) {
        const QueuedRun& run = entry.second;
        done.ended.push_back(run);
        const FinishedRun over = expired_form(run, state_.settle_line(run.webhook), op.now);
        state_.history[{run.delivery, run.run}] = over;
        tail_.batch.ended(over);
      });
  done.removed.attempts = remove_front(
      state_.attempts, room, [&](const auto& key) { return std::get<0>(key).value < attempts_end; },
      kNothing);
  done.removed.events = remove_front(
      state_.events, room, [&](EventId id) { return id.value < events_end; },
      [&](const auto& entry) { done.events_below = entry.first; });
  for (auto one = state_.broadcasts.begin();
       room > 0 && one != state_.broadcasts.end() && one->first.value < events_end;) {
    const bool is_done = one->second.is_done;
    one = is_done ? state_.broadcasts.erase(one) : std::next(one);
    done.removed.broadcasts += is_done ? 1 : 0;
    room -= is_done ? 1 : 0;
  }
  done.removed.deliveries = remove_front(
      state_.history, room, [&](const auto& key) { return key.first.value < deliveries_end; },
      [&](const auto& entry) { done.deliveries_below = entry.first.first; });
  // The last id that went, so far; "below" is the first one after it.
  for (Uuid* below : {&done.events_below.value, &done.deliveries_below.value}) {
    if (!below->is_nil()) *below = successor(*below);
  }
  for (auto version = state_.webhook_versions.begin();
       room > 0 && version != state_.webhook_versions.end();) {
    const bool is_old = is_version_expired(state_, op.cutoffs, version->first);
    version = is_old ? state_.webhook_versions.erase(version) : std::next(version);
    done.removed.webhook_versions += is_old ? 1 : 0;
    room -= is_old ? 1 : 0;
  }
  done.has_more = room == 0;
  if (done.has_more) return done;
  for (auto webhook = state_.webhooks.begin(); webhook != state_.webhooks.end();) {
    const bool goes = is_gone(state_, op.cutoffs, webhook->first);
    if (goes) state_.webhook_stats.erase(webhook->first);
    webhook = goes ? state_.webhooks.erase(webhook) : std::next(webhook);
  }
  return done;
}

RetentionCounts count_expired(const State& state, const RetentionCutoffs& cutoffs,
                              std::size_t count_max) {
  const auto count = [&](const auto& map, auto is_old) {
    const auto found = std::count_if(map.begin(), map.end(),
                                     [&](const auto& entry) { return is_old(entry.first); });
    return std::min(static_cast<std::size_t>(found), count_max + 1);
  };
  const Uuid events_end = expired_end(cutoffs.events);
  const Uuid attempts_end = expired_end(cutoffs.attempts);
  const Uuid deliveries_end = expired_end(deliveries_cutoff(cutoffs));
  return RetentionCounts{
      .runs_ended = count(state.queue, [&](DeliveryId id) { return id.value < events_end; }),
      .events = count(state.events, [&](EventId id) { return id.value < events_end; }),
      .attempts = count(state.attempts,
                        [&](const auto& key) { return std::get<0>(key).value < attempts_end; }),
      .deliveries =
          count(state.history, [&](const auto& key) { return key.first.value < deliveries_end; }),
      .broadcasts = static_cast<std::size_t>(
          std::count_if(state.broadcasts.begin(), state.broadcasts.end(),
                        [&](const auto& entry) {
                          return entry.first.value < events_end && entry.second.is_done;
                        })),
      .webhook_versions =
          count(state.webhook_versions,
                [&](const auto& key) { return is_version_expired(state, cutoffs, key); }),
      .audit_entries = count(state.audit_log,
                             [&](AuditId id) { return id.value < expired_end(cutoffs.audit); })};
}

}  // namespace fanfare::memory
