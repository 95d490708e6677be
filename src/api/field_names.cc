#include "api/field_names.h"

namespace fanfare {
namespace {

constexpr std::string_view kWebhookRequest[] = {
    "tenant_id",         "url",        "events",         "name",
    "description",       "active",     "headers",        "secret",
    "signature",         "envelope",   "retry_policy",   "retry_count",
    "timeout_seconds",   "rate_limit", "max_in_flight",  "ordered",
    "failure_threshold", "filter",     "transformation", "metadata"};

constexpr std::string_view kEventRequest[] = {
    "event_type", "data", "event_id", "tenant_id", "webhook_ids", "max_attempts", "metadata"};

constexpr std::string_view kOtherRequest[] = {
    "event", "type",     "payload", "is_active",       "legacy_id",  "webhook_id", "action",
    "role",  "category", "sample",  "actor",           "object",     "search",     "code",
    "since", "until",    "window",  "resolution",      "limit",      "cursor",     "expires_at",
    "purge", "dry_run",  "all",     "overlap_seconds", "external_id"};

constexpr std::string_view kWebhookAnswer[] = {"id",
                                               "tenant_id",
                                               "url",
                                               "events",
                                               "name",
                                               "description",
                                               "status",
                                               "active",
                                               "disabled_reason",
                                               "headers",
                                               "signature",
                                               "secret",
                                               "public_key",
                                               "previous_secret_expires_at",
                                               "envelope",
                                               "retry_policy",
                                               "retry_count",
                                               "timeout_seconds",
                                               "rate_limit",
                                               "max_in_flight",
                                               "ordered",
                                               "failure_threshold",
                                               "filter",
                                               "transformation",
                                               "metadata",
                                               "version",
                                               "created_at",
                                               "updated_at",
                                               "recent_deliveries",
                                               "warnings",
                                               "last_triggered_at",
                                               "last_status",
                                               "last_error",
                                               "consecutive_failures",
                                               "total_deliveries",
                                               "successful_deliveries",
                                               "failed_deliveries"};

constexpr std::string_view kDeliveryAnswer[] = {"id",
                                                "event_id",
                                                "webhook_id",
                                                "tenant_id",
                                                "event_type",
                                                "status",
                                                "run",
                                                "attempts",
                                                "max_attempts",
                                                "response_status",
                                                "response_time_ms",
                                                "response_body",
                                                "last_error",
                                                "error_kind",
                                                "is_test",
                                                "trigger",
                                                "created_at",
                                                "next_retry_at",
                                                "delivered_at",
                                                "completed_at",
                                                "attempt_log",
                                                "has_more_attempts",
                                                "diagnosis"};

constexpr std::string_view kAttemptAnswer[] = {
    "id",     "delivery_id", "run", "number",  "started_at", "request", "response",
    "timing", "peer",        "tls", "success", "error_kind", "error",   "diagnosis"};

}  // namespace

std::span<const std::string_view> webhook_request_fields() {
  return kWebhookRequest;
}
std::span<const std::string_view> event_request_fields() {
  return kEventRequest;
}
std::span<const std::string_view> other_request_names() {
  return kOtherRequest;
}
std::span<const std::string_view> webhook_answer_fields() {
  return kWebhookAnswer;
}
std::span<const std::string_view> delivery_answer_fields() {
  return kDeliveryAnswer;
}
std::span<const std::string_view> attempt_answer_fields() {
  return kAttemptAnswer;
}

}  // namespace fanfare
