#include "storage/memory/memory_store.h"

#include <algorithm>

#include "base/limits.h"
#include "storage/memory/memory_retention.h"
#include "storage/memory/memory_state.h"
#include "storage/memory/memory_writer.h"

namespace fanfare {
namespace memory {
namespace {

// One page of what `next_older` yields, newest first.
template <class T, class Matches>
Rows<T> page_of(const std::vector<T>& newest_first, std::size_t limit, Matches takes) {
  Rows<T> page;
  for (const T& row : newest_first) {
    if (!takes(row)) continue;
    if (page.rows.size() == limit) {
      page.has_more = true;
      return page;
    }
    page.rows.push_back(row);
  }
  return page;
}

class MemoryReader final : public Reader {
 public:
  explicit MemoryReader(State& state) : state_(state) {}

  Result<ConfigSnapshot> load_config() override {
    const std::scoped_lock lock(state_.mu);
    ConfigSnapshot config;
    for (const auto& [id, tenant] : state_.tenants) config.tenants.push_back(tenant);
    config.tenant_keys = state_.tenant_keys;
    const auto is_purged = [this](const std::optional<TenantId>& tenant) {
      return tenant && state_.purges.contains({.tenant = *tenant});
    };
    for (const auto& [id, key] : state_.api_keys) {
      if (!is_purged(key.tenant)) config.api_keys.push_back(key);
    }
    for (const auto& [name, type] : state_.event_types) config.event_types.push_back(type);
    for (const auto& [id, webhook] : state_.webhooks) {
      if (is_purged(webhook.webhook.tenant)) continue;
      if (!webhook.webhook.is_deleted || has_queued(id)) config.webhooks.push_back(webhook);
    }
    for (const auto& setting : state_.settings) config.settings.emplace_back(setting);
    for (const auto& [id, broadcast] : state_.broadcasts) {
      if (!broadcast.is_done) config.broadcasts.push_back(broadcast);
    }
    config.purges.assign(state_.purges.begin(), state_.purges.end());
    return config;
  }

  Result<std::vector<WaitingWebhook>> waiting_webhooks() override {
    const std::scoped_lock lock(state_.mu);
    std::map<WebhookId, Timestamp> earliest;
    for (const auto& [id, run] : state_.queue) {
      const auto [entry, is_new] = earliest.try_emplace(run.webhook, run.next_attempt_at);
      entry->second = std::min(entry->second, run.next_attempt_at);
    }
    std::vector<WaitingWebhook> waiting;
    for (const auto& [webhook, at] : earliest) waiting.push_back({webhook, at});
    return waiting;
  }

  Result<Queued> queued(WebhookId webhook, const QueueWindow& window) override {
    const std::scoped_lock lock(state_.mu);
    Queued queued;
    std::size_t bytes = 0;
    for (DueRun& due : due_runs(webhook)) {
      if (std::ranges::binary_search(window.held, due.run.delivery)) continue;
      bytes += due.data->size();
      const bool fits = queued.rows.size() < window.rows_max && bytes <= window.bytes_max;
      if (!queued.rows.empty() && !fits) {
        queued.has_more = true;
        break;
      }
      queued.rows.push_back(std::move(due));
    }
    return queued;
  }

  Result<Event> event(TenantId tenant, EventId id) override {
    const std::scoped_lock lock(state_.mu);
    return event_of(tenant, id);
  }

  Result<Rows<Event>> events(TenantId tenant, const EventFilter& filter,
                             std::optional<EventId> before, std::size_t limit) override {
    const std::scoped_lock lock(state_.mu);
    std::vector<Event> all;
    for (const auto& [id, event] : state_.events) all.push_back(event);
    std::reverse(all.begin(), all.end());
    return page_of(all, limit, [&](const Event& event) {
      return event.tenant == tenant && (!before || event.id < *before) && matches(filter, event);
    });
  }

  Result<Broadcast> broadcast(BroadcastId id) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.broadcasts.find(id);
    if (found != state_.broadcasts.end()) return found->second;
    return fail(Errc::not_found, "there is no broadcast " + to_string(id));
  }

  Result<TenantId> owner(EventId id) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.events.find(id);
    if (found != state_.events.end()) return found->second.tenant;
    return fail(Errc::not_found, "there is no event " + to_string(id));
  }

  Result<TenantId> owner(DeliveryId id) override {
    const std::scoped_lock lock(state_.mu);
    if (const auto found = state_.view(id)) return found->tenant;
    return fail(Errc::not_found, "there is no delivery " + to_string(id));
  }

  Result<std::vector<Delivery>> event_deliveries(TenantId tenant, EventId event) override {
    const std::scoped_lock lock(state_.mu);
    TRY_VOID(event_of(tenant, event));
    std::vector<Delivery> found;
    for (const Delivery& delivery : all_deliveries()) {
      if (delivery.event == event) found.push_back(delivery);
    }
    std::reverse(found.begin(), found.end());
    return found;
  }

  Result<Delivery> delivery(TenantId tenant, DeliveryId id) override {
    const std::scoped_lock lock(state_.mu);
    return state_.view_of_tenant(tenant, id);
  }

  Result<Rows<Delivery>> deliveries(TenantId tenant, const DeliveryFilter& filter,
                                    std::optional<DeliveryId> before, std::size_t limit) override {
    const std::scoped_lock lock(state_.mu);
    return page_of(all_deliveries(), limit, [&](const Delivery& delivery) {
      return delivery.tenant == tenant && (!before || delivery.id < *before) &&
             matches(filter, delivery);
    });
  }

  Result<std::vector<Attempt>> attempts(TenantId tenant, DeliveryId id,
                                        std::size_t limit) override {
    const std::scoped_lock lock(state_.mu);
    TRY_VOID(state_.view_of_tenant(tenant, id));
    std::vector<Attempt> found;
    for (const auto& [key, attempt] : state_.attempts) {
      if (attempt.delivery == id) found.push_back(attempt);
    }
    const std::size_t older = found.size() - std::min(found.size(), limit);
    found.erase(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(older));
    return found;
  }

  Result<StoredWebhook> webhook_version(WebhookId webhook, std::int64_t version) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.webhook_versions.find({webhook, version});
    if (found != state_.webhook_versions.end()) return found->second;
    return fail(Errc::not_found, "there is no version " + std::to_string(version) + " of webhook " +
                                     to_string(webhook));
  }

  Result<std::vector<StoredWebhook>> webhooks_at(TenantId tenant, Timestamp when) override {
    const std::scoped_lock lock(state_.mu);
    std::map<WebhookId, StoredWebhook, std::greater<>> newest;
    for (const auto& [key, row] : state_.webhook_versions) {
      const bool counts = row.webhook.tenant == tenant && row.webhook.updated_at <= when;
      if (counts) newest[key.first] = row;
    }
    std::vector<StoredWebhook> found;
    for (const auto& [id, row] : newest) found.push_back(row);
    return found;
  }

  Result<std::optional<KeptAnswer>> kept_answer(const std::string& scope, const std::string& key,
                                                Timestamp now) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.answers.find({scope, key});
    if (found == state_.answers.end()) return std::nullopt;
    if (!is_kept(found->second.at, now, limits::kIdempotencyKeyKept)) return std::nullopt;
    return found->second.kept;
  }

  Result<RetentionCounts> count_expired(const RetentionCutoffs& cutoffs,
                                        std::size_t count_max) override {
    const std::scoped_lock lock(state_.mu);
    return memory::count_expired(state_, cutoffs, count_max);
  }

  Result<AuditRow> audit_entry(AuditId id) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.audit_log.find(id);
    if (found != state_.audit_log.end()) return found->second;
    return fail(Errc::not_found, "there is no audit entry " + to_string(id));
  }

  Result<Rows<AuditRow>> audit_entries(const AuditFilter& filter, std::optional<AuditId> before,
                                       std::size_t limit) override {
    const std::scoped_lock lock(state_.mu);
    std::vector<AuditRow> all;
    for (const auto& [id, row] : state_.audit_log) all.push_back(row);
    std::reverse(all.begin(), all.end());
    return page_of(all, limit, [&](const AuditRow& row) {
      return (!before || row.entry.id < *before) && matches(filter, row.entry);
    });
  }

  Result<RollupsAtStart> load_rollups() override {
    const std::scoped_lock lock(state_.mu);
    RollupsAtStart start;
    for (const auto& [id, stats] : state_.webhook_stats) start.webhooks.push_back(stats);
    for (const auto& [seq, bytes] : state_.tail) start.tail.push_back({seq, bytes});
    return start;
  }

  Result<std::int64_t> rollup_covered(const RollupKey& key, Timestamp when) override {
    const std::scoped_lock lock(state_.mu);
    const auto found = state_.rollups.find({Resolution::day, floor_to(when, Resolution::day), key});
    return found == state_.rollups.end() ? 0 : found->second.covered;
  }

  Result<std::vector<RollupRow>> rollups(const RollupKey& key, const RollupSpan& span) override {
    const std::scoped_lock lock(state_.mu);
    std::vector<RollupRow> rows;
    for (const auto& [place, row] : state_.rollups) {
      if (std::get<RollupKey>(place) == key && is_in(span, place)) rows.push_back(row);
    }
    return rows;
  }

  Result<Rows<RollupRow>> rollups_by_type(const RollupKey& key, const RollupSpan& span,
                                          std::size_t rows_max) override {
    const std::scoped_lock lock(state_.mu);
    std::vector<RollupRow> rows;
    for (const auto& [place, row] : state_.rollups) {
      const RollupKey& owner = std::get<RollupKey>(place);
      if (owner.scope == key.scope && owner.owner == key.owner && is_in(span, place))
        rows.push_back(row);
    }
    std::reverse(rows.begin(), rows.end());
    return page_of(rows, rows_max, [](const RollupRow&) { return true; });
  }

  Result<void> ping() override { return {}; }

 private:
  static bool is_in(const RollupSpan& span,
                    const std::tuple<Resolution, Timestamp, RollupKey>& place) {
    const Timestamp start = std::get<Timestamp>(place);
    return std::get<Resolution>(place) == span.resolution && start >= span.from && start < span.to;
  }

  // All queued runs of a webhook in the order of their turns.
  std::vector<DueRun> due_runs(WebhookId webhook) const {
    std::vector<DueRun> due;
    for (const auto& [id, run] : state_.queue) {
      const auto event = state_.events.find(run.event);
      if (run.webhook != webhook || event == state_.events.end()) continue;
      due.push_back({run, event->second.data, event->second.created_at});
    }
    std::sort(due.begin(), due.end(), [](const DueRun& a, const DueRun& b) {
      return std::tie(a.run.next_attempt_at, a.run.delivery) <
             std::tie(b.run.next_attempt_at, b.run.delivery);
    });
    return due;
  }

  bool has_queued(WebhookId id) const {
    return std::any_of(state_.queue.begin(), state_.queue.end(),
                       [&](const auto& entry) { return entry.second.webhook == id; });
  }

  Result<Event> event_of(TenantId tenant, EventId id) const {
    const auto found = state_.events.find(id);
    if (found != state_.events.end() && found->second.tenant == tenant) return found->second;
    return fail(Errc::not_found, "there is no event " + to_string(id));
  }

  // Every delivery once, newest first.
  std::vector<Delivery> all_deliveries() const {
    std::map<DeliveryId, Delivery, std::greater<>> views;
    for (const auto& [id, run] : state_.queue) views[id] = *state_.view(id);
    for (const auto& [key, run] : state_.history)
      views.try_emplace(key.first, *state_.view(key.first));
    std::vector<Delivery> all;
    for (auto& [id, view] : views) all.push_back(std::move(view));
    return all;
  }

  State& state_;
};

class MemoryStore final : public Store {
 public:
  Writer& writer() override { return writer_; }
  Result<std::unique_ptr<Reader>> open_reader() override {
    return std::unique_ptr<Reader>(std::make_unique<MemoryReader>(state_));
  }

 private:
  State state_;
  MemoryWriter writer_{state_};
};

}  // namespace
}  // namespace memory

std::unique_ptr<Store> make_memory_store() {
  return std::make_unique<memory::MemoryStore>();
}

}  // namespace fanfare
