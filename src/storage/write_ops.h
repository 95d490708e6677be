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
#include "domain/delivery.h"
#include "domain/retention.h"
#include "domain/tenant.h"
#include "storage/key_ops.h"

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

// ---- deliveries ----

// An attempt and what it makes of its run, in one transaction. Compare and set: if the run is no
// longer in `queue` with attempts_made = attempt.number - 1, the attempt is recorded and the state
// stays as it is.
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

// ---- configuration ----

// Errc::conflict if external_id is taken.
struct CreateTenantOp {
  Tenant tenant;
  TenantKey key;
};
// Inserts, or updates expiry and revocation of a known id.
struct PutApiKeyOp {
  ApiKey key;
};
// Errc::conflict if `must_be_new` and the name is taken; Errc::not_found if it must exist and does
// not.
struct PutEventTypeOp {
  EventType type;
  bool must_be_new = true;
};
struct DeleteEventTypeOp {
  std::string name;
};

// A webhook without plaintext: header values and secret texts inside `webhook` are empty.
struct StoredWebhook {
  Webhook webhook;
  std::string sealed_headers;               // of encode_headers(); empty = no headers
  std::vector<std::string> sealed_secrets;  // one for each of webhook.secrets, in order
};
// Writes the webhook, its secrets (the list replaces the stored one) and a row of
// `webhook_versions`. `expected_version` 0 creates; else Errc::version_mismatch unless it is the
// stored version, Errc::not_found if there is no such webhook of that tenant. A delete is a put
// with is_deleted.
struct PutWebhookOp {
  StoredWebhook row;
  std::int64_t expected_version = 0;
};
// What both stores say, with Errc::conflict, if another webhook of the tenant has the legacy_id.
inline std::string taken_legacy_id(const std::string& legacy_id) {
  return "another webhook of this tenant has the legacy_id \"" + legacy_id + "\"";
}
struct SetSettingOp {
  std::string key;
  std::string value;
};

// ---- Idempotency-Key ----

struct StoredAnswer {
  int status = 0;
  std::string body{};  // sealed if it holds a secret
  bool is_sealed = false;
  HeaderList headers{};  // those of this answer alone, such as ETag; never a secret
  bool operator==(const StoredAnswer&) const = default;
};
// An answer that was not made inside the operation's own transaction (for example of a test
// delivery).
struct StoreAnswerOp {};

struct Unit {
  bool operator==(const Unit&) const = default;
};
// What an operation answers. Config operations answer Unit.
using OpDone = std::variant<Unit, std::vector<Published>, AttemptApplied, Settled, Requeued,
                            Expired, Resealed>;

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
    std::variant<PublishOp, AttemptOp, EndRunOp, SettleOp, RequeueOp, ExpireOp, CreateTenantOp,
                 PutApiKeyOp, PutEventTypeOp, DeleteEventTypeOp, PutWebhookOp, SetSettingOp,
                 StoreAnswerOp, PutTenantKeysOp, DropTenantKeyOp, ResealOp>;

struct WriteOp {
  WriteAction action;
  std::optional<IdempotencyClaim> claim;
};

}  // namespace fanfare
