#include "storage/delivery_view.h"

#include <algorithm>

namespace fanfare {
namespace {

bool is_within(Timestamp t, const std::optional<Timestamp>& since,
               const std::optional<Timestamp>& until) {
  return (!since || t >= *since) && (!until || t < *until);
}

Delivery common_view(const QueuedRun& run, const std::optional<LastAttempt>& last) {
  Delivery view;
  view.id = run.delivery;
  view.event = run.event;
  view.webhook = run.webhook;
  view.tenant = run.tenant;
  view.event_type = run.event_type;
  view.run = run.run;
  view.attempts = run.attempts_made;
  view.attempts_max = run.attempts_max;
  view.is_test = run.is_test;
  view.trigger = run.trigger;
  view.webhook_version = run.webhook_version;
  view.envelope = run.envelope;
  view.created_at = run.created_at;
  if (last) {
    view.response_status = last->status;
    view.response_time_ms = last->total_ms;
    view.response_body = last->body;
  }
  return view;
}

}  // namespace

LastAttempt last_attempt_of(const Attempt& attempt) {
  return LastAttempt{.number = attempt.number,
                     .status = attempt.outcome.status,
                     .total_ms = attempt.outcome.timing.total_ms,
                     .body = attempt.outcome.body,
                     .kind = attempt.kind,
                     .error = attempt.error};
}

std::optional<FinishedRun> settled_form(const QueuedRun& run, const SettleLine& line) {
  if (run.webhook_version >= line.settled_below) return std::nullopt;
  const auto kind = line.is_deleted ? ErrorKind::webhook_deleted : ErrorKind::webhook_disabled;
  return FinishedRun{.run = run,
                     .status = line.is_deleted ? DeliveryStatus::cancelled : DeliveryStatus::failed,
                     .kind = kind,
                     .error = diagnosis(kind, 0, ""),
                     .completed_at = line.updated_at};
}

FinishedRun expired_form(const QueuedRun& run, const SettleLine& line, Timestamp now) {
  if (auto settled = settled_form(run, line)) return *std::move(settled);
  return FinishedRun{.run = run,
                     .status = DeliveryStatus::failed,
                     .kind = ErrorKind::expired,
                     .error = diagnosis(ErrorKind::expired, 0, ""),
                     .completed_at = now};
}

Uuid expired_end(Timestamp cutoff) {
  return uuid7_floor(std::max(cutoff, Timestamp{}));
}

Timestamp deliveries_cutoff(const RetentionCutoffs& cutoffs) {
  return std::min(cutoffs.deliveries, cutoffs.events);
}

Timestamp versions_cutoff(const RetentionCutoffs& cutoffs) {
  return std::min(deliveries_cutoff(cutoffs), cutoffs.attempts) - kVersionSlack;
}

FinishedRun skipped_form(const QueuedRun& run) {
  return FinishedRun{.run = run,
                     .status = DeliveryStatus::skipped,
                     .kind = ErrorKind::webhook_disabled,
                     .error = "the webhook was disabled when the event arrived",
                     .completed_at = run.created_at};
}

QueuedRun next_run(const QueuedRun& finished, const RequeueOp& op) {
  QueuedRun next = finished;
  next.run = finished.run + 1;
  next.attempts_made = 0;
  next.attempts_max = op.attempts_max;
  next.next_attempt_at = op.now;
  next.webhook_version = op.webhook_version;
  next.envelope = op.envelope;
  next.trigger = op.trigger;
  return next;
}

Delivery view_of(const QueuedRun& run, const std::optional<LastAttempt>& last) {
  Delivery view = common_view(run, last);
  view.status = run.attempts_made == 0 ? DeliveryStatus::pending : DeliveryStatus::retrying;
  view.next_attempt_at = run.next_attempt_at;
  if (last) {
    view.last_error = last->error;
    view.error_kind = last->kind;
  }
  return view;
}

Delivery view_of(const FinishedRun& finished, const std::optional<LastAttempt>& last) {
  Delivery view = common_view(finished.run, last);
  view.status = finished.status;
  view.error_kind = finished.kind;
  view.last_error = finished.error;
  view.completed_at = finished.completed_at;
  // One was under way when the run was ended: it has been made all the same.
  if (last) view.attempts = std::max(view.attempts, last->number);
  if (finished.status == DeliveryStatus::success) view.delivered_at = finished.completed_at;
  return view;
}

bool may_match(const DeliveryFilter& filter, const Delivery& delivery) {
  return (!filter.webhook || *filter.webhook == delivery.webhook) &&
         (!filter.status || *filter.status == delivery.status) &&
         (filter.event_type.empty() || filter.event_type == delivery.event_type) &&
         is_within(delivery.created_at, filter.since, filter.until);
}

bool matches(const DeliveryFilter& filter, const Delivery& delivery) {
  return may_match(filter, delivery) && (!filter.code || *filter.code == delivery.response_status);
}

bool matches(const EventFilter& filter, const Event& event) {
  return (filter.type.empty() || filter.type == event.type) &&
         (filter.event_id.empty() || filter.event_id == event.event_id) &&
         is_within(event.created_at, filter.since, filter.until);
}

}  // namespace fanfare
