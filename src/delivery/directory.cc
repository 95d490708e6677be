#include "delivery/directory.h"

#include <mutex>
#include <utility>

namespace fanfare {

namespace {

template <class Map, class Key>
typename Map::mapped_type find_or_default(const Map& map, const Key& key) {
  const auto found = map.find(key);
  return found == map.end() ? typename Map::mapped_type{} : found->second;
}

bool is_pattern(const std::string& event) {
  return event == "*" || event.ends_with(".*");
}

}  // namespace

std::shared_ptr<const Tenant> Directory::tenant(TenantId id) const {
  const std::shared_lock lock(mu_);
  return find_or_default(tenants_, id);
}

std::shared_ptr<const Tenant> Directory::tenant_by_external_id(
    const std::string& external_id) const {
  const std::shared_lock lock(mu_);
  const auto found = tenants_by_external_id_.find(external_id);
  return found == tenants_by_external_id_.end() ? nullptr
                                                : find_or_default(tenants_, found->second);
}

std::vector<std::shared_ptr<const Tenant>> Directory::tenants() const {
  const std::shared_lock lock(mu_);
  std::map<TenantId, std::shared_ptr<const Tenant>, std::greater<>> newest_first(tenants_.begin(),
                                                                                 tenants_.end());
  std::vector<std::shared_ptr<const Tenant>> result;
  result.reserve(newest_first.size());
  for (auto& [id, tenant] : newest_first) result.push_back(std::move(tenant));
  return result;
}

std::shared_ptr<const ApiKey> Directory::api_key_by_hash(const std::string& sha256) const {
  const std::shared_lock lock(mu_);
  return find_or_default(keys_by_hash_, sha256);
}

std::shared_ptr<const ApiKey> Directory::api_key(ApiKeyId id) const {
  const std::shared_lock lock(mu_);
  return find_or_default(keys_, id);
}

std::vector<std::shared_ptr<const ApiKey>> Directory::api_keys(
    std::optional<TenantId> tenant) const {
  const std::shared_lock lock(mu_);
  std::map<ApiKeyId, std::shared_ptr<const ApiKey>, std::greater<>> newest_first;
  for (const auto& [id, key] : keys_) {
    if (!tenant || key->tenant == tenant) newest_first.emplace(id, key);
  }
  std::vector<std::shared_ptr<const ApiKey>> result;
  for (auto& [id, key] : newest_first) result.push_back(std::move(key));
  return result;
}

std::shared_ptr<const EventType> Directory::event_type(const std::string& name) const {
  const std::shared_lock lock(mu_);
  return find_or_default(event_types_, name);
}

std::vector<std::shared_ptr<const EventType>> Directory::event_types() const {
  const std::shared_lock lock(mu_);
  std::vector<std::shared_ptr<const EventType>> result;
  result.reserve(event_types_.size());
  for (const auto& [name, type] : event_types_) result.push_back(type);
  return result;
}

WebhookPtr Directory::webhook(WebhookId id) const {
  const std::shared_lock lock(mu_);
  return find_or_default(webhooks_, id);
}

WebhookPtr Directory::webhook(TenantId tenant, WebhookId id) const {
  WebhookPtr found = webhook(id);
  return found && found->tenant == tenant && !found->is_deleted ? found : nullptr;
}

WebhookPtr Directory::webhook_named(std::optional<TenantId> tenant, std::string_view name) const {
  const auto is_meant = [tenant](const WebhookPtr& webhook) {
    return webhook && !webhook->is_deleted && (!tenant || webhook->tenant == *tenant);
  };
  if (const auto id = parse_id<WebhookTag>(name)) {
    WebhookPtr found = webhook(*id);
    return is_meant(found) ? found : nullptr;
  }
  const std::shared_lock lock(mu_);
  const auto named = by_legacy_id_.find(std::string(name));
  if (named == by_legacy_id_.end()) return nullptr;
  WebhookPtr found;
  for (const WebhookPtr& webhook : named->second) {
    if (!is_meant(webhook)) continue;
    if (found) return nullptr;
    found = webhook;
  }
  return found;
}

std::vector<WebhookPtr> Directory::webhooks(TenantId tenant) const {
  const std::shared_lock lock(mu_);
  std::vector<WebhookPtr> result;
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return result;
  result.reserve(found->second.by_id.size());
  for (const auto& [id, webhook] : found->second.by_id) result.push_back(webhook);
  return result;
}

std::size_t Directory::webhook_count(TenantId tenant) const {
  const std::shared_lock lock(mu_);
  const auto found = by_tenant_.find(tenant);
  return found == by_tenant_.end() ? 0 : found->second.by_id.size();
}

std::vector<WebhookPtr> Directory::matching(TenantId tenant, std::string_view event_type) const {
  const std::shared_lock lock(mu_);
  std::vector<WebhookPtr> result;
  const auto found = by_tenant_.find(tenant);
  if (found == by_tenant_.end()) return result;
  const TenantWebhooks& entry = found->second;
  if (const auto named = entry.by_name.find(std::string(event_type));
      named != entry.by_name.end()) {
    result = named->second;
  }
  for (const WebhookPtr& webhook : entry.with_patterns) {
    if (wants(webhook->settings, event_type)) result.push_back(webhook);
  }
  return result;
}

void Directory::put(Tenant tenant) {
  const std::unique_lock lock(mu_);
  const TenantId id = tenant.id;
  if (const auto known = tenants_.find(id); known != tenants_.end()) forget_name(*known->second);
  if (!tenant.external_id.empty()) tenants_by_external_id_[tenant.external_id] = id;
  tenants_[id] = std::make_shared<const Tenant>(std::move(tenant));
}

void Directory::forget_name(const Tenant& tenant) {
  const auto named = tenants_by_external_id_.find(tenant.external_id);
  if (named != tenants_by_external_id_.end() && named->second == tenant.id) {
    tenants_by_external_id_.erase(named);
  }
}

std::vector<WebhookId> Directory::remove_tenant(TenantId id) {
  const std::unique_lock lock(mu_);
  if (const auto known = tenants_.find(id); known != tenants_.end()) {
    forget_name(*known->second);
    tenants_.erase(known);
  }
  std::erase_if(keys_by_hash_, [id](const auto& entry) { return entry.second->tenant == id; });
  std::erase_if(keys_, [id](const auto& entry) { return entry.second->tenant == id; });
  by_tenant_.erase(id);
  for (auto& [name, named] : by_legacy_id_) {
    std::erase_if(named, [id](const WebhookPtr& webhook) { return webhook->tenant == id; });
  }
  std::erase_if(by_legacy_id_, [](const auto& entry) { return entry.second.empty(); });
  std::vector<WebhookId> removed;
  for (const auto& [webhook, row] : webhooks_) {
    if (row->tenant == id) removed.push_back(webhook);
  }
  for (const WebhookId webhook : removed) webhooks_.erase(webhook);
  return removed;
}

void Directory::put(ApiKey key) {
  const std::unique_lock lock(mu_);
  auto shared = std::make_shared<const ApiKey>(std::move(key));
  keys_[shared->id] = shared;
  keys_by_hash_[shared->sha256] = shared;
}

void Directory::put(EventType type) {
  const std::unique_lock lock(mu_);
  std::string name = type.name;
  event_types_[std::move(name)] = std::make_shared<const EventType>(std::move(type));
}

void Directory::remove_event_type(const std::string& name) {
  const std::unique_lock lock(mu_);
  event_types_.erase(name);
}

void Directory::put(WebhookPtr webhook) {
  const std::unique_lock lock(mu_);
  // Two changes may be told out of order by different threads; the newer one wins.
  if (const auto known = webhooks_.find(webhook->id);
      known != webhooks_.end() && known->second->version > webhook->version) {
    return;
  }
  TenantWebhooks& entry = by_tenant_[webhook->tenant];
  WebhookPtr& current = webhooks_[webhook->id];
  index_legacy_id(current, webhook);
  current = webhook;
  if (webhook->is_deleted) {
    entry.by_id.erase(webhook->id);
  } else {
    entry.by_id[webhook->id] = webhook;
  }
  unindex(entry, webhook->id);
  if (!webhook->is_deleted) index(entry, webhook);
}

void Directory::index_legacy_id(const WebhookPtr& before, const WebhookPtr& now) {
  if (before && !before->settings.legacy_id.empty()) {
    const auto named = by_legacy_id_.find(before->settings.legacy_id);
    if (named != by_legacy_id_.end()) {
      std::erase_if(named->second, [&](const WebhookPtr& other) { return other->id == now->id; });
      if (named->second.empty()) by_legacy_id_.erase(named);
    }
  }
  if (!now->is_deleted && !now->settings.legacy_id.empty()) {
    by_legacy_id_[now->settings.legacy_id].push_back(now);
  }
}

void Directory::unindex(TenantWebhooks& entry, WebhookId id) {
  const auto is_it = [id](const WebhookPtr& webhook) { return webhook->id == id; };
  std::erase_if(entry.with_patterns, is_it);
  for (auto it = entry.by_name.begin(); it != entry.by_name.end();) {
    std::erase_if(it->second, is_it);
    it = it->second.empty() ? entry.by_name.erase(it) : std::next(it);
  }
}

void Directory::index(TenantWebhooks& entry, const WebhookPtr& webhook) {
  const auto& events = webhook->settings.events;
  // A webhook with any pattern is matched by its whole list, so that it is found once however many
  // entries match.
  for (const std::string& event : events) {
    if (is_pattern(event)) {
      entry.with_patterns.push_back(webhook);
      return;
    }
  }
  for (const std::string& event : events) {
    auto& named = entry.by_name[event];
    if (named.empty() || named.back()->id != webhook->id) named.push_back(webhook);
  }
}

}  // namespace fanfare
