// The rows that writer and reader both touch: queue, deliveries, webhooks and the last attempt of a
// run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/delivery_view.h"
#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

// Columns of `queue` in this order, then whatever else the query selects.
template <class... Extra>
Result<void> read_run(Statement& row, QueuedRun& run, Extra&... extra) {
  return row.read(run.delivery, run.run, run.webhook, run.tenant, run.event, run.event_type,
                  run.attempts_made, run.attempts_max, run.next_attempt_at, run.webhook_version,
                  run.envelope, run.trigger, run.is_test, run.created_at, extra...);
}

Result<void> insert_queued(Connection& db, const QueuedRun& run);
Result<void> insert_finished(Connection& db, const FinishedRun& finished);

Result<std::optional<QueuedRun>> find_queued(Connection& db, DeliveryId id);
// The highest finished run.
Result<std::optional<FinishedRun>> find_finished(Connection& db, DeliveryId id);
Result<std::optional<LastAttempt>> find_last_attempt(Connection& db, DeliveryId id, int run);
// The greatest id that a list of events or deliveries shows: the indexes never get further.
Result<Uuid> newest_listed_id(Connection& db);
// The greatest id of an event, delivery or audit entry; nil in an empty store.
Result<Uuid> newest_stored_id(Connection& db);
// An unknown webhook has settled nothing.
Result<SettleLine> find_settle_line(Connection& db, WebhookId id);
// Takes a run out of the queue; true if it was there.
Result<bool> delete_queued(Connection& db, DeliveryId id);

// A row of `broadcasts`.
Result<Broadcast> read_broadcast(Statement& row);
Result<std::optional<Broadcast>> find_broadcast(Connection& db, BroadcastId id);
// A row of `tenants`.
Result<Tenant> read_tenant(Statement& row);
// A row of `webhooks` or `webhook_versions`, without its secrets.
Result<StoredWebhook> read_webhook(Statement& row);
// Adds the secrets of the row's version.
Result<void> add_secrets(Connection& db, StoredWebhook& stored);

// Headers of answers in one BLOB: for each, the length of the name, the name, the length of the
// value, the value; lengths as LEB128. Any bytes survive, unlike in text.
std::string pack_headers(const HeaderList& headers);
Result<HeaderList> unpack_headers(std::string_view packed);

}  // namespace fanfare::sqlite
