// Directory: all configuration in memory. Tenants, keys, event types and webhooks are small and
// read on every request; they are loaded once and changed only after the change is committed, so
// what is seen here is durable.
//
// Any thread. Look-ups hand out shared immutable objects; a change swaps in a new one.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "domain/tenant.h"
#include "domain/webhook.h"

namespace fanfare {

class Directory {
 public:
  // ---- look-ups ----
  std::shared_ptr<const Tenant> tenant(TenantId id) const;
  std::shared_ptr<const Tenant> tenant_by_external_id(const std::string& external_id) const;
  std::vector<std::shared_ptr<const Tenant>> tenants() const;  // newest first

  std::shared_ptr<const ApiKey> api_key_by_hash(const std::string& sha256) const;
  std::shared_ptr<const ApiKey> api_key(ApiKeyId id) const;
  std::vector<std::shared_ptr<const ApiKey>> api_keys(
      std::optional<TenantId> tenant) const;  // newest first

  std::shared_ptr<const EventType> event_type(const std::string& name) const;
  std::vector<std::shared_ptr<const EventType>> event_types() const;  // by name

  WebhookPtr webhook(WebhookId id) const;  // deleted ones too, while runs of theirs are queued
  WebhookPtr webhook(TenantId tenant,
                     WebhookId id) const;  // none if it is somebody else's or deleted
  // By its id or its legacy_id, not deleted. Without a tenant (an admin's look-up) a legacy_id must
  // be one webhook's alone.
  WebhookPtr webhook_named(std::optional<TenantId> tenant, std::string_view name) const;
  std::vector<WebhookPtr> webhooks(TenantId tenant) const;  // not deleted, newest first
  std::size_t webhook_count(TenantId tenant) const;
  // Every webhook of the tenant, active, paused or disabled, that asks for the event type.
  std::vector<WebhookPtr> matching(TenantId tenant, std::string_view event_type) const;

  // ---- changes: after their commit, by the engine ----
  void put(Tenant tenant);
  // Forgets a tenant with its keys and webhooks; answers the webhooks.
  std::vector<WebhookId> remove_tenant(TenantId id);
  void put(ApiKey key);
  void put(EventType type);
  void remove_event_type(const std::string& name);
  void put(WebhookPtr webhook);

 private:
  struct TenantWebhooks {
    std::map<WebhookId, WebhookPtr, std::greater<>> by_id;
    // Exact event name → webhooks; those with a pattern (`*`, `user.*`) apart.
    std::unordered_map<std::string, std::vector<WebhookPtr>> by_name;
    std::vector<WebhookPtr> with_patterns;
  };
  // Frees the external_id of a tenant unless another has it by now.
  void forget_name(const Tenant& tenant);
  static void unindex(TenantWebhooks& entry, WebhookId id);
  static void index(TenantWebhooks& entry, const WebhookPtr& webhook);
  void index_legacy_id(const WebhookPtr& before, const WebhookPtr& now);

  mutable std::shared_mutex mu_;
  std::unordered_map<TenantId, std::shared_ptr<const Tenant>> tenants_;
  std::unordered_map<std::string, TenantId> tenants_by_external_id_;
  std::unordered_map<ApiKeyId, std::shared_ptr<const ApiKey>> keys_;
  std::unordered_map<std::string, std::shared_ptr<const ApiKey>> keys_by_hash_;
  std::map<std::string, std::shared_ptr<const EventType>> event_types_;
  std::unordered_map<WebhookId, WebhookPtr> webhooks_;
  std::unordered_map<TenantId, TenantWebhooks> by_tenant_;
  std::unordered_map<std::string, std::vector<WebhookPtr>> by_legacy_id_;  // of all tenants
};

}  // namespace fanfare
