// What the journal may ask of a store: every change of stored state is one of these operations, and
// a batch of them is one transaction. An operation either happens whole or not at all, whatever
// becomes of its neighbours in the batch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "domain/audit.h"
#include "domain/broadcast.h"
#include "domain/delivery.h"
#include "domain/retention.h"
#include "domain/tenant.h"
#include "storage/config_ops.h"
#include "storage/key_ops.h"
#include "storage/stats_ops.h"
#include "storage/tenant_ops.h"

namespace fanfare {

// ---- publishing ----

// One event and the run planned for each webhook that matched. Ids are assigned by the journal
// while it assembles the batch: the event's, then its deliveries' in order, so that they follow the
// event's id directly.
struct EventPlan {
  Event event;
  std::string fingerprint;  // SHA-256 of what makes two publishes equal; only with event.event_id
  std::vector<QueuedRun> runs;  // go into `queue`
  std::vector<QueuedRun>
      skipped;  // go straight into `deliveries` as skipped (webhook disabled on arrival)
};

// All events of one request. Each is accepted or refused by itself.
struct PublishOp {
  std::vector<EventPlan> events;
};

struct Published {
  EventId id;  // of the first event with this event_id when it is a duplicate
  int deliveries = 0;
  bool is_duplicate =
      false;                 // nothing was stored: tenant and event_id were seen in the last 7 days
  bool is_conflict = false;  // the same, but with another fingerprint
  bool operator==(const Published&) const = default;
};

// An event for everybody: one row. Its id and time come from the journal. Its event_id is unique
// among broadcasts as an event's is in its tenant.
struct BroadcastOp {
  Broadcast broadcast;
  std::string fingerprint;
};
struct BroadcastStored {
  Broadcast broadcast{};      // with its progress; of the first with this event_id if a duplicate
  bool is_duplicate = false;  // nothing was stored
  bool is_conflict = false;   // nor here: the event_id was used for something else
};
// The events of a broadcast for some tenants, and how far it is with them: Errc::version_mismatch,
// and nothing is stored, unless it has reached `after` so far. Answers as a PublishOp does.
struct ExpandOp {
  BroadcastId broadcast;
  TenantId after{};
  TenantId reached{};
  bool is_last = false;
  PublishOp publish{};
};

// ---- deliveries ----

// An attempt and what it makes of its run, in one transaction. Compare and set: if the run is no
// longer in `queue` with attempts_made = attempt.number - 1, the attempt is recorded and the state
// stays as it is. Of a delivery that is stored no more nothing is recorded.
struct AttemptOp {
  QueuedRun run;  // as it was before this attempt
  Attempt attempt;
  std::optional<Timestamp> retry_at;                     // set: the run stays queued
  DeliveryStatus final_status = DeliveryStatus::failed;  // else it ends so
  Timestamp finished_at;                                 // when the attempt was over
};
struct AttemptApplied {
  bool was_current = false;
  bool operator==(const AttemptApplied&) const = default;
};

// Ends one queued run without an attempt (a person cancels it, or it expires). Errc::conflict if
// nothing is queued under this id; Errc::not_found if the tenant has no such delivery.
struct EndRunOp {
  TenantId tenant;
  DeliveryId delivery;
  DeliveryStatus status = DeliveryStatus::cancelled;
  ErrorKind kind = ErrorKind::cancelled;
  std::string error;
  Timestamp now;
};

// Moves up to `rows_max` queued runs of one webhook whose webhook_version is below `below_version`
// into history. Run again until `has_more` is false; a crash in between loses nothing.
struct SettleOp {
  WebhookId webhook;
  std::int64_t below_version = 0;
  DeliveryStatus status = DeliveryStatus::failed;
  ErrorKind kind = ErrorKind::webhook_disabled;
  std::string error;
  std::size_t rows_max = 0;
  Timestamp now;
};
struct Settled {
  std::size_t rows = 0;
  bool has_more = false;
  bool operator==(const Settled&) const = default;
};

// A finished delivery starts its next run; an open one is brought forward to now. Errc::not_found
// if the tenant has no such delivery or its event is gone.
struct RequeueOp {
  TenantId tenant;
  DeliveryId delivery;
  int attempts_max = 1;              // of a new run
  std::int64_t webhook_version = 1;  // pinned by a new run
  Envelope envelope = Envelope::standard;
  Trigger trigger = Trigger::retry;
  Timestamp now;
};
struct Requeued {
  QueuedRun run;
  bool is_new_run = false;
};

// ---- retention ----

// Removes what is kept no longer, oldest first, up to `rows_max` rows: first open runs of events
// that are too old end as failed (expired), then attempts, events, finished runs, and versions of
// webhooks that nothing pins any more. A delivery never goes before its event. Run again, with
// `versions_after` of the answer, until `has_more` is false; a crash in between loses nothing.
struct ExpireOp {
  RetentionCutoffs cutoffs;
  std::size_t rows_max = kExpireStepRows;
  WebhookId versions_after;  // webhooks up to this one were looked at; nil = none
  Timestamp now;
};
struct Expired {
  RetentionCounts removed;
  std::vector<QueuedRun> ended;  // were open and are failed now
  EventId events_below;          // no event with a lower id is left; nil if none was removed
  DeliveryId deliveries_below;   // the same of finished runs
  WebhookId versions_after;
  bool has_more = false;
  bool operator==(const Expired&) const = default;
};

// ---- the audit log ----

// Removes up to `rows_max` of the oldest entries made before `before` and remembers where the chain
// then begins. Errc::conflict if the log is sealed and the writer has not its key.
struct ExpireAuditOp {
  Timestamp before;
  std::size_t rows_max = 0;
};
struct AuditExpired {
  std::size_t rows = 0;
  bool has_more = false;
  bool operator==(const AuditExpired&) const = default;
};

// An operation without a change of its own: its claim (an answer that was made outside its own
// transaction, for example of a test delivery) or its audit entries are what is stored.
struct RecordOp {};

// ---- Idempotency-Key ----

struct StoredAnswer {
  int status = 0;
  std::string body{};  // sealed if it holds a secret
  bool is_sealed = false;
  HeaderList headers{};  // those of this answer alone, such as ETag; never a secret
  bool operator==(const StoredAnswer&) const = default;
};

struct Unit {
  bool operator==(const Unit&) const = default;
};
// What an operation answers. Config operations answer Unit.
using OpDone = std::variant<Unit, std::vector<Published>, AttemptApplied, Settled, Requeued,
                            Expired, Resealed, AuditExpired, Trimmed, Purged, BroadcastStored>;

// Taken in the same transaction as the operation, so that two equal requests cannot both happen.
// Errc:: idempotency_conflict (and the operation does not happen) if (scope, key) is taken and
// younger than limits::kIdempotencyKeyKept. Not written if the operation itself fails.
struct IdempotencyClaim {
  std::string scope;  // who and which route
  std::string key;
  std::string fingerprint;  // SHA-256 of method, path and body
  Timestamp now;
  UniqueFunction<StoredAnswer(const OpDone&)>
      render;  // the answer to keep; called inside the transaction
};

using WriteAction =
    std::variant<PublishOp, BroadcastOp, ExpandOp, AttemptOp, EndRunOp, SettleOp, RequeueOp,
                 ExpireOp, CreateTenantOp, UpdateTenantOp, DeleteTenantOp, PurgeOp, PutApiKeyOp,
                 PutEventTypeOp, DeleteEventTypeOp, PutWebhookOp, SetSettingOp, PutTenantKeysOp,
                 DropTenantKeyOp, ResealOp, ExpireAuditOp, RecordOp, FlushRollupsOp,
                 TrimRollupTailOp>;

// What is stored with a change, in its transaction and only if it happens: the key that keeps it
// from happening twice, and who did it.
struct WriteContext {
  std::optional<IdempotencyClaim> claim;
  std::vector<AuditEntry> audit;

  WriteContext() = default;
  // NOLINTBEGIN(google-explicit-constructor): most callers bring one of the two, or nothing.
  WriteContext(std::nullopt_t) {}
  WriteContext(std::optional<IdempotencyClaim> of_claim) : claim(std::move(of_claim)) {}
  WriteContext(IdempotencyClaim of_claim) : claim(std::move(of_claim)) {}
  WriteContext(AuditEntry entry) { audit.push_back(std::move(entry)); }
  // NOLINTEND(google-explicit-constructor)
};

struct WriteOp {
  WriteAction action;
  std::optional<IdempotencyClaim> claim{};
  // Appended in order; their ids are above every stored one. Nothing may fail any more once they
  // are reached, so an entry that cannot be stored undoes its operation.
  std::vector<AuditEntry> audit{};
};
inline WriteOp write_op(WriteAction action, WriteContext context) {
  return WriteOp{std::move(action), std::move(context.claim), std::move(context.audit)};
}

}  // namespace fanfare
