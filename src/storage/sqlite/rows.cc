#include "storage/sqlite/rows.h"

#include "domain/webhook_codec.h"

namespace fanfare::sqlite {
namespace {

void put_length(std::string& out, std::size_t length) {
  while (length >= 0x80) {
    out.push_back(static_cast<char>((length & 0x7f) | 0x80));
    length >>= 7;
  }
  out.push_back(static_cast<char>(length));
}

// Takes a length-prefixed text off the front of `packed`; none if it is cut short.
std::optional<std::string> take_text(std::string_view& packed) {
  std::size_t length = 0;
  for (unsigned shift = 0;; shift += 7) {
    if (packed.empty() || shift > 28) return std::nullopt;
    const auto byte = static_cast<unsigned char>(packed.front());
    packed.remove_prefix(1);
    length |= static_cast<std::size_t>(byte & 0x7fU) << shift;
    if (byte < 0x80) break;
  }
  if (length > packed.size()) return std::nullopt;
  std::string text(packed.substr(0, length));
  packed.remove_prefix(length);
  return text;
}

// One id of a query to which the least that counts is bound.
Result<Uuid> newest_of(Connection& db, Sql sql, const Uuid& least) {
  TRY(auto row, db.prepare(sql));
  row.bind(least);
  TRY_VOID(row.next());
  Uuid newest;
  TRY_VOID(row.read(newest));
  return newest;
}

}  // namespace

std::string pack_headers(const HeaderList& headers) {
  std::string packed;
  for (const auto& [name, value] : headers) {
    put_length(packed, name.size());
    packed += name;
    put_length(packed, value.size());
    packed += value;
  }
  return packed;
}

Result<HeaderList> unpack_headers(std::string_view packed) {
  HeaderList headers;
  while (!packed.empty()) {
    auto name = take_text(packed);
    auto value = name ? take_text(packed) : std::nullopt;
    if (!value) return fail(Errc::corrupt, "stored headers are cut short");
    headers.emplace_back(std::move(*name), std::move(*value));
  }
  return headers;
}

Result<void> insert_queued(Connection& db, const QueuedRun& run) {
  TRY(auto insert, db.prepare("INSERT INTO queue VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  return insert.run(run.delivery, run.run, run.webhook, run.tenant, run.event, run.event_type,
                    run.attempts_made, run.attempts_max, run.next_attempt_at, run.webhook_version,
                    run.envelope, run.trigger, run.is_test, run.created_at);
}

Result<void> insert_finished(Connection& db, const FinishedRun& finished) {
  const QueuedRun& run = finished.run;
  TRY(auto insert, db.prepare("INSERT INTO deliveries VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"));
  return insert.run(run.delivery, run.run, run.webhook, run.tenant, run.event, run.event_type,
                    run.attempts_made, run.attempts_max, run.webhook_version, run.envelope,
                    run.trigger, run.is_test, run.created_at, finished.status, finished.kind,
                    finished.error, finished.completed_at);
}

Result<std::optional<QueuedRun>> find_queued(Connection& db, DeliveryId id) {
  TRY(auto row,
      db.prepare("SELECT delivery, run, webhook, tenant, event, event_type, attempts_made,"
                 " attempts_max, next_attempt_at, webhook_version, envelope, trigger,"
                 " is_test, created_at FROM queue WHERE delivery = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<QueuedRun> run(std::in_place);
  TRY_VOID(read_run(row, *run));
  return run;
}

Result<Uuid> newest_listed_id(Connection& db) {
  return newest_of(
      db,
      "SELECT max(coalesce((SELECT id FROM events ORDER BY id DESC LIMIT 1), ?1),"
      "coalesce((SELECT delivery FROM queue ORDER BY delivery DESC LIMIT 1), ?1),"
      "coalesce((SELECT delivery FROM deliveries ORDER BY delivery DESC LIMIT 1), ?1))",
      Uuid{});
}

// The newest rows may be gone, but nothing may ever be stored below the watermark.
Result<Uuid> newest_stored_id(Connection& db) {
  TRY(const Uuid listed, newest_listed_id(db));
  return newest_of(db,
                   "SELECT max(?1,"
                   "coalesce((SELECT max(watermark, newest) FROM index_watermark), ?1),"
                   "coalesce((SELECT id FROM audit_log ORDER BY id DESC LIMIT 1), ?1),"
                   "coalesce((SELECT id FROM audit_anchor), ?1))",
                   listed);
}

Result<std::optional<FinishedRun>> find_finished(Connection& db, DeliveryId id) {
  TRY(auto row,
      db.prepare("SELECT delivery, run, webhook, tenant, event, event_type, attempts_made,"
                 " attempts_max, completed_at, webhook_version, envelope, trigger,"
                 " is_test, created_at, status, error_kind, error, completed_at"
                 " FROM deliveries WHERE delivery = ? ORDER BY run DESC LIMIT 1"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<FinishedRun> finished(std::in_place);
  TRY_VOID(read_run(row, finished->run, finished->status, finished->kind, finished->error,
                    finished->completed_at));
  return finished;
}

Result<std::optional<LastAttempt>> find_last_attempt(Connection& db, DeliveryId id, int run) {
  TRY(auto row, db.prepare("SELECT number, status, total_ms, body, kind, error FROM attempts"
                           " WHERE delivery = ? AND run = ? ORDER BY number DESC LIMIT 1"));
  row.bind(id, run);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<LastAttempt> last(std::in_place);
  TRY_VOID(
      row.read(last->number, last->status, last->total_ms, last->body, last->kind, last->error));
  return last;
}

Result<SettleLine> find_settle_line(Connection& db, WebhookId id) {
  TRY(auto row,
      db.prepare("SELECT settled_below, is_deleted, updated_at FROM webhooks WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  SettleLine line;
  if (found) TRY_VOID(row.read(line.settled_below, line.is_deleted, line.updated_at));
  return line;
}

Result<bool> delete_queued(Connection& db, DeliveryId id) {
  TRY(const auto changed, db.run("DELETE FROM queue WHERE delivery = ?", id));
  return changed == 1;
}

Result<Broadcast> read_broadcast(Statement& row) {
  Broadcast broadcast;
  std::string data;
  TRY_VOID(row.read(broadcast.id, broadcast.type, broadcast.event_id, broadcast.attempts_max,
                    broadcast.created_at, broadcast.reached, broadcast.tenants,
                    broadcast.deliveries, broadcast.is_done, broadcast.metadata, data));
  broadcast.data = std::make_shared<const std::string>(std::move(data));
  return broadcast;
}

Result<std::optional<Broadcast>> find_broadcast(Connection& db, BroadcastId id) {
  TRY(auto row, db.prepare("SELECT * FROM broadcasts WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  return read_broadcast(row);
}

Result<Tenant> read_tenant(Statement& row) {
  Tenant tenant;
  std::optional<std::string> external_id;
  std::string metadata;
  TRY_VOID(row.read(tenant.id, external_id, tenant.name, metadata, tenant.created_at));
  tenant.external_id = external_id.value_or("");
  TRY(tenant.metadata, decode_metadata(metadata));
  return tenant;
}

Result<StoredWebhook> read_webhook(Statement& row) {
  StoredWebhook stored;
  Webhook& webhook = stored.webhook;
  std::string settings;
  TRY_VOID(row.read(webhook.id, webhook.tenant, webhook.version, webhook.status,
                    webhook.disabled_reason, webhook.settled_below, webhook.is_deleted, settings,
                    stored.sealed_headers, webhook.created_at, webhook.updated_at));
  TRY(webhook.settings, decode_settings(settings));
  return stored;
}

Result<void> add_secrets(Connection& db, StoredWebhook& stored) {
  TRY(auto row, db.prepare("SELECT number, sealed, created_at, expires_at FROM webhook_secrets"
                           " WHERE webhook = ? AND version = ? ORDER BY position"));
  row.bind(stored.webhook.id, stored.webhook.version);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return {};
    auto& secret = stored.webhook.secrets.emplace_back();
    auto& sealed = stored.sealed_secrets.emplace_back();
    TRY_VOID(row.read(secret.number, sealed, secret.created_at, secret.expires_at));
  }
}

}  // namespace fanfare::sqlite
