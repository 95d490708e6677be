// What a MemoryStore knows: the tables of migrations/*.sql as maps.
#pragma once

#include <map>
#include <mutex>
#include <set>
#include <tuple>
#include <utility>

#include "storage/audit_chain.h"
#include "storage/delivery_view.h"
#include "storage/rollup_batch.h"

namespace fanfare::memory {

struct EventKey {
  EventId event;
  std::string fingerprint;
  Timestamp at;
  int deliveries = 0;
};

struct BroadcastKey {
  BroadcastId id;
  std::string fingerprint;
  Timestamp at;
};

struct Answer {
  KeptAnswer kept;
  Timestamp at;
};

struct State {
  std::mutex mu;  // held during each call of writer and readers

  std::map<TenantId, Tenant> tenants;
  std::vector<TenantKey> tenant_keys;
  std::map<ApiKeyId, ApiKey> api_keys;
  std::map<std::string, EventType> event_types;
  std::map<WebhookId, StoredWebhook> webhooks;
  std::map<std::pair<WebhookId, std::int64_t>, StoredWebhook> webhook_versions;
  std::map<std::string, std::string> settings;

  std::map<EventId, Event> events;
  std::map<std::pair<TenantId, std::string>, EventKey> event_keys;
  std::map<DeliveryId, QueuedRun> queue;
  std::map<std::pair<DeliveryId, int>, FinishedRun> history;
  std::map<std::tuple<DeliveryId, int, int>, Attempt> attempts;
  std::map<std::pair<std::string, std::string>, Answer> answers;
  std::map<BroadcastId, Broadcast> broadcasts;
  std::map<std::string, BroadcastKey> broadcast_keys;
  std::set<Purge> purges;
  Uuid newest;  // the greatest id ever stored

  std::map<AuditId, AuditRow> audit_log;
  AuditPoint audit_anchor;

  // The newest audit entry, or the anchor.
  AuditPoint audit_head() const;
  std::map<std::int64_t, std::string> tail;
  std::map<std::tuple<Resolution, Timestamp, RollupKey>, RollupRow> rollups;
  std::map<WebhookId, WebhookStats> webhook_stats;

  // The highest finished run; null if there is none.
  const FinishedRun* finished(DeliveryId id) const;
  SettleLine settle_line(WebhookId id) const;
  // The state of a delivery; none if it was never stored.
  std::optional<Delivery> view(DeliveryId id) const;
  // The same, or Errc::not_found unless the tenant has it.
  Result<Delivery> view_of_tenant(TenantId tenant, DeliveryId id) const;
};

}  // namespace fanfare::memory
