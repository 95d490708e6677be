#include "app/attempt_log.h"

#include <utility>

#include "egress/target.h"
#include "telemetry/attempt_line.h"

namespace fanfare {

namespace {

std::string_view decision_of(const AttemptOp& op) {
  if (op.retry_at) return "retry";
  if (op.final_status == DeliveryStatus::success) return "done";
  return op.attempt.kind == ErrorKind::gone ? "disable_webhook" : "give_up";
}

// Empty if the webhook has gone or has changed since: its URL may be another now.
std::string host_of(const WebhookPtr& webhook, std::int64_t version_sent) {
  if (!webhook || webhook->version != version_sent) return {};
  const auto target =
      parse_target(webhook->settings.url, {.allows_http = true, .allows_localhost = true});
  if (!target) return {};
  return target->ip ? to_string(*target->ip) : target->host;
}

}  // namespace

std::function<void(const AttemptOp&)> attempt_logger(Log& log, FindWebhook find_webhook) {
  return [&log, find_webhook = std::move(find_webhook)](const AttemptOp& op) {
    const bool is_success = op.final_status == DeliveryStatus::success && !op.retry_at;
    if (!log.is_on(is_success ? LogLevel::debug : LogLevel::info)) return;
    const std::string tenant = to_string(op.run.tenant);
    const std::string webhook = to_string(op.run.webhook);
    const std::string event = to_string(op.run.event);
    const std::string delivery = to_string(op.run.delivery);
    const std::string host = host_of(find_webhook(op.run.webhook), op.attempt.webhook_version);
    const std::string retry_at = op.retry_at ? format_rfc3339(*op.retry_at) : std::string();
    log_attempt(log, AttemptLine{.tenant = tenant,
                                 .webhook = webhook,
                                 .event = event,
                                 .delivery = delivery,
                                 .event_type = op.run.event_type,
                                 .host = host,
                                 .peer = op.attempt.outcome.peer,
                                 .run = op.run.run,
                                 .number = op.attempt.number,
                                 .is_success = is_success,
                                 .status = op.attempt.outcome.status,
                                 .error_kind = name_of(op.attempt.kind),
                                 .error = op.attempt.error,
                                 .decision = decision_of(op),
                                 .retry_at = retry_at,
                                 .duration_ms = op.attempt.outcome.timing.total_ms});
  };
}

}  // namespace fanfare
