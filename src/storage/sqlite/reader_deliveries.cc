// Reads of deliveries, their attempts, and what is waiting.
#include <algorithm>

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

tl::unexpected<Error> no_such_delivery(DeliveryId id) {
  return fail(Errc::not_found, "there is no delivery " + to_string(id));
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
  if (!found || found->tenant != tenant) return no_such_delivery(id);
  return *std::move(found);
}

Result<Delivery> SqliteReader::delivery(TenantId tenant, DeliveryId id) {
  return in_snapshot([&] { return load_delivery_of(tenant, id); });
}

Result<TenantId> SqliteReader::owner(DeliveryId id) {
  return in_snapshot([&]() -> Result<TenantId> {
    TRY(const auto queued, find_queued(*db_, id));
    if (queued) return queued->tenant;
    TRY(const auto finished, find_finished(*db_, id));
    if (finished) return finished->run.tenant;
    return no_such_delivery(id);
  });
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
    TRY(const Uuid watermark, read_watermark(*db_));
    WalkBounds bounds{.since = filter.since, .until = filter.until, .before = {}};
    if (before) bounds.before = before->value;
    const Uuid owner = filter.webhook ? filter.webhook->value : tenant.value;
    TRY(auto walk,
        IdWalk::open(*db_, filter.webhook ? deliveries_of_webhook() : deliveries_of_tenant(),
                     walk_range(owner, watermark, bounds)));
    return list_deliveries(tenant, filter, walk, limit);
  });
}

Result<std::vector<Attempt>> SqliteReader::attempts(TenantId tenant, DeliveryId id,
                                                    std::size_t limit) {
  return in_snapshot([&]() -> Result<std::vector<Attempt>> {
    TRY(const Delivery delivery, load_delivery_of(tenant, id));
    TRY(auto row, db_->prepare("SELECT * FROM attempts WHERE delivery = ?"
                               " ORDER BY run DESC, number DESC"));
    row.bind(id);
    std::vector<Attempt> attempts;
    while (true) {
      const bool is_full = attempts.size() == limit;
      TRY(const bool found, is_full ? Result<bool>(false) : row.next());
      if (!found) {
        std::reverse(attempts.begin(), attempts.end());
        return attempts;
      }
      TRY(attempts.emplace_back(), read_attempt(row));
      attempts.back().webhook = delivery.webhook;
      attempts.back().tenant = delivery.tenant;
    }
  });
}

// One probe of the index for each webhook, however many rows it has.
Result<std::vector<WaitingWebhook>> SqliteReader::waiting_webhooks() {
  return in_unhurried_snapshot([&]() -> Result<std::vector<WaitingWebhook>> {
    std::vector<WaitingWebhook> waiting;
    WebhookId after;
    while (true) {
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

// ---- what a lane refills itself with ----

struct SqliteReader::SizedRun {
  QueuedRun run;
  std::size_t payload_bytes = 0;
  Timestamp event_created_at;
};

Result<std::optional<SqliteReader::SizedRun>> SqliteReader::load_sized_run(DeliveryId id) {
  TRY(auto run, find_queued(*db_, id));
  if (!run) return std::nullopt;
  // The length of a BLOB is in the head of its row: the pages that it overflows to are not read.
  TRY(auto row, db_->prepare("SELECT length(data), created_at FROM events WHERE id = ?"));
  row.bind(run->event);
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::int64_t bytes = 0;
  SizedRun sized{.run = *std::move(run), .payload_bytes = 0, .event_created_at = {}};
  TRY_VOID(row.read(bytes, sized.event_created_at));
  sized.payload_bytes = static_cast<std::size_t>(bytes);
  return sized;
}

Result<Payload> SqliteReader::load_payload(EventId id) {
  TRY(auto row, db_->prepare("SELECT data FROM events WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  std::string data;
  if (found) TRY_VOID(row.read(data));
  return std::make_shared<const std::string>(std::move(data));
}

// Walks the index alone, so a held run costs one step; the rest of a run is looked up once it is
// known not to be held, and its payload once it is known to fit.
Result<Queued> SqliteReader::queued(WebhookId webhook, const QueueWindow& window) {
  return in_snapshot([&]() -> Result<Queued> {
    TRY(auto turn, db_->prepare("SELECT delivery FROM queue INDEXED BY queue_due WHERE webhook = ?"
                                " ORDER BY next_attempt_at, delivery"));
    turn.bind(webhook);
    Queued queued;
    std::size_t bytes = 0;
    while (true) {
      TRY(const bool found, turn.next());
      if (!found) return queued;
      DeliveryId id;
      TRY_VOID(turn.read(id));
      if (std::ranges::binary_search(window.held, id)) continue;
      TRY(auto next, load_sized_run(id));
      if (!next) continue;
      bytes += next->payload_bytes;
      // A slow disk cuts the window short as its bounds do: what was read is not thrown away.
      const bool fits =
          queued.rows.size() < window.rows_max && bytes <= window.bytes_max && !is_late();
      if (!queued.rows.empty() && !fits) {
        queued.has_more = true;
        return queued;
      }
      TRY(auto data, load_payload(next->run.event));
      queued.rows.push_back({std::move(next->run), std::move(data), next->event_created_at});
    }
  });
}

}  // namespace fanfare::sqlite
