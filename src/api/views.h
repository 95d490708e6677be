// How objects look in answers. Secrets of tenants show only where a view is told to show them;
// header values never do.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/json_writer.h"
#include "api/stats_view.h"
#include "domain/delivery.h"
#include "domain/profile.h"
#include "domain/tenant.h"
#include "storage/store.h"

namespace fanfare {

// Sentences about a change that was made and may still not be what was meant.
using Warnings = std::vector<std::string>;

struct WebhookViewOptions {
  Timestamp now;
  bool shows_secret = false;                     // only at creation
  std::string_view recent_deliveries;            // JSON array; empty = left out
  std::span<const std::string> warnings = {};    // left out if there are none
  std::optional<WebhookActivity> activity = {};  // left out if there is none
};
void write_webhook(JsonWriter& out, const Webhook& webhook, const WebhookViewOptions& options);
std::string view_of(const Webhook& webhook, const WebhookViewOptions& options);
std::string etag_of(const Webhook& webhook);

// As members of an object that is open: what a webhook gets where its request says nothing.
void write_webhook_defaults(JsonWriter& out, const WebhookDefaults& defaults);

void write_tenant(JsonWriter& out, const Tenant& tenant);
// `text` is the key itself, shown once; empty = left out.
void write_api_key(JsonWriter& out, const ApiKey& key, std::string_view text);
void write_event_type(JsonWriter& out, const EventType& type);

void write_audit_row(JsonWriter& out, const AuditRow& row);

enum class EventDetail { summary, full };  // only `full` carries the data
void write_event(JsonWriter& out, const Event& event, EventDetail detail);

// Attempts go under "attempt_log" in a delivery's own answer: "attempts" is their number.
void write_delivery(JsonWriter& out, const Delivery& delivery);
void write_delivery_members(JsonWriter& out, const Delivery& delivery);
// What a run that was just queued looks like as a delivery.
Delivery delivery_of(const QueuedRun& run);

// The request of an attempt as it was sent, rebuilt from stored facts.
struct RebuiltRequest {
  std::string url;
  HeaderList headers;  // custom values masked
  std::string body;
  bool omits_body = false;  // the answer has no room for it
};
// `of` is named in it, if given.
void write_attempt(JsonWriter& out, const Attempt& attempt, const RebuiltRequest& request,
                   const Delivery* of = nullptr);
void write_headers(JsonWriter& out, std::string_view name, const HeaderList& headers);

// {"data": […], "next_cursor": …, "has_more": …} around elements already written.
std::string list_of(std::string_view elements, const std::optional<std::string>& next_cursor);

}  // namespace fanfare
