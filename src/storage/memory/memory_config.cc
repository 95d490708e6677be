// Configuration operations of the MemoryStore.
#include <algorithm>

#include "base/assert.h"
#include "storage/memory/memory_writer.h"

namespace fanfare::memory {
namespace {

// As a store keeps it: what is secret is only in the sealed parts.
StoredWebhook without_plaintext(StoredWebhook stored) {
  for (auto& header : stored.webhook.settings.headers) header.value = Secret();
  for (auto& secret : stored.webhook.secrets) secret.text = Secret();
  return stored;
}

bool has_same_name(const Tenant& a, const Tenant& b) {
  return !a.external_id.empty() && a.external_id == b.external_id;
}

}  // namespace

Result<OpDone> MemoryWriter::apply(const CreateTenantOp& op) {
  const auto is_taken = [&](const auto& entry) {
    return entry.first == op.tenant.id || has_same_name(entry.second, op.tenant);
  };
  if (std::any_of(state_.tenants.begin(), state_.tenants.end(), is_taken)) {
    return fail(Errc::conflict, "there already is a tenant with this id or external_id");
  }
  state_.tenants[op.tenant.id] = op.tenant;
  state_.tenant_keys.push_back(op.key);
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const UpdateTenantOp& op) {
  const auto found = state_.tenants.find(op.before.id);
  if (found == state_.tenants.end()) {
    return fail(Errc::not_found, "there is no tenant " + to_string(op.before.id));
  }
  if (found->second != op.before) {
    return fail(Errc::version_mismatch, "tenant " + to_string(op.before.id) + " was changed");
  }
  for (const auto& [id, other] : state_.tenants) {
    if (id != op.before.id && has_same_name(other, op.next)) {
      return fail(Errc::conflict, "there already is a tenant with this external_id");
    }
  }
  Tenant next = op.next;
  next.id = found->second.id;
  next.created_at = found->second.created_at;
  found->second = std::move(next);
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const PutApiKeyOp& op) {
  const auto [entry, is_new] = state_.api_keys.try_emplace(op.key.id, op.key);
  entry->second.expires_at = op.key.expires_at;
  entry->second.revoked_at = op.key.revoked_at;
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const PutEventTypeOp& op) {
  const bool exists = state_.event_types.contains(op.type.name);
  if (op.must_be_new && exists) {
    return fail(Errc::conflict, "there already is an event type named " + op.type.name);
  }
  if (!op.must_be_new && !exists) {
    return fail(Errc::not_found, "there is no event type named " + op.type.name);
  }
  state_.event_types[op.type.name] = op.type;
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const DeleteEventTypeOp& op) {
  if (state_.event_types.erase(op.name) == 1) return Unit{};
  return fail(Errc::not_found, "there is no event type named " + op.name);
}

Result<OpDone> MemoryWriter::apply(const PutWebhookOp& op) {
  const Webhook& webhook = op.row.webhook;
  FANFARE_ASSERT(op.row.sealed_secrets.size() == webhook.secrets.size());
  const auto found = state_.webhooks.find(webhook.id);
  const Webhook* stored = found == state_.webhooks.end() ? nullptr : &found->second.webhook;
  if (op.expected_version == 0) {
    if (stored) return fail(Errc::conflict, "there already is a webhook " + to_string(webhook.id));
  } else if (!stored || stored->tenant != webhook.tenant) {
    return fail(Errc::not_found, "there is no webhook " + to_string(webhook.id));
  } else if (stored->version != op.expected_version) {
    return fail(Errc::version_mismatch, "webhook " + to_string(webhook.id) + " is at version " +
                                            std::to_string(stored->version) + ", not " +
                                            std::to_string(op.expected_version));
  }
  const std::string& legacy_id = webhook.settings.legacy_id;
  const auto has_it = [&](const auto& entry) {
    const Webhook& other = entry.second.webhook;
    return other.id != webhook.id && other.tenant == webhook.tenant && !other.is_deleted &&
           other.settings.legacy_id == legacy_id;
  };
  if (!legacy_id.empty() && !webhook.is_deleted &&
      std::any_of(state_.webhooks.begin(), state_.webhooks.end(), has_it)) {
    return fail(Errc::conflict, taken_legacy_id(legacy_id));
  }
  if (state_.webhook_versions.contains({webhook.id, webhook.version})) {
    return fail(Errc::conflict, "this version of webhook " + to_string(webhook.id) + " is stored");
  }
  const StoredWebhook row = without_plaintext(op.row);
  state_.webhooks[webhook.id] = row;
  state_.webhook_versions[{webhook.id, webhook.version}] = row;
  if (op.forgets_failures) tail_.batch.enabled(webhook.id, webhook.tenant);
  if (op.begins_purge) state_.purges.insert({webhook.tenant, webhook.id});
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const SetSettingOp& op) {
  state_.settings[op.key] = op.value;
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const RecordOp&) {
  return Unit{};
}

}  // namespace fanfare::memory
