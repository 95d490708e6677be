// Deliveries and attempts in answers.
#include <algorithm>

#include "api/views.h"
#include "base/ascii.h"

namespace fanfare {
namespace {

std::optional<std::int64_t> known(int value, int unknown) {
  return value == unknown ? std::nullopt : std::optional<std::int64_t>(value);
}

std::optional<std::int64_t> known(const std::optional<int>& value) {
  return value ? std::optional<std::int64_t>(*value) : std::nullopt;
}

void write_timing(JsonWriter& out, const Timing& timing) {
  out.key("timing").begin_object();
  out.number_or_null("dns_ms", known(timing.dns_ms))
      .number_or_null("connect_ms", known(timing.connect_ms));
  out.number_or_null("tls_ms", known(timing.tls_ms));
  out.number_or_null("first_byte_ms", known(timing.first_byte_ms));
  out.number("total_ms", timing.total_ms).end_object();
}

void write_response(JsonWriter& out, const HttpOutcome& outcome) {
  if (outcome.status == 0) {
    out.nothing("response");
    return;
  }
  out.key("response").begin_object().number("status", outcome.status);
  write_headers(out, "headers", outcome.headers);
  out.text("body", outcome.body).flag("truncated", outcome.is_truncated).end_object();
}

}  // namespace

Delivery delivery_of(const QueuedRun& run) {
  Delivery delivery;
  delivery.id = run.delivery;
  delivery.event = run.event;
  delivery.webhook = run.webhook;
  delivery.tenant = run.tenant;
  delivery.event_type = run.event_type;
  delivery.status = run.attempts_made == 0 ? DeliveryStatus::pending : DeliveryStatus::retrying;
  delivery.run = run.run;
  delivery.attempts = run.attempts_made;
  delivery.attempts_max = run.attempts_max;
  delivery.is_test = run.is_test;
  delivery.trigger = run.trigger;
  delivery.created_at = run.created_at;
  delivery.next_attempt_at = run.next_attempt_at;
  return delivery;
}

void write_delivery_members(JsonWriter& out, const Delivery& delivery) {
  out.text("id", to_string(delivery.id)).text("event_id", to_string(delivery.event));
  out.text("webhook_id", to_string(delivery.webhook)).text("tenant_id", to_string(delivery.tenant));
  out.text("event_type", delivery.event_type).text("status", name_of(delivery.status));
  out.number("run", delivery.run).number("attempts", delivery.attempts);
  out.number("max_attempts", delivery.attempts_max);
  out.number_or_null("response_status", known(delivery.response_status, 0));
  out.number_or_null("response_time_ms", known(delivery.response_time_ms, -1));
  if (delivery.response_status == 0) {
    out.nothing("response_body");
  } else {
    out.text("response_body", delivery.response_body);
  }
  out.text_or_null("last_error", delivery.last_error);
  out.text_or_null("error_kind",
                   delivery.error_kind == ErrorKind::none ? "" : name_of(delivery.error_kind));
  out.text_or_null("diagnosis",
                   diagnosis(delivery.error_kind, delivery.response_status, delivery.last_error));
  out.flag("is_test", delivery.is_test).text("trigger", name_of(delivery.trigger));
  out.time("created_at", delivery.created_at);
  out.time_or_null("next_retry_at",
                   is_final(delivery.status) ? std::nullopt : delivery.next_attempt_at);
  out.time_or_null("delivered_at", delivery.delivered_at);
  out.time_or_null("completed_at", delivery.completed_at);
}

void write_delivery(JsonWriter& out, const Delivery& delivery) {
  out.begin_object();
  write_delivery_members(out, delivery);
  out.end_object();
}

// One member for each name; values of a repeated name are joined as RFC 9110 5.3 joins them.
void write_headers(JsonWriter& out, std::string_view name, const HeaderList& headers) {
  HeaderList merged;
  for (const auto& header : headers) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&header](const auto& other) {
      return equals_ignoring_case(other.first, header.first);
    });
    if (same == merged.end()) {
      merged.push_back(header);
    } else {
      same->second += ", " + header.second;
    }
  }
  out.key(name).begin_object();
  for (const auto& [header, value] : merged) out.text(header, value);
  out.end_object();
}

void write_attempt(JsonWriter& out, const Attempt& attempt, const RebuiltRequest& request,
                   const Delivery* of) {
  const HttpOutcome& outcome = attempt.outcome;
  out.begin_object()
      .text("id", to_string(attempt.id))
      .text("delivery_id", to_string(attempt.delivery));
  if (of != nullptr) {
    out.text("webhook_id", to_string(of->webhook)).text("event_id", to_string(of->event));
    out.text("event_type", of->event_type);
    out.text("status", attempt.kind == ErrorKind::none ? "success" : "failed");
  }
  out.number("run", attempt.run)
      .number("number", attempt.number)
      .time("started_at", attempt.started_at);
  out.key("request").begin_object().text("method", "POST").text("url", request.url);
  write_headers(out, "headers", request.headers);
  if (request.omits_body) {
    out.nothing("body").flag("body_omitted", true).end_object();
  } else {
    out.text("body", request.body).end_object();
  }
  write_response(out, outcome);
  write_timing(out, outcome.timing);
  out.text_or_null("peer", outcome.peer).text_or_null("tls", outcome.tls);
  out.flag("success", attempt.kind == ErrorKind::none);
  out.text_or_null("error_kind", attempt.kind == ErrorKind::none ? "" : name_of(attempt.kind));
  out.text_or_null("error", attempt.error);
  out.text_or_null("diagnosis", diagnosis(attempt.kind, outcome.status, attempt.error));
  out.end_object();
}

}  // namespace fanfare
