// Taking away for good, in the MemoryStore: a walk over everything, as often as it is asked.
#include "storage/memory/memory_writer.h"

namespace fanfare::memory {
namespace {

// Takes rows away until so many are gone.
class Taker {
 public:
  explicit Taker(std::size_t rows_max) : left_(rows_max) {}

  template <class Map, class IsIts>
  void take(Map& map, IsIts is_its) {
    take(map, is_its, [](const auto&) {});
  }
  // Tells `going` of each before it goes.
  template <class Map, class IsIts, class Going>
  void take(Map& map, IsIts is_its, Going going) {
    for (auto entry = map.begin(); entry != map.end() && left_ > 0;) {
      if (is_its(entry->first, entry->second)) {
        going(entry->second);
        entry = map.erase(entry);
        --left_;
      } else {
        ++entry;
      }
    }
  }
  std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

void take_runs(State& state, const PurgeOp& op, RollupBatch& counted, Taker& taker) {
  const Purge& purge = op.purge;
  const auto is_its = [&purge](const auto& row) {
    return purge.webhook.is_nil() ? row.tenant == purge.tenant : row.webhook == purge.webhook;
  };
  taker.take(state.attempts, [&](const auto&, const Attempt& row) { return is_its(row); });
  taker.take(
      state.queue, [&](DeliveryId, const QueuedRun& row) { return is_its(row); },
      [&](const QueuedRun& run) {
        counted.ended(FinishedRun{.run = run,
                                  .status = DeliveryStatus::cancelled,
                                  .kind = ErrorKind::webhook_deleted,
                                  .error = {},
                                  .completed_at = op.now});
      });
  taker.take(state.history, [&](const auto&, const FinishedRun& row) { return is_its(row.run); });
}

void take_rest(State& state, TenantId tenant, Taker& taker) {
  const std::string scope = to_string(tenant) + ' ';
  taker.take(state.event_keys,
             [&](const auto& key, const EventKey&) { return key.first == tenant; });
  taker.take(state.events, [&](EventId, const Event& row) { return row.tenant == tenant; });
  taker.take(state.answers,
             [&](const auto& key, const Answer&) { return key.first.starts_with(scope); });
  taker.take(state.api_keys, [&](ApiKeyId, const ApiKey& row) { return row.tenant == tenant; });
}

void take_webhooks(State& state, const Purge& purge, Taker& taker) {
  const auto is_its = [&purge](const auto&, const StoredWebhook& row) {
    return purge.webhook.is_nil() ? row.webhook.tenant == purge.tenant
                                  : row.webhook.id == purge.webhook;
  };
  taker.take(state.webhook_versions, is_its);
  taker.take(state.webhooks, is_its,
             [&](const StoredWebhook& row) { state.webhook_stats.erase(row.webhook.id); });
}

Result<void> refuse_if(bool is_purged, TenantId tenant) {
  if (is_purged) return fail(Errc::not_found, "tenant " + to_string(tenant) + " was deleted");
  return {};
}

}  // namespace

Result<void> MemoryWriter::check_not_purged(const WriteAction& action) const {
  const auto check = [this](TenantId tenant) { return refuse_if(is_purged(tenant), tenant); };
  const auto* expand = std::get_if<ExpandOp>(&action);
  const auto* publish = expand != nullptr ? &expand->publish : std::get_if<PublishOp>(&action);
  if (publish != nullptr) {
    for (const EventPlan& plan : publish->events) TRY_VOID(check(plan.event.tenant));
  } else if (const auto* webhook = std::get_if<PutWebhookOp>(&action)) {
    return check(webhook->row.webhook.tenant);
  } else if (const auto* key = std::get_if<PutApiKeyOp>(&action)) {
    if (key->key.tenant) return check(*key->key.tenant);
  }
  return {};
}

Result<OpDone> MemoryWriter::apply(const DeleteTenantOp& op) {
  if (state_.tenants.erase(op.tenant) == 0) {
    return fail(Errc::not_found, "there is no tenant " + to_string(op.tenant));
  }
  std::erase_if(state_.tenant_keys, [&](const TenantKey& key) { return key.tenant == op.tenant; });
  std::erase_if(state_.purges, [&](const Purge& purge) { return purge.tenant == op.tenant; });
  state_.purges.insert({.tenant = op.tenant});
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const PurgeOp& op) {
  if (!state_.purges.contains(op.purge)) return Purged{};
  Taker taker(op.rows_max);
  take_runs(state_, op, tail_.batch, taker);
  if (op.purge.webhook.is_nil()) take_rest(state_, op.purge.tenant, taker);
  take_webhooks(state_, op.purge, taker);
  const bool has_more = taker.left() == 0;
  if (!has_more) state_.purges.erase(op.purge);
  return Purged{.rows = op.rows_max - taker.left(), .has_more = has_more};
}

}  // namespace fanfare::memory
