// Taking away for good: a tenant's end, and what is left of it or of a webhook, step by step.
//
// Deliveries and events are found through the lazy indexes, and only up to the watermark: there
// every index is complete, so a row and all its entries go together and no chunk on its way brings
// one back. What is above waits until the index has caught up with the horizon, the newest id when
// the work began. Everything else is found by the front of a key.
#include <algorithm>
#include <array>

#include "storage/sqlite/lazy_index.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

// One PurgeOp at work.
struct Step {
  Connection& db;
  Purge purge;
  Uuid watermark;
  Uuid horizon;
  RollupBatch& counted;
  Timestamp now;
  std::size_t left;                           // rows that may still go
  std::size_t bytes_left = kExpireStepBytes;  // of what lies in pages of its own
  std::size_t rows = 0;                       // that went

  bool is_used_up() const { return left == 0 || bytes_left == 0; }
  void spend(std::int64_t bytes) {
    bytes_left -= std::min(bytes_left, static_cast<std::size_t>(bytes));
  }
  bool is_of_tenant() const { return purge.webhook.is_nil(); }
  void count(std::int64_t changed) {
    const auto gone = static_cast<std::size_t>(changed);
    rows += gone;
    left -= std::min(left, gone);
  }
  // Runs a DELETE and counts what it took.
  template <class... Args>
  Result<void> take(Sql sql, const Args&... args) {
    TRY(const auto changed, db.run(sql, args...));
    count(changed);
    return {};
  }
};

template <class IdType>
Result<std::vector<IdType>> read_ids(Statement row) {
  std::vector<IdType> ids;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return ids;
    TRY_VOID(row.read(ids.emplace_back()));
  }
}

Result<std::vector<DeliveryId>> next_deliveries(Step& step) {
  static const Sql kOfTenant =
      "SELECT delivery FROM tenant_deliveries WHERE tenant = ? AND delivery <= ?"
      " ORDER BY delivery LIMIT ?";
  static const Sql kOfWebhook =
      "SELECT delivery FROM webhook_deliveries WHERE webhook = ? AND delivery <= ?"
      " ORDER BY delivery LIMIT ?";
  TRY(auto row, step.db.prepare(step.is_of_tenant() ? kOfTenant : kOfWebhook));
  const Uuid owner = step.is_of_tenant() ? step.purge.tenant.value : step.purge.webhook.value;
  row.bind(owner, step.watermark, step.left);
  return read_ids<DeliveryId>(std::move(row));
}

// Whose entry of the index by webhook it is; nil if no run of it is over.
Result<WebhookId> webhook_of(Connection& db, DeliveryId id) {
  TRY(auto row, db.prepare("SELECT webhook FROM deliveries WHERE delivery = ? LIMIT 1"));
  row.bind(id);
  TRY(const bool found, row.next());
  WebhookId webhook;
  if (found) TRY_VOID(row.read(webhook));
  return webhook;
}

// As many as may go now.
Result<void> take_attempts(Step& step, DeliveryId id) {
  struct Row {
    int run = 0;
    int number = 0;
    std::int64_t bytes = 0;
  };
  std::vector<Row> rows;
  TRY(auto row, step.db.prepare("SELECT run, number, length(body) FROM attempts"
                                " WHERE delivery = ? ORDER BY run, number LIMIT ?"));
  row.bind(id, step.left);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) break;
    Row& one = rows.emplace_back();
    TRY_VOID(row.read(one.run, one.number, one.bytes));
  }
  for (const Row& one : rows) {
    if (step.is_used_up()) break;
    TRY_VOID(step.take("DELETE FROM attempts WHERE delivery = ? AND run = ? AND number = ?", id,
                       one.run, one.number));
    step.spend(one.bytes);
  }
  return {};
}

// All of one delivery, or the first of its attempts if it has more than may go now.
Result<void> take_delivery(Step& step, DeliveryId id) {
  TRY_VOID(take_attempts(step, id));
  if (step.is_used_up()) return {};
  TRY(WebhookId webhook, webhook_of(step.db, id));
  TRY(const auto queued, find_queued(step.db, id));
  if (queued) {
    webhook = queued->webhook;
    step.counted.ended(FinishedRun{.run = *queued,
                                   .status = DeliveryStatus::cancelled,
                                   .kind = ErrorKind::webhook_deleted,
                                   .error = {},
                                   .completed_at = step.now});
  }
  TRY_VOID(step.take("DELETE FROM queue WHERE delivery = ?", id));
  TRY_VOID(step.take("DELETE FROM deliveries WHERE delivery = ?", id));
  TRY_VOID(step.db.run("DELETE FROM webhook_deliveries WHERE webhook = ? AND delivery = ?",
                       webhook.is_nil() ? step.purge.webhook : webhook, id));
  return step.take("DELETE FROM tenant_deliveries WHERE tenant = ? AND delivery = ?",
                   step.purge.tenant, id);
}

Result<void> take_deliveries(Step& step) {
  TRY(const auto ids, next_deliveries(step));
  for (const DeliveryId id : ids) {
    if (step.is_used_up()) return {};
    TRY_VOID(take_delivery(step, id));
  }
  return {};
}

Result<std::int64_t> payload_bytes(Connection& db, EventId id) {
  TRY(auto row, db.prepare("SELECT length(data) FROM events WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  std::int64_t bytes = 0;
  if (found) TRY_VOID(row.read(bytes));
  return bytes;
}

Result<void> take_events(Step& step) {
  TRY(auto row, step.db.prepare("SELECT event FROM tenant_events WHERE tenant = ? AND event <= ?"
                                " ORDER BY event LIMIT ?"));
  row.bind(step.purge.tenant, step.watermark, step.left);
  TRY(const auto ids, read_ids<EventId>(std::move(row)));
  for (const EventId id : ids) {
    if (step.is_used_up()) return {};
    TRY(const auto bytes, payload_bytes(step.db, id));
    TRY_VOID(step.db.run("DELETE FROM events WHERE id = ?", id));
    TRY_VOID(step.take("DELETE FROM tenant_events WHERE tenant = ? AND event = ?",
                       step.purge.tenant, id));
    step.spend(bytes);
  }
  return {};
}

// Answers are kept under a scope that begins with the tenant's id and a space; the exclamation mark
// is the character after it.
Result<void> take_keys(Step& step) {
  const std::string tenant = to_string(step.purge.tenant);
  TRY_VOID(
      step.take("DELETE FROM event_keys WHERE rowid IN"
                " (SELECT rowid FROM event_keys WHERE tenant = ? LIMIT ?)",
                step.purge.tenant, step.left));
  TRY_VOID(
      step.take("DELETE FROM answers WHERE rowid IN"
                " (SELECT rowid FROM answers WHERE scope >= ? AND scope < ? LIMIT ?)",
                tenant + ' ', tenant + '!', step.left));
  return step.take(
      "DELETE FROM api_keys WHERE id IN"
      " (SELECT id FROM api_keys WHERE tenant = ? LIMIT ?)",
      step.purge.tenant, step.left);
}

Result<void> take_webhook(Step& step, WebhookId id) {
  TRY_VOID(
      step.take("DELETE FROM webhook_secrets WHERE webhook = ?1 AND (version, position) IN"
                " (SELECT version, position FROM webhook_secrets WHERE webhook = ?1 LIMIT ?2)",
                id, step.left));
  TRY_VOID(
      step.take("DELETE FROM webhook_versions WHERE id = ?1 AND version IN"
                " (SELECT version FROM webhook_versions WHERE id = ?1 LIMIT ?2)",
                id, step.left));
  if (step.left == 0) return {};
  TRY_VOID(step.db.run("DELETE FROM webhook_stats WHERE webhook = ?", id));
  return step.take("DELETE FROM webhooks WHERE id = ?", id);
}

Result<void> take_webhooks(Step& step) {
  if (!step.is_of_tenant()) return take_webhook(step, step.purge.webhook);
  TRY(auto row, step.db.prepare("SELECT id FROM webhooks WHERE tenant = ? LIMIT ?"));
  row.bind(step.purge.tenant, step.left);
  TRY(const auto ids, read_ids<WebhookId>(std::move(row)));
  for (const WebhookId id : ids) {
    if (step.left == 0) return {};
    TRY_VOID(take_webhook(step, id));
  }
  return {};
}

// As much as may go. With rows left to take, nothing is left that could be found now.
Result<void> take_some(Step& step) {
  TRY_VOID(take_deliveries(step));
  if (step.is_of_tenant()) {
    if (!step.is_used_up()) TRY_VOID(take_events(step));
    if (!step.is_used_up()) TRY_VOID(take_keys(step));
  }
  // The deliveries that are not indexed yet still read their webhook's line.
  if (!step.is_used_up() && step.horizon <= step.watermark) TRY_VOID(take_webhooks(step));
  return {};
}

// None if there is no such purge (any more). The first step draws the horizon, and remembers the
// newest id before it is perhaps taken away.
Result<std::optional<Uuid>> find_horizon(Connection& db, const Purge& purge) {
  TRY(auto row, db.prepare("SELECT horizon FROM purges WHERE tenant = ? AND webhook = ?"));
  row.bind(purge.tenant, purge.webhook);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<Uuid> horizon;
  TRY_VOID(row.read(horizon));
  TRY(const Uuid newest, newest_stored_id(db));
  TRY_VOID(db.run("UPDATE index_watermark SET newest = ?", newest));
  if (horizon) return horizon;
  TRY(horizon, newest_listed_id(db));
  TRY_VOID(db.run("UPDATE purges SET horizon = ? WHERE tenant = ? AND webhook = ?", *horizon,
                  purge.tenant, purge.webhook));
  return horizon;
}

Result<void> check_tenant(Connection& db, TenantId tenant) {
  TRY(auto row, db.prepare("SELECT 1 FROM purges WHERE tenant = ? AND webhook = zeroblob(16)"));
  row.bind(tenant);
  TRY(const bool is_purged, row.next());
  if (is_purged) return fail(Errc::not_found, "tenant " + to_string(tenant) + " was deleted");
  return {};
}

}  // namespace

Result<bool> has_purges(Connection& db) {
  TRY(auto row, db.prepare("SELECT 1 FROM purges LIMIT 1"));
  return row.next();
}

Result<void> begin_purge(Connection& db, const Purge& purge, Timestamp now) {
  TRY_VOID(
      db.run("INSERT OR IGNORE INTO purges VALUES (?,?,NULL,?)", purge.tenant, purge.webhook, now));
  return {};
}

Result<void> check_not_purged(Connection& db, const WriteAction& action) {
  const auto* expand = std::get_if<ExpandOp>(&action);
  const auto* publish = expand != nullptr ? &expand->publish : std::get_if<PublishOp>(&action);
  if (publish != nullptr) {
    for (const EventPlan& plan : publish->events) TRY_VOID(check_tenant(db, plan.event.tenant));
  } else if (const auto* webhook = std::get_if<PutWebhookOp>(&action)) {
    return check_tenant(db, webhook->row.webhook.tenant);
  } else if (const auto* key = std::get_if<PutApiKeyOp>(&action)) {
    if (key->key.tenant) return check_tenant(db, *key->key.tenant);
  }
  return {};
}

Result<OpDone> apply(Connection& db, const DeleteTenantOp& op) {
  TRY(const auto deleted, db.run("DELETE FROM tenants WHERE id = ?", op.tenant));
  if (deleted == 0) return fail(Errc::not_found, "there is no tenant " + to_string(op.tenant));
  // Overwritten, not only unlinked: it is what makes everything that was sealed unreadable.
  TRY_VOID(db.execute("PRAGMA secure_delete = ON"));
  auto shredded = db.run("DELETE FROM tenant_keys WHERE tenant = ?", op.tenant);
  TRY_VOID(db.execute("PRAGMA secure_delete = OFF"));
  if (!shredded) return tl::unexpected<Error>(std::move(shredded).error());
  // What was begun for one of its webhooks is part of this.
  TRY_VOID(db.run("DELETE FROM purges WHERE tenant = ?", op.tenant));
  TRY_VOID(begin_purge(db, {.tenant = op.tenant}, op.now));
  return Unit{};
}

Result<OpDone> apply(Connection& db, const PurgeOp& op, RollupBatch& counted) {
  TRY(const auto horizon, find_horizon(db, op.purge));
  if (!horizon) return Purged{};
  TRY(const Uuid watermark, read_watermark(db));
  Step step{.db = db,
            .purge = op.purge,
            .watermark = watermark,
            .horizon = *horizon,
            .counted = counted,
            .now = op.now,
            .left = op.rows_max};
  TRY_VOID(take_some(step));
  const bool has_more = step.is_used_up() || watermark < *horizon;
  if (!has_more) {
    TRY_VOID(db.run("DELETE FROM purges WHERE tenant = ? AND webhook = ?", op.purge.tenant,
                    op.purge.webhook));
  }
  return Purged{.rows = step.rows, .has_more = has_more};
}

}  // namespace fanfare::sqlite
