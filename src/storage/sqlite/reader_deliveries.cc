// Reads of deliveries, their attempts, and what is waiting.
#include "storage/sqlite/lazy_index.h"
#include "storage/sqlite/reader.h"

namespace fanfare::sqlite {
namespace {

// The plus keeps SQLite from answering by queue_due, where it would sort everything that waits for
// the webhook.
const WalkQueries& deliveries_of_webhook() {
  static const WalkQueries queries{
      .tails = {"SELECT delivery FROM queue WHERE +webhook = ?1 AND delivery >= ?2"
                " AND delivery < ?3 ORDER BY delivery DESC",
                "SELECT delivery FROM deliveries WHERE webhook = ?1 AND delivery >= ?2"
                " AND delivery < ?3 ORDER BY delivery DESC"},
      .index =
          "SELECT delivery FROM webhook_deliveries WHERE webhook = ?1 AND delivery >= ?2"
          " AND delivery < ?3 ORDER BY delivery DESC"};
  return queries;
}

const WalkQueries& deliveries_of_tenant() {
  static const WalkQueries queries{
      .tails = {"SELECT delivery FROM queue WHERE tenant = ?1 AND delivery >= ?2 AND delivery < ?3"
                " ORDER BY delivery DESC",
                "SELECT delivery FROM deliveries WHERE tenant = ?1 AND delivery >= ?2"
                " AND delivery < ?3 ORDER BY delivery DESC"},
      .index =
          "SELECT delivery FROM tenant_deliveries WHERE tenant = ?1 AND delivery >= ?2"
          " AND delivery < ?3 ORDER BY delivery DESC"};
  return queries;
}

Result<Attempt> read_attempt(Statement& row) {
  Attempt attempt;
  HttpOutcome& outcome = attempt.outcome;
  std::string headers;
  TRY_VOID(row.read(attempt.delivery, attempt.run, attempt.number, attempt.id,
                    attempt.webhook_version, attempt.started_at, attempt.signed_at, attempt.kind,
                    attempt.error, outcome.error, outcome.error_text, outcome.status, headers,
                    outcome.body, outcome.is_truncated, outcome.timing.dns_ms,
                    outcome.timing.connect_ms, outcome.timing.tls_ms, outcome.timing.first_byte_ms,
                    outcome.timing.total_ms, outcome.peer, outcome.tls));
  TRY(outcome.headers, unpack_headers(headers));
  return attempt;
}

}  // namespace

Result<std::optional<Delivery>> SqliteReader::load_delivery(DeliveryId id,
                                                            const DeliveryFilter& filter) {
  TRY(const auto queued, find_queued(*db_, id));
  std::optional<FinishedRun> over;
  if (queued) {
    TRY(const auto line, find_settle_line(*db_, queued->webhook));
    over = settled_form(*queued, line);
  } else {
    TRY(over, find_finished(*db_, id));
    if (!over) return std::nullopt;
  }
  const auto view = [&](const std::optional<LastAttempt>& last) {
    return over ? view_of(*over, last) : view_of(*queued, last);
  };
  if (!may_match(filter, view(std::nullopt))) return std::nullopt;
  TRY(const auto last, find_last_attempt(*db_, id, over ? over->run.run : queued->run));
  auto delivery = view(last);
  if (!matches(filter, delivery)) return std::nullopt;
  return delivery;
}

Result<Delivery> SqliteReader::load_delivery_of(TenantId tenant, DeliveryId id) {
  TRY(auto found, load_delivery(id));
  if (!found || found->tenant != tenant) {
    return fail(Errc::not_found, "there is no delivery " + to_string(id));
  }
  return *std::move(found);
}

Result<Delivery> SqliteReader::delivery(TenantId tenant, DeliveryId id) {
  return in_snapshot([&] { return load_delivery_of(tenant, id); });
}

Result<Rows<Delivery>> SqliteReader::list_deliveries(TenantId tenant, const DeliveryFilter& filter,
                                                     IdWalk& walk, std::size_t limit) {
  Rows<Delivery> page;
  while (true) {
    TRY_VOID(check_deadline());
    TRY(const auto id, walk.next());
    if (!id) return page;
    TRY(auto delivery, load_delivery(DeliveryId{*id}, filter));
    // Listed by webhook, it may still be another tenant's.
    if (!delivery || delivery->tenant != tenant) continue;
    if (page.rows.size() == limit) {
      page.has_more = true;
      return page;
    }
    page.rows.push_back(*std::move(delivery));
  }
}

Result<Rows<Delivery>> SqliteReader::deliveries(TenantId tenant, const DeliveryFilter& filter,
                                                std::optional<DeliveryId> before,
                                                std::size_t limit) {
  return in_snapshot([&]() -> Result<Rows<Delivery>> {
    TRY(const Uuid watermark, read_watermark(*db_, "deliveries"));
    WalkBounds bounds{.since = filter.since, .until = filter.until, .before = {}};
    if (before) bounds.before = before->value;
    const Uuid owner = filter.webhook ? filter.webhook->value : tenant.value;
    TRY(auto walk,
        IdWalk::open(*db_, filter.webhook ? deliveries_of_webhook() : deliveries_of_tenant(),
                     walk_range(owner, watermark, bounds)));
    return list_deliveries(tenant, filter, walk, limit);
  });
}

Result<std::vector<Attempt>> SqliteReader::attempts(TenantId tenant, DeliveryId id) {
  return in_snapshot([&]() -> Result<std::vector<Attempt>> {
    TRY(const Delivery delivery, load_delivery_of(tenant, id));
    TRY(auto row, db_->prepare("SELECT * FROM attempts WHERE delivery = ? ORDER BY run, number"));
    row.bind(id);
    std::vector<Attempt> attempts;
    while (true) {
      TRY(const bool found, row.next());
      if (!found) return attempts;
      TRY(attempts.emplace_back(), read_attempt(row));
      attempts.back().webhook = delivery.webhook;
      attempts.back().tenant = delivery.tenant;
    }
  });
}

// One probe of the index for each webhook, however many rows it has.
Result<std::vector<WaitingWebhook>> SqliteReader::waiting_webhooks() {
  return in_snapshot([&]() -> Result<std::vector<WaitingWebhook>> {
    std::vector<WaitingWebhook> waiting;
    WebhookId after;
    while (true) {
      TRY_VOID(check_deadline());
      TRY(auto row, db_->prepare("SELECT webhook, next_attempt_at FROM queue INDEXED BY queue_due"
                                 " WHERE webhook > ? ORDER BY webhook, next_attempt_at LIMIT 1"));
      row.bind(after);
      TRY(const bool found, row.next());
      if (!found) return waiting;
      WaitingWebhook& next = waiting.emplace_back();
      TRY_VOID(row.read(next.webhook, next.next_attempt_at));
      after = next.webhook;
    }
  });
}

Result<std::vector<DueRun>> SqliteReader::queued(WebhookId webhook, std::size_t limit) {
  return in_snapshot([&]() -> Result<std::vector<DueRun>> {
    TRY(auto row,
        db_->prepare("SELECT q.delivery, q.run, q.webhook, q.tenant, q.event, q.event_type,"
                     " q.attempts_made, q.attempts_max, q.next_attempt_at, q.webhook_version,"
                     " q.envelope, q.trigger, q.is_test, q.created_at, e.data, e.created_at"
                     " FROM queue q INDEXED BY queue_due CROSS JOIN events e ON e.id = q.event"
                     " WHERE q.webhook = ? ORDER BY q.next_attempt_at, q.delivery LIMIT ?"));
    row.bind(webhook, limit);
    std::vector<DueRun> due;
    while (true) {
      TRY(const bool found, row.next());
      if (!found) return due;
      DueRun& next = due.emplace_back();
      std::string data;
      TRY_VOID(read_run(row, next.run, data, next.event_created_at));
      next.data = std::make_shared<const std::string>(std::move(data));
    }
  });
}

}  // namespace fanfare::sqlite
