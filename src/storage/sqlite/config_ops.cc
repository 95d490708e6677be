// Configuration and kept answers: rare writes, so plain statements and clear refusals.
#include "base/assert.h"
#include "base/limits.h"
#include "domain/webhook_codec.h"
#include "storage/delivery_view.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

struct StoredVersion {
  TenantId tenant;
  std::int64_t version = 0;
};

Result<std::optional<StoredVersion>> find_version(Connection& db, WebhookId id) {
  TRY(auto row, db.prepare("SELECT tenant, version FROM webhooks WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<StoredVersion> stored(std::in_place);
  TRY_VOID(row.read(stored->tenant, stored->version));
  return stored;
}

Result<void> check_version(Connection& db, const PutWebhookOp& op) {
  const Webhook& webhook = op.row.webhook;
  TRY(const auto stored, find_version(db, webhook.id));
  if (op.expected_version == 0) {
    if (!stored) return {};
    return fail(Errc::conflict, "there already is a webhook " + to_string(webhook.id));
  }
  if (!stored || stored->tenant != webhook.tenant) {
    return fail(Errc::not_found, "there is no webhook " + to_string(webhook.id));
  }
  if (stored->version == op.expected_version) return {};
  return fail(Errc::version_mismatch, "webhook " + to_string(webhook.id) + " is at version " +
                                          std::to_string(stored->version) + ", not " +
                                          std::to_string(op.expected_version));
}

Result<void> insert_secrets(Connection& db, const StoredWebhook& row) {
  FANFARE_ASSERT(row.sealed_secrets.size() == row.webhook.secrets.size());
  for (std::size_t i = 0; i < row.sealed_secrets.size(); ++i) {
    const SigningSecret& secret = row.webhook.secrets[i];
    TRY_VOID(db.run("INSERT INTO webhook_secrets VALUES (?,?,?,?,?,?,?)", row.webhook.id,
                    row.webhook.version, i, secret.number, Blob{row.sealed_secrets[i]},
                    secret.created_at, secret.expires_at));
  }
  return {};
}

// Asked first, because REPLACE would take away the row that has it.
Result<void> check_legacy_id(Connection& db, const Webhook& webhook) {
  const std::string& legacy_id = webhook.settings.legacy_id;
  if (legacy_id.empty() || webhook.is_deleted) return {};
  TRY(auto row,
      db.prepare("SELECT 1 FROM webhooks INDEXED BY webhooks_by_legacy_id WHERE tenant = ?"
                 " AND legacy_id = ? AND is_deleted = 0 AND id <> ?"));
  row.bind(webhook.tenant, legacy_id, webhook.id);
  TRY(const bool is_taken, row.next());
  if (!is_taken) return {};
  return fail(Errc::conflict, taken_legacy_id(legacy_id));
}

// NULL, not an empty text: the unique index lets any number of tenants have none.
std::optional<std::string> nullable(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

Result<std::optional<Tenant>> find_tenant(Connection& db, TenantId id) {
  TRY(auto row, db.prepare("SELECT * FROM tenants WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  return read_tenant(row);
}

}  // namespace

Result<OpDone> apply(Connection& db, const CreateTenantOp& op) {
  const Tenant& tenant = op.tenant;
  const auto external_id = nullable(tenant.external_id);
  TRY(const auto inserted,
      db.run("INSERT INTO tenants VALUES (?,?,?,?,?) ON CONFLICT DO NOTHING", tenant.id,
             external_id, tenant.name, encode_metadata(tenant.metadata), tenant.created_at));
  if (inserted == 0) {
    return fail(Errc::conflict, "there already is a tenant with this id or external_id");
  }
  TRY_VOID(db.run("INSERT INTO tenant_keys VALUES (?,?,?)", op.key.tenant, op.key.key_id,
                  Blob{op.key.wrapped}));
  return Unit{};
}

Result<OpDone> apply(Connection& db, const UpdateTenantOp& op) {
  TRY(const auto stored, find_tenant(db, op.before.id));
  if (!stored) return fail(Errc::not_found, "there is no tenant " + to_string(op.before.id));
  if (*stored != op.before) {
    return fail(Errc::version_mismatch, "tenant " + to_string(op.before.id) + " was changed");
  }
  const auto external_id = nullable(op.next.external_id);
  TRY(const auto updated,
      db.run("UPDATE OR IGNORE tenants SET external_id = ?, name = ?, metadata = ? WHERE id = ?",
             external_id, op.next.name, encode_metadata(op.next.metadata), op.before.id));
  if (updated == 1) return Unit{};
  return fail(Errc::conflict, "there already is a tenant with this external_id");
}

Result<OpDone> apply(Connection& db, const PutApiKeyOp& op) {
  const ApiKey& key = op.key;
  TRY_VOID(
      db.run("INSERT INTO api_keys VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (id) DO UPDATE"
             " SET expires_at = excluded.expires_at, revoked_at = excluded.revoked_at",
             key.id, key.tenant, key.role, key.name, key.prefix, Blob{key.sha256}, key.created_at,
             key.expires_at, key.revoked_at));
  return Unit{};
}

Result<OpDone> apply(Connection& db, const PutEventTypeOp& op) {
  const EventType& type = op.type;
  if (op.must_be_new) {
    TRY(const auto inserted,
        db.run("INSERT INTO event_types VALUES (?,?,?,?,?,?) ON CONFLICT DO NOTHING", type.name,
               type.description, type.category, type.sample, type.schema, type.created_at));
    if (inserted == 1) return Unit{};
    return fail(Errc::conflict, "there already is an event type named " + type.name);
  }
  TRY(const auto updated,
      db.run("UPDATE event_types SET description = ?, category = ?, sample = ?, schema = ?,"
             " created_at = ? WHERE name = ?",
             type.description, type.category, type.sample, type.schema, type.created_at,
             type.name));
  if (updated == 1) return Unit{};
  return fail(Errc::not_found, "there is no event type named " + type.name);
}

Result<OpDone> apply(Connection& db, const DeleteEventTypeOp& op) {
  TRY(const auto deleted, db.run("DELETE FROM event_types WHERE name = ?", op.name));
  if (deleted == 1) return Unit{};
  return fail(Errc::not_found, "there is no event type named " + op.name);
}

Result<OpDone> apply(Connection& db, const PutWebhookOp& op, RollupBatch& counted) {
  TRY_VOID(check_version(db, op));
  const Webhook& webhook = op.row.webhook;
  TRY_VOID(check_legacy_id(db, webhook));
  const std::string settings = encode_settings(webhook.settings);
  TRY_VOID(db.run("INSERT OR REPLACE INTO webhooks VALUES (?,?,?,?,?,?,?,?,?,?,?,nullif(?, ''))",
                  webhook.id, webhook.tenant, webhook.version, webhook.status,
                  webhook.disabled_reason, webhook.settled_below, webhook.is_deleted, settings,
                  Blob{op.row.sealed_headers}, webhook.created_at, webhook.updated_at,
                  webhook.settings.legacy_id));
  TRY_VOID(db.run("INSERT INTO webhook_versions SELECT * FROM webhooks WHERE id = ?", webhook.id));
  TRY_VOID(insert_secrets(db, op.row));
  if (op.forgets_failures) counted.enabled(webhook.id, webhook.tenant);
  if (op.begins_purge) {
    TRY_VOID(begin_purge(db, {webhook.tenant, webhook.id}, webhook.updated_at));
  }
  return Unit{};
}

Result<OpDone> apply(Connection& db, const SetSettingOp& op) {
  TRY_VOID(db.run("INSERT OR REPLACE INTO settings VALUES (?,?)", op.key, Blob{op.value}));
  return Unit{};
}

Result<OpDone> apply(Connection&, const RecordOp&) {
  return Unit{};
}

Result<void> check_claim(Connection& db, const IdempotencyClaim& claim) {
  TRY(auto row, db.prepare("SELECT created_at FROM answers WHERE scope = ? AND key = ?"));
  row.bind(claim.scope, claim.key);
  TRY(const bool found, row.next());
  if (!found) return {};
  Timestamp then;
  TRY_VOID(row.read(then));
  if (!is_kept(then, claim.now, limits::kIdempotencyKeyKept)) return {};
  return fail(Errc::idempotency_conflict, "this Idempotency-Key was used less than a day ago");
}

Result<void> keep_answer(Connection& db, IdempotencyClaim& claim, const OpDone& done) {
  const StoredAnswer answer = claim.render(done);
  // An expired row under the same key is replaced by one at the end: rows stay in the order of
  // time.
  const std::string headers = pack_headers(answer.headers);
  TRY_VOID(
      db.run("INSERT OR REPLACE INTO answers (scope, key, fingerprint, status, body,"
             " is_sealed, created_at, headers) VALUES (?,?,?,?,?,?,?,?)",
             claim.scope, claim.key, Blob{claim.fingerprint}, answer.status, Blob{answer.body},
             answer.is_sealed, claim.now, Blob{headers}));
  return {};
}

}  // namespace fanfare::sqlite
