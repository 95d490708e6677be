// One event for one webhook, from pending to a final state; its runs and attempts.
#pragma once

#include <optional>
#include <string>

#include "domain/event.h"
#include "domain/outcome.h"
#include "domain/webhook.h"

namespace fanfare {

enum class DeliveryStatus { pending, retrying, success, failed, cancelled, skipped };
enum class Trigger { event, test, retry, replay };

std::string_view name_of(DeliveryStatus status);
std::string_view name_of(Trigger trigger);
std::optional<DeliveryStatus> delivery_status_named(std::string_view name);
std::optional<Trigger> trigger_named(std::string_view name);
inline bool is_final(DeliveryStatus s) {
  return s != DeliveryStatus::pending && s != DeliveryStatus::retrying;
}

// A run that is not yet final: what a row of `queue` holds. A retry of a finished delivery is run
// n+1 under the same delivery id.
struct QueuedRun {
  DeliveryId delivery;
  int run = 1;
  EventId event;
  WebhookId webhook;
  TenantId tenant;
  std::string event_type;
  int attempts_made = 0;
  int attempts_max = 1;
  Timestamp next_attempt_at;
  // Pinned when the run was planned: the body is a pure function of stored facts, the same on every
  // attempt.
  std::int64_t webhook_version = 1;
  Envelope envelope = Envelope::standard;
  Trigger trigger = Trigger::event;
  bool is_test = false;
  Timestamp created_at;  // of the delivery (its first run), not of this run
};

// One HTTP request made for a delivery: what a row of `attempts` holds. The request is not stored:
// answers rebuild it from the event, the envelope, the webhook's version and `signed_at`.
struct Attempt {
  AttemptId id;
  DeliveryId delivery;
  int run = 1;
  int number = 1;  // 1, 2, … within the run
  WebhookId webhook;
  TenantId tenant;
  std::int64_t webhook_version = 1;
  Timestamp started_at;
  Timestamp signed_at;  // the webhook-timestamp, in whole seconds
  HttpOutcome outcome;
  ErrorKind kind = ErrorKind::none;
  std::string error;
};

// A delivery as the API shows it: the queue row if there is one, else the highest finished run.
struct Delivery {
  DeliveryId id;
  EventId event;
  WebhookId webhook;
  TenantId tenant;
  std::string event_type;
  DeliveryStatus status = DeliveryStatus::pending;
  int run = 1;
  int attempts = 0;
  int attempts_max = 1;
  int response_status = 0;    // of the last attempt; 0 = none
  int response_time_ms = -1;  // of the last attempt; -1 = none
  std::string response_body;  // of the last attempt
  std::string last_error;
  ErrorKind error_kind = ErrorKind::none;
  bool is_test = false;
  Trigger trigger = Trigger::event;
  std::int64_t webhook_version = 1;
  Envelope envelope = Envelope::standard;
  Timestamp created_at;
  std::optional<Timestamp> next_attempt_at;
  std::optional<Timestamp> delivered_at;
  std::optional<Timestamp> completed_at;
};

}  // namespace fanfare
