// Retention: what is too old goes from the front of each table, which is in the order of time, so
// nothing that stays is looked at. Every row goes by its own key: a few microseconds each at the
// left edge of a tree.
#include <algorithm>

#include "storage/sqlite/old_versions.h"
#include "storage/sqlite/ops.h"
#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

// What is left of one step: rows, and bytes that lie in pages of their own and have to be followed.
struct Budget {
  std::size_t rows = 0;
  std::size_t bytes = kExpireStepBytes;
  bool is_used_up() const { return rows == 0 || bytes == 0; }
  void spend(std::int64_t row_bytes) {
    --rows;
    bytes -= std::min(bytes, static_cast<std::size_t>(row_bytes));
  }
};

// Rows of a query whose first parameter is the end of the range and whose second is a limit; `read`
// takes one row's columns.
template <class Row, class Read>
Result<std::vector<Row>> front_of(Connection& db, Sql sql, const Uuid& end, const Budget& budget,
                                  Read read) {
  std::vector<Row> rows;
  if (budget.is_used_up()) return rows;
  TRY(auto row, db.prepare(sql));
  row.bind(end, budget.rows);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return rows;
    TRY_VOID(read(row, rows.emplace_back()));
  }
}

Result<void> end_open_runs(Connection& db, const ExpireOp& op, RollupBatch& counted, Budget& budget,
                           Expired& done) {
  TRY(const auto runs,
      front_of<QueuedRun>(
          db,
          "SELECT delivery, run, webhook, tenant, event, event_type, attempts_made, attempts_max,"
          " next_attempt_at, webhook_version, envelope, trigger, is_test, created_at FROM queue"
          " WHERE delivery < ? ORDER BY delivery LIMIT ?",
          expired_end(op.cutoffs.events), budget,
          [](Statement& row, QueuedRun& run) { return read_run(row, run); }));
  for (const QueuedRun& run : runs) {
    TRY(const auto line, find_settle_line(db, run.webhook));
    TRY_VOID(delete_queued(db, run.delivery));
    const FinishedRun over = expired_form(run, line, op.now);
    TRY_VOID(insert_finished(db, over));
    counted.ended(over);
    budget.spend(0);
    done.ended.push_back(run);
  }
  done.removed.runs_ended = runs.size();
  return {};
}

Result<void> remove_attempts(Connection& db, const ExpireOp& op, Budget& budget, Expired& done) {
  struct Row {
    DeliveryId delivery;
    int run = 0;
    int number = 0;
    std::int64_t bytes = 0;
  };
  TRY(const auto rows,
      front_of<Row>(db,
                    "SELECT delivery, run, number, length(body) FROM attempts WHERE delivery < ?"
                    " ORDER BY delivery, run, number LIMIT ?",
                    expired_end(op.cutoffs.attempts), budget, [](Statement& row, Row& into) {
                      return row.read(into.delivery, into.run, into.number, into.bytes);
                    }));
  for (const Row& row : rows) {
    if (budget.is_used_up()) break;
    TRY_VOID(db.run("DELETE FROM attempts WHERE delivery = ? AND run = ? AND number = ?",
                    row.delivery, row.run, row.number));
    budget.spend(row.bytes);
    ++done.removed.attempts;
  }
  return {};
}

Result<void> remove_events(Connection& db, const ExpireOp& op, Budget& budget, Expired& done) {
  struct Row {
    EventId id;
    TenantId tenant;
    std::int64_t bytes = 0;
  };
  TRY(const auto rows,
      front_of<Row>(db,
                    "SELECT id, tenant, length(data) FROM events WHERE id < ?"
                    " ORDER BY id LIMIT ?",
                    expired_end(op.cutoffs.events), budget, [](Statement& row, Row& into) {
                      return row.read(into.id, into.tenant, into.bytes);
                    }));
  for (const Row& row : rows) {
    if (budget.is_used_up()) break;
    TRY_VOID(db.run("DELETE FROM events WHERE id = ?", row.id));
    TRY_VOID(
        db.run("DELETE FROM tenant_events WHERE tenant = ? AND event = ?", row.tenant, row.id));
    done.events_below = EventId{successor(row.id.value)};
    budget.spend(row.bytes);
    ++done.removed.events;
  }
  return {};
}

// One that is under way still goes on; it is looked at again.
Result<void> remove_broadcasts(Connection& db, const ExpireOp& op, Budget& budget, Expired& done) {
  struct Row {
    BroadcastId id;
    std::int64_t bytes = 0;
  };
  TRY(const auto rows,
      front_of<Row>(db,
                    "SELECT id, length(data) FROM broadcasts"
                    " WHERE id < ? AND is_done = 1 ORDER BY id LIMIT ?",
                    expired_end(op.cutoffs.events), budget,
                    [](Statement& row, Row& into) { return row.read(into.id, into.bytes); }));
  for (const Row& row : rows) {
    if (budget.is_used_up()) break;
    TRY_VOID(db.run("DELETE FROM broadcasts WHERE id = ?", row.id));
    budget.spend(row.bytes);
    ++done.removed.broadcasts;
  }
  return {};
}

Result<void> remove_finished(Connection& db, const ExpireOp& op, Budget& budget, Expired& done) {
  struct Row {
    DeliveryId delivery;
    int run = 0;
    WebhookId webhook;
    TenantId tenant;
  };
  TRY(const auto rows,
      front_of<Row>(db,
                    "SELECT delivery, run, webhook, tenant FROM deliveries WHERE delivery < ?"
                    " ORDER BY delivery, run LIMIT ?",
                    expired_end(deliveries_cutoff(op.cutoffs)), budget,
                    [](Statement& row, Row& into) {
                      return row.read(into.delivery, into.run, into.webhook, into.tenant);
                    }));
  for (const Row& row : rows) {
    TRY_VOID(
        db.run("DELETE FROM deliveries WHERE delivery = ? AND run = ?", row.delivery, row.run));
    TRY_VOID(db.run("DELETE FROM webhook_deliveries WHERE webhook = ? AND delivery = ?",
                    row.webhook, row.delivery));
    TRY_VOID(db.run("DELETE FROM tenant_deliveries WHERE tenant = ? AND delivery = ?", row.tenant,
                    row.delivery));
    done.deliveries_below = DeliveryId{successor(row.delivery.value)};
    budget.spend(0);
    ++done.removed.deliveries;
  }
  return {};
}

// The versions of one webhook that are old, and all of it if it is gone.
Result<void> remove_old(Connection& db, const AgedWebhook& webhook, Timestamp cutoff,
                        Budget& budget, Expired& done) {
  TRY(const OldVersions old, old_versions(db, webhook, cutoff, budget.rows));
  TRY(const auto removed,
      db.run("DELETE FROM webhook_versions WHERE id = ? AND version < ?", webhook.id, old.below));
  TRY_VOID(db.run("DELETE FROM webhook_secrets WHERE webhook = ? AND version < ?", webhook.id,
                  old.below));
  done.removed.webhook_versions += static_cast<std::size_t>(removed);
  budget.rows -= std::min(budget.rows, static_cast<std::size_t>(removed));
  if (!webhook.is_gone || budget.is_used_up()) return {};
  TRY_VOID(db.run("DELETE FROM webhook_stats WHERE webhook = ?", webhook.id));
  TRY_VOID(db.run("DELETE FROM webhooks WHERE id = ?", webhook.id));
  return {};
}

Result<void> remove_versions(Connection& db, const ExpireOp& op, Budget& budget, Expired& done) {
  const Timestamp cutoff = versions_cutoff(op.cutoffs);
  Budget webhooks{.rows = kExpireStepWebhooks};
  TRY(const auto aged,
      front_of<AgedWebhook>(
          db, "SELECT id, is_deleted, updated_at FROM webhooks WHERE id > ? ORDER BY id LIMIT ?",
          op.versions_after.value, webhooks,
          [&](Statement& row, AgedWebhook& webhook) -> Result<void> {
            TRY(webhook, read_aged(db, row, cutoff));
            return {};
          }));
  for (const AgedWebhook& webhook : aged) {
    TRY_VOID(remove_old(db, webhook, cutoff, budget, done));
    if (budget.is_used_up()) return {};  // it may have more: looked at again
    done.versions_after = webhook.id;
  }
  done.has_more = aged.size() == kExpireStepWebhooks;
  return {};
}

}  // namespace

Result<OpDone> apply(Connection& db, const ExpireOp& op, RollupBatch& counted) {
  Expired done;
  done.versions_after = op.versions_after;
  Budget budget{.rows = op.rows_max};
  TRY_VOID(end_open_runs(db, op, counted, budget, done));
  TRY_VOID(remove_attempts(db, op, budget, done));
  // What is still open needs its event, and a version is pinned by what is still there.
  if (!budget.is_used_up()) TRY_VOID(remove_events(db, op, budget, done));
  if (!budget.is_used_up()) TRY_VOID(remove_broadcasts(db, op, budget, done));
  if (!budget.is_used_up()) TRY_VOID(remove_finished(db, op, budget, done));
  if (!budget.is_used_up()) TRY_VOID(remove_versions(db, op, budget, done));
  if (budget.is_used_up()) done.has_more = true;
  return done;
}

}  // namespace fanfare::sqlite
