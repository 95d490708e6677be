// Store: the door to everything durable. Two implementations, SQLite and memory, answer one
// contract suite (tests/contract/store_contract.h); the one in memory is the reference.
//
// A store has exactly one Writer, used by the journal's thread alone, and any number of Readers,
// each used by one thread. A read sees one snapshot of committed state.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/secret.h"
#include "storage/audit_chain.h"
#include "storage/write_ops.h"

namespace fanfare {

struct RollupTail;

class Writer {
 public:
  virtual ~Writer() = default;
  // Runs all operations as one durable transaction and returns the result of each, in order. An
  // outer error (Errc::unavailable: disk full, I/O error, hard limit of the log) means that nothing
  // was stored; the store stays usable and the same operations may be given again.
  virtual Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) = 0;
  // Background work in one bounded step, between commits: checkpoints the log, drops expired
  // idempotency keys and event ids, gives space that nothing uses back to the disk. True if more is
  // waiting. `is_idle` allows work that could wait: indexes that are filled later.
  virtual Result<bool> maintain(Timestamp now, bool is_idle) = 0;
  // What the last commit that succeeded counts as (storage/rollup_batch.h): the row of the tail
  // that is in it.
  virtual const RollupTail& last_tail() const = 0;
  // The greatest id of an event, a delivery or an audit entry ever stored; nil in an empty store.
  virtual Result<Uuid> newest_id() = 0;
  // From now on the ends of the audit log are kept under a seal (audit_chain.h). Called
  // once, before the journal runs. An error (Errc::corrupt) tells that the log is not as the last
  // seal left it; the log goes on from what is there all the same.
  virtual Result<void> seal_audit_log(AuditSealer sealer) = 0;
};

// ---- what readers answer ----

template <class T>
struct Rows {
  std::vector<T> rows;  // newest first
  bool has_more = false;
};

struct EventFilter {
  std::string type{};                         // empty = any
  std::string event_id{};                     // empty = any
  std::optional<Timestamp> since{}, until{};  // created_at in [since, until)
};
struct DeliveryFilter {
  std::optional<WebhookId> webhook{};
  std::optional<DeliveryStatus> status{};
  std::string event_type{};
  std::optional<Timestamp> since{}, until{};
  std::optional<int> code{};  // response status of the last attempt
};

// A due run with what is needed to send it.
struct DueRun {
  QueuedRun run;
  Payload data;
  Timestamp event_created_at;
};

// What a read of queued runs may bring. The first row found comes whatever its size, so that every
// read gets somewhere.
struct QueueWindow {
  std::size_t rows_max = 1;
  std::size_t bytes_max = 0;  // of payloads
  // Runs that the caller has: passed over without reading their payloads. In ascending order.
  std::vector<DeliveryId> held{};
};
struct Queued {
  std::vector<DueRun> rows;
  bool has_more = false;  // runs that are not held stand behind the last row
};

struct WaitingWebhook {
  WebhookId webhook;
  Timestamp next_attempt_at;  // of its earliest queued run
};

struct KeptAnswer {
  std::string fingerprint;
  StoredAnswer answer;
};

// A row of the audit log. `hash` is its link in the chain: 32 bytes.
struct AuditRow {
  AuditEntry entry;
  std::string hash;
};

struct ConfigSnapshot {
  std::vector<Tenant> tenants;
  std::vector<TenantKey> tenant_keys;
  std::vector<ApiKey> api_keys;
  std::vector<EventType> event_types;
  std::vector<StoredWebhook> webhooks;  // deleted ones too while runs of theirs are queued
  std::vector<std::pair<std::string, std::string>> settings;
  std::vector<Broadcast> broadcasts;  // that are not done, in id order
  std::vector<Purge> purges;  // that were begun and are not over; nothing of theirs is above
};

// Buckets of one length from the one that starts at `from` up to, not including, `to`.
struct RollupSpan {
  Resolution resolution = Resolution::hour;
  Timestamp from, to;
};
struct RollupRow {
  Timestamp start;
  std::string event_type;
  RollupCounts counts;
  std::int64_t covered = 0;  // the newest row of the tail that is in it
};
struct TailRow {
  std::int64_t seq = 0;
  std::string bytes;
};
struct RollupsAtStart {
  std::vector<WebhookStats> webhooks;
  std::vector<TailRow> tail;  // in order
};

class Reader {
 public:
  virtual ~Reader() = default;

  // What start-up needs, however long it takes: all configuration, and …
  virtual Result<ConfigSnapshot> load_config() = 0;
  // … every webhook with queued runs, by one skip scan.
  virtual Result<std::vector<WaitingWebhook>> waiting_webhooks() = 0;
  // The first queued runs of a webhook by (next_attempt_at, delivery), due or not, that are not
  // held and fit into the window.
  virtual Result<Queued> queued(WebhookId webhook, const QueueWindow& window) = 0;

  // Errc::not_found if the tenant has none.
  virtual Result<Event> event(TenantId tenant, EventId id) = 0;
  virtual Result<Rows<Event>> events(TenantId tenant, const EventFilter& filter,
                                     std::optional<EventId> before, std::size_t limit) = 0;
  // Whose it is, for who may see everybody's and names nobody. Errc::not_found if it is nobody's.
  virtual Result<TenantId> owner(EventId id) = 0;
  virtual Result<TenantId> owner(DeliveryId id) = 0;
  // Errc::not_found if there is none.
  virtual Result<Broadcast> broadcast(BroadcastId id) = 0;
  // Of one event, in id order.
  virtual Result<std::vector<Delivery>> event_deliveries(TenantId tenant, EventId event) = 0;
  // A queued run that its webhook has settled (webhook_version below settled_below) reads as what
  // it will become: cancelled if the webhook is deleted, failed with webhook_disabled otherwise.
  virtual Result<Delivery> delivery(TenantId tenant, DeliveryId id) = 0;
  // By webhook or by tenant: lazy index plus the tail that it does not cover yet.
  virtual Result<Rows<Delivery>> deliveries(TenantId tenant, const DeliveryFilter& filter,
                                            std::optional<DeliveryId> before,
                                            std::size_t limit) = 0;
  // Of all runs the newest `limit` attempts by (run, number), in the order made.
  virtual Result<std::vector<Attempt>> attempts(TenantId tenant, DeliveryId id,
                                                std::size_t limit = 1000) = 0;
  // What a webhook was at one version.
  virtual Result<StoredWebhook> webhook_version(WebhookId webhook, std::int64_t version) = 0;
  // Each webhook of a tenant as it was at a moment: its newest version not made after it.
  virtual Result<std::vector<StoredWebhook>> webhooks_at(TenantId tenant, Timestamp when) = 0;
  virtual Result<std::optional<KeptAnswer>> kept_answer(const std::string& scope,
                                                        const std::string& key, Timestamp now) = 0;
  // What an ExpireOp with these cutoffs would remove by and by, each kind counted up to `count_max`
  // and one more.
  virtual Result<RetentionCounts> count_expired(const RetentionCutoffs& cutoffs,
                                                std::size_t count_max) = 0;
  // Errc::not_found if there is none or it has expired.
  virtual Result<AuditRow> audit_entry(AuditId id) = 0;
  // Newest first. A tenant's and an object's own entries are found by an index.
  virtual Result<Rows<AuditRow>> audit_entries(const AuditFilter& filter,
                                               std::optional<AuditId> before,
                                               std::size_t limit) = 0;
  // ---- statistics ----
  // At start: every webhook's state, and the tail.
  virtual Result<RollupsAtStart> load_rollups() = 0;
  // Up to which row of the tail the owner's numbers of a day are flushed; 0 if there are none.
  // Every flush of an owner touches the days of what it brings, so this tells whether a row of the
  // tail is in.
  virtual Result<std::int64_t> rollup_covered(const RollupKey& key, Timestamp when) = 0;
  // The rows of an owner in the span, oldest first: one look-up for each bucket.
  virtual Result<std::vector<RollupRow>> rollups(const RollupKey& key, const RollupSpan& span) = 0;
  // The same for all event types of a scope that is split by them, newest bucket first; `has_more`
  // if `rows_max` left older ones out. key.event_type is not looked at.
  virtual Result<Rows<RollupRow>> rollups_by_type(const RollupKey& key, const RollupSpan& span,
                                                  std::size_t rows_max) = 0;
  // Does the store answer at all (for /readyz).
  virtual Result<void> ping() = 0;
};

class Store {
 public:
  virtual ~Store() = default;
  virtual Writer& writer() = 0;  // the journal's thread only
  virtual Result<std::unique_ptr<Reader>>
  open_reader() = 0;  // any thread; the reader is then one thread's
};

}  // namespace fanfare
