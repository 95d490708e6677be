// SqliteReader: answers questions on its own connection, which cannot write (query_only) and cannot
// checkpoint. Each call is one read transaction, so everything it answers is one snapshot; a call
// that runs longer than the read timeout is stopped, since an old snapshot keeps the log from being
// emptied. Only what start-up reads may take any time. One thread.
#pragma once

#include <memory>
#include <utility>

#include "base/clock.h"
#include "storage/sqlite/id_walk.h"
#include "storage/sqlite/rows.h"
#include "storage/store.h"

namespace fanfare::sqlite {

class SqliteReader final : public Reader {
 public:
  SqliteReader(std::unique_ptr<Connection> db, const Clock& clock, Millis timeout);

  Result<ConfigSnapshot> load_config() override;
  Result<std::vector<WaitingWebhook>> waiting_webhooks() override;
  Result<Queued> queued(WebhookId webhook, const QueueWindow& window) override;
  Result<Event> event(TenantId tenant, EventId id) override;
  Result<Rows<Event>> events(TenantId tenant, const EventFilter& filter,
                             std::optional<EventId> before, std::size_t limit) override;
  Result<TenantId> owner(EventId id) override;
  Result<TenantId> owner(DeliveryId id) override;
  Result<Broadcast> broadcast(BroadcastId id) override;
  Result<std::vector<Delivery>> event_deliveries(TenantId tenant, EventId event) override;
  Result<Delivery> delivery(TenantId tenant, DeliveryId id) override;
  Result<Rows<Delivery>> deliveries(TenantId tenant, const DeliveryFilter& filter,
                                    std::optional<DeliveryId> before, std::size_t limit) override;
  Result<std::vector<Attempt>> attempts(TenantId tenant, DeliveryId id, std::size_t limit) override;
  Result<StoredWebhook> webhook_version(WebhookId webhook, std::int64_t version) override;
  Result<std::vector<StoredWebhook>> webhooks_at(TenantId tenant, Timestamp when) override;
  Result<std::optional<KeptAnswer>> kept_answer(const std::string& scope, const std::string& key,
                                                Timestamp now) override;
  Result<RetentionCounts> count_expired(const RetentionCutoffs& cutoffs,
                                        std::size_t count_max) override;
  Result<AuditRow> audit_entry(AuditId id) override;
  Result<Rows<AuditRow>> audit_entries(const AuditFilter& filter, std::optional<AuditId> before,
                                       std::size_t limit) override;
  Result<RollupsAtStart> load_rollups() override;
  Result<std::int64_t> rollup_covered(const RollupKey& key, Timestamp when) override;
  Result<std::vector<RollupRow>> rollups(const RollupKey& key, const RollupSpan& span) override;
  Result<Rows<RollupRow>> rollups_by_type(const RollupKey& key, const RollupSpan& span,
                                          std::size_t rows_max) override;
  Result<void> ping() override;

  Connection& connection_for_test() { return *db_; }

 private:
  // Runs `query` in a transaction of its own.
  template <class Query>
  auto in_snapshot(Query query) -> decltype(query()) {
    return in_snapshot_until(clock_.steady_now() + timeout_, std::move(query));
  }
  // The same without a time limit, for start-up: a server with a large cold store starts late and
  // not never, and nothing is written meanwhile that would make the log grow.
  template <class Query>
  auto in_unhurried_snapshot(Query query) -> decltype(query()) {
    return in_snapshot_until(SteadyTime::max(), std::move(query));
  }
  template <class Query>
  auto in_snapshot_until(SteadyTime deadline, Query query) -> decltype(query()) {
    deadline_ = deadline;
    TRY_VOID(db_->run("BEGIN"));
    auto result = query();
    // Ends the transaction after a failure too; a transaction that only read has nothing to lose.
    db_->roll_back();
    return result;
  }
  bool is_late() const { return clock_.steady_now() >= deadline_; }
  // Errc::unavailable once the call's time is up.
  Result<void> check_deadline() const;
  static int on_progress(void* self);

  // ---- inside a snapshot ----
  // Without metadata and data, which may be large and which no filter looks at.
  Result<Event> load_event_head(EventId id);
  Result<void> add_payload(Event& event);
  // None if there is no such delivery or the filter does not take it.
  Result<std::optional<Delivery>> load_delivery(DeliveryId id, const DeliveryFilter& filter = {});
  Result<Delivery> load_delivery_of(TenantId tenant, DeliveryId id);
  Result<Rows<Delivery>> list_deliveries(TenantId tenant, const DeliveryFilter& filter,
                                         IdWalk& walk, std::size_t limit);
  Result<Rows<Event>> list_events(const EventFilter& filter, IdWalk& walk, std::size_t limit);
  Result<std::vector<StoredWebhook>> load_webhooks();
  // None if the run or its event is gone. Without the payload, which a due run may be left for.
  struct SizedRun;
  Result<std::optional<SizedRun>> load_sized_run(DeliveryId id);
  Result<Payload> load_payload(EventId id);

  std::unique_ptr<Connection> db_;
  const Clock& clock_;
  Millis timeout_;
  SteadyTime deadline_{};
};

// The bounds of a list's walk from what the caller asked for.
struct WalkBounds {
  std::optional<Timestamp> since, until;
  std::optional<Uuid> before;
};
WalkRange walk_range(const Uuid& owner, const Uuid& watermark, const WalkBounds& bounds);

}  // namespace fanfare::sqlite
