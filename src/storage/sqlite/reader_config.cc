// Reads of configuration: everything at start, and webhooks as they were.
#include "domain/webhook_codec.h"
#include "storage/sqlite/reader.h"

namespace fanfare::sqlite {
namespace {

// All rows of a query, each made by `read`.
template <class T, class Read>
Result<std::vector<T>> all_rows(Statement row, Read read) {
  std::vector<T> rows;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return rows;
    TRY(rows.emplace_back(), read(row));
  }
}

Result<TenantKey> read_tenant_key(Statement& row) {
  TenantKey key;
  TRY_VOID(row.read(key.tenant, key.key_id, key.wrapped));
  return key;
}

Result<ApiKey> read_api_key(Statement& row) {
  ApiKey key;
  TRY_VOID(row.read(key.id, key.tenant, key.role, key.name, key.prefix, key.sha256, key.created_at,
                    key.expires_at, key.revoked_at));
  return key;
}

Result<EventType> read_event_type(Statement& row) {
  EventType type;
  TRY_VOID(row.read(type.name, type.description, type.category, type.sample, type.schema,
                    type.created_at));
  return type;
}

Result<std::pair<std::string, std::string>> read_setting(Statement& row) {
  std::pair<std::string, std::string> setting;
  TRY_VOID(row.read(setting.first, setting.second));
  return setting;
}

Result<WebhookId> read_webhook_id(Statement& row) {
  WebhookId id;
  TRY_VOID(row.read(id));
  return id;
}

Result<Purge> read_purge(Statement& row) {
  Purge purge;
  TRY_VOID(row.read(purge.tenant, purge.webhook));
  return purge;
}

}  // namespace

Result<std::vector<StoredWebhook>> SqliteReader::load_webhooks() {
  TRY(auto row, db_->prepare("SELECT * FROM webhooks w WHERE (is_deleted = 0 OR EXISTS"
                             " (SELECT 1 FROM queue INDEXED BY queue_due WHERE webhook = w.id))"
                             " AND NOT EXISTS (SELECT 1 FROM purges WHERE tenant = w.tenant"
                             " AND webhook = zeroblob(16)) ORDER BY id"));
  TRY(auto webhooks, all_rows<StoredWebhook>(std::move(row), read_webhook));
  for (StoredWebhook& stored : webhooks) TRY_VOID(add_secrets(*db_, stored));
  return webhooks;
}

Result<ConfigSnapshot> SqliteReader::load_config() {
  return in_unhurried_snapshot([&]() -> Result<ConfigSnapshot> {
    ConfigSnapshot config;
    TRY(auto tenants, db_->prepare("SELECT * FROM tenants ORDER BY id"));
    TRY(config.tenants, all_rows<Tenant>(std::move(tenants), read_tenant));
    TRY(auto tenant_keys, db_->prepare("SELECT * FROM tenant_keys ORDER BY tenant, key_id"));
    TRY(config.tenant_keys, all_rows<TenantKey>(std::move(tenant_keys), read_tenant_key));
    TRY(auto api_keys,
        db_->prepare("SELECT * FROM api_keys k WHERE NOT EXISTS (SELECT 1 FROM purges"
                     " WHERE tenant = k.tenant AND webhook = zeroblob(16))"
                     " ORDER BY id"));
    TRY(config.api_keys, all_rows<ApiKey>(std::move(api_keys), read_api_key));
    TRY(auto event_types, db_->prepare("SELECT * FROM event_types ORDER BY name"));
    TRY(config.event_types, all_rows<EventType>(std::move(event_types), read_event_type));
    TRY(config.webhooks, load_webhooks());
    TRY(auto settings, db_->prepare("SELECT * FROM settings ORDER BY key"));
    TRY(config.settings,
        (all_rows<std::pair<std::string, std::string>>(std::move(settings), read_setting)));
    TRY(auto broadcasts, db_->prepare("SELECT * FROM broadcasts WHERE is_done = 0 ORDER BY id"));
    TRY(config.broadcasts, all_rows<Broadcast>(std::move(broadcasts), read_broadcast));
    TRY(auto purges, db_->prepare("SELECT tenant, webhook FROM purges ORDER BY tenant, webhook"));
    TRY(config.purges, all_rows<Purge>(std::move(purges), read_purge));
    return config;
  });
}

Result<StoredWebhook> SqliteReader::webhook_version(WebhookId webhook, std::int64_t version) {
  return in_snapshot([&]() -> Result<StoredWebhook> {
    TRY(auto row, db_->prepare("SELECT * FROM webhook_versions WHERE id = ? AND version = ?"));
    row.bind(webhook, version);
    TRY(const bool found, row.next());
    if (!found) {
      return fail(Errc::not_found, "there is no version " + std::to_string(version) +
                                       " of webhook " + to_string(webhook));
    }
    TRY(auto stored, read_webhook(row));
    TRY_VOID(add_secrets(*db_, stored));
    return stored;
  });
}

Result<std::vector<StoredWebhook>> SqliteReader::webhooks_at(TenantId tenant, Timestamp when) {
  return in_snapshot([&]() -> Result<std::vector<StoredWebhook>> {
    TRY(auto ids, db_->prepare("SELECT id FROM webhooks WHERE tenant = ? ORDER BY id DESC"));
    ids.bind(tenant);
    TRY(const auto webhooks, all_rows<WebhookId>(std::move(ids), read_webhook_id));
    std::vector<StoredWebhook> found;
    for (const WebhookId id : webhooks) {
      TRY_VOID(check_deadline());
      TRY(auto row, db_->prepare("SELECT * FROM webhook_versions WHERE id = ? AND updated_at <= ?"
                                 " ORDER BY version DESC LIMIT 1"));
      row.bind(id, when);
      TRY(const bool existed, row.next());
      if (!existed) continue;
      TRY(found.emplace_back(), read_webhook(row));
      TRY_VOID(add_secrets(*db_, found.back()));
    }
    return found;
  });
}

}  // namespace fanfare::sqlite
