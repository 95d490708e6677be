#include "api/views.h"

#include "api/custom_headers.h"
#include "api/retry_input.h"
#include "api/webhook_input.h"
#include "base/encoding.h"
#include "base/json_text.h"

namespace fanfare {
namespace {

void write_metadata(JsonWriter& out, const Metadata& metadata) {
  out.key("metadata").begin_object();
  for (const auto& [name, value] : metadata) out.text(name, value);
  out.end_object();
}

void write_signature(JsonWriter& out, const SignatureSettings& signature) {
  out.key("signature").begin_object().text("scheme", name_of(signature.scheme));
  if (signature.scheme == SignatureScheme::hex) {
    out.text("header", signature.header.empty() ? "X-Webhook-Signature" : signature.header);
  }
  if (signature.scheme == SignatureScheme::stripe)
    out.text_or_null("header_prefix", signature.header_prefix);
  if (signature.scheme == SignatureScheme::standard) out.flag("ed25519", signature.ed25519);
  out.end_object();
}

void write_secret_state(JsonWriter& out, const Webhook& webhook,
                        const WebhookViewOptions& options) {
  if (options.shows_secret) out.text("secret", current_secret(webhook).reveal());
  if (webhook.settings.signature.ed25519) out.text_or_null("public_key", public_key(webhook));
  out.time_or_null("previous_secret_expires_at", previous_secret_expires_at(webhook, options.now));
}

void write_warnings(JsonWriter& out, std::span<const std::string> warnings) {
  if (warnings.empty()) return;
  out.key("warnings").begin_array();
  for (const std::string& warning : warnings) out.text_value(warning);
  out.end_array();
}

}  // namespace

std::string etag_of(const Webhook& webhook) {
  return "\"" + std::to_string(webhook.version) + "\"";
}

void write_webhook(JsonWriter& out, const Webhook& webhook, const WebhookViewOptions& options) {
  const WebhookSettings& settings = webhook.settings;
  out.begin_object();
  out.text("id", to_string(webhook.id)).text("tenant_id", to_string(webhook.tenant));
  out.text("url", settings.url);
  out.key("events").begin_array();
  for (const std::string& event : settings.events) out.text_value(event);
  out.end_array();
  out.text("name", settings.name).text("description", settings.description);
  if (!settings.legacy_id.empty()) out.text("legacy_id", settings.legacy_id);
  out.text("status", name_of(webhook.status))
      .flag("active", webhook.status != WebhookStatus::disabled);
  out.text_or_null("disabled_reason", webhook.disabled_reason);
  out.key("headers").begin_object();
  for (const CustomHeader& header : settings.headers)
    out.text(header.name, masked(header.value.reveal()));
  out.end_object();
  write_signature(out, settings.signature);
  write_secret_state(out, webhook, options);
  out.text("envelope", name_of(settings.envelope));
  write_retry_policy(out, settings.retry);
  out.number("retry_count", settings.retry.attempts - 1);
  out.number("timeout_seconds", settings.timeout / std::chrono::seconds{1});
  out.number("max_in_flight", settings.max_in_flight);
  out.number_or_null("failure_threshold", settings.failure_threshold);
  write_metadata(out, settings.metadata);
  out.number("version", webhook.version);
  out.time("created_at", webhook.created_at).time("updated_at", webhook.updated_at);
  if (options.activity) write_activity(out, *options.activity);
  if (!options.recent_deliveries.empty()) out.raw("recent_deliveries", options.recent_deliveries);
  write_warnings(out, options.warnings);
  out.end_object();
}

std::string view_of(const Webhook& webhook, const WebhookViewOptions& options) {
  JsonWriter out;
  write_webhook(out, webhook, options);
  return out.take();
}

void write_webhook_defaults(JsonWriter& out, const WebhookDefaults& defaults) {
  write_signature(out, defaults.signature);
  write_retry_policy(out, defaults.retry);
  out.number("retry_count", defaults.retry.attempts - 1);
  out.text("envelope", name_of(defaults.envelope));
  out.number("timeout_seconds", defaults.timeout / std::chrono::seconds{1});
}

void write_tenant(JsonWriter& out, const Tenant& tenant) {
  out.begin_object().text("id", to_string(tenant.id)).text("name", tenant.name);
  out.text_or_null("external_id", tenant.external_id);
  write_metadata(out, tenant.metadata);
  out.time("created_at", tenant.created_at).end_object();
}

void write_api_key(JsonWriter& out, const ApiKey& key, std::string_view text) {
  out.begin_object().text("id", to_string(key.id)).text("name", key.name);
  out.text("role", name_of(key.role))
      .text_or_null("tenant_id", key.tenant ? to_string(*key.tenant) : "");
  out.text("prefix", key.prefix);
  if (!text.empty()) out.text("key", text);
  out.time("created_at", key.created_at).time_or_null("expires_at", key.expires_at);
  out.time_or_null("revoked_at", key.revoked_at).end_object();
}

void write_event_type(JsonWriter& out, const EventType& type) {
  out.begin_object().text("name", type.name).text("description", type.description);
  out.text("category", type.category);
  out.raw("sample", type.sample.empty() ? "null" : type.sample);
  out.time("created_at", type.created_at).end_object();
}

void write_audit_row(JsonWriter& out, const AuditRow& row) {
  const AuditEntry& entry = row.entry;
  const auto object_or_null = [&out](std::string_view name, const std::string& json) {
    out.raw(name, json.empty() ? "null" : json);
  };
  out.begin_object().text("id", to_string(entry.id)).time("created_at", entry.at);
  out.text_or_null("tenant_id", entry.tenant ? to_string(*entry.tenant) : "");
  out.key("actor").begin_object().text("kind", name_of(entry.actor.kind));
  out.text_or_null("id", entry.actor.id).text_or_null("name", entry.actor.name).end_object();
  out.text("action", entry.action);
  out.key("object").begin_object().text("type", entry.object.type);
  out.text_or_null("id", entry.object.id).end_object();
  object_or_null("before", entry.before);
  object_or_null("after", entry.after);
  out.text_or_null("ip", entry.ip).text_or_null("user_agent", entry.user_agent);
  out.text_or_null("request_id", entry.request_id);
  out.raw("metadata", entry.metadata.empty() ? "{}" : entry.metadata);
  out.text("hash", hex_encode(bytes_of(row.hash))).end_object();
}

void write_event(JsonWriter& out, const Event& event, EventDetail detail) {
  out.begin_object().text("id", to_string(event.id)).text_or_null("event_id", event.event_id);
  out.text("tenant_id", to_string(event.tenant)).text("event_type", event.type);
  if (detail == EventDetail::full && event.data) out.raw("data", *event.data);
  out.raw("metadata", event.metadata.empty() ? "{}" : event.metadata);
  out.number("deliveries", event.deliveries).flag("is_test", event.is_test);
  out.time("created_at", event.created_at).end_object();
}

std::string list_of(std::string_view elements, const std::optional<std::string>& next_cursor) {
  std::string out = "{\"data\":[";
  out += elements;
  out += "],\"next_cursor\":";
  if (next_cursor) {
    append_lossy_json_string(out, *next_cursor);
  } else {
    out += "null";
  }
  out += next_cursor ? ",\"has_more\":true}" : ",\"has_more\":false}";
  return out;
}

}  // namespace fanfare
