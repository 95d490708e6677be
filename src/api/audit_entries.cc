#include "api/audit_entries.h"

#include <array>

#include "api/json_writer.h"
#include "api/views.h"
#include "auth/audit_change.h"
#include "base/encoding.h"
#include "base/json_scan.h"

namespace fanfare {
namespace {

constexpr std::size_t kPathShownMax = 200;

template <class T>
AuditEntry entry_of(std::string type, std::string id, const T* before, const T* after,
                    void (*write)(JsonWriter&, const T&)) {
  const auto view = [write](const T* object) {
    JsonWriter out;
    if (object != nullptr) write(out, *object);
    return out.take();
  };
  AuditChange change = change_between(view(before), view(after));
  const char* done = before == nullptr ? ".created" : after == nullptr ? ".deleted" : ".updated";
  AuditEntry entry;
  entry.action = type + done;
  entry.object = {.type = std::move(type), .id = std::move(id)};
  entry.before = std::move(change.before);
  entry.after = std::move(change.after);
  return entry;
}

template <class T>
const T& one_of(const T* before, const T* after) {
  return after != nullptr ? *after : *before;
}

void write_key(JsonWriter& out, const ApiKey& key) {
  write_api_key(out, key, "");
}

// Members of a webhook's view that follow from others, or that say when and not what.
constexpr std::array<std::string_view, 8> kNotAudited = {
    "id",      "tenant_id",  "active",     "headers",
    "version", "created_at", "updated_at", "previous_secret_expires_at"};

// A webhook's view, with fingerprints where that has masks and nothing.
void write_audited_webhook(JsonWriter& out, const Webhook& webhook) {
  const std::string view = view_of(webhook, {webhook.updated_at, false, {}});
  const auto members = scan_json_object(view);
  FANFARE_ASSERT(members);
  out.begin_object();
  for (const JsonMember& member : *members) {
    if (std::ranges::find(kNotAudited, member.key) != kNotAudited.end()) continue;
    if (member.key == "url") {
      out.text("url", audited_url(webhook.settings.url));
    } else {
      out.raw(member.key, member.value);
    }
  }
  out.key("headers").begin_object();
  for (const CustomHeader& header : webhook.settings.headers)
    out.text(header.name, fingerprint(header.value.reveal()));
  out.end_object();
  out.key("secrets").begin_array();
  for (const SigningSecret& secret : webhook.secrets) {
    out.raw_value("{\"fingerprint\":\"" + fingerprint(secret.text.reveal()) + "\",\"expires_at\":" +
                  (secret.expires_at ? '"' + format_rfc3339(*secret.expires_at) + '"' : "null") +
                  '}');
  }
  out.end_array().end_object();
}

std::string_view bounded(std::string_view text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  // Not in the middle of a character.
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0U) == 0x80U)
    --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace

AuditEntry audit_entry(const Tenant* before, const Tenant* after) {
  const Tenant& tenant = one_of(before, after);
  AuditEntry entry = entry_of("tenant", to_string(tenant.id), before, after, write_tenant);
  entry.tenant = tenant.id;
  return entry;
}

AuditEntry audit_entry(const ApiKey* before, const ApiKey* after) {
  const ApiKey& key = one_of(before, after);
  AuditEntry entry = entry_of("api_key", to_string(key.id), before, after, write_key);
  if (before != nullptr && !before->revoked_at && key.revoked_at) entry.action = "api_key.revoked";
  entry.tenant = key.tenant;
  return entry;
}

AuditEntry audit_entry(const EventType* before, const EventType* after) {
  return entry_of("event_type", one_of(before, after).name, before, after, write_event_type);
}

AuditEntry audit_entry(const Webhook* before, const Webhook& after) {
  AuditEntry entry = entry_of("webhook", to_string(after.id), before,
                              after.is_deleted ? nullptr : &after, write_audited_webhook);
  entry.action = webhook_action(before, after);
  entry.tenant = after.tenant;
  return entry;
}

AuditEntry webhook_tested(const Webhook& webhook, std::string_view event_type) {
  JsonWriter metadata;
  metadata.begin_object().text("event_type", event_type).end_object();
  return AuditEntry{.tenant = webhook.tenant,
                    .action = "webhook.tested",
                    .object = {.type = "webhook", .id = to_string(webhook.id)},
                    .metadata = metadata.take()};
}

AuditEntry delivery_action(std::string_view action, TenantId tenant, DeliveryId delivery) {
  return AuditEntry{.tenant = tenant,
                    .action = std::string(action),
                    .object = {.type = "delivery", .id = to_string(delivery)}};
}

AuditEntry all_retried() {
  return AuditEntry{.action = "delivery.retry_due", .object = {.type = "delivery", .id = {}}};
}

AuditEntry cleaned_up() {
  return AuditEntry{.action = "maintenance.cleanup", .object = {.type = "maintenance", .id = {}}};
}

AuditEntry refusal_entry(const Problem& problem, const net::HttpRequest& request,
                         std::size_t left_out) {
  JsonWriter metadata;
  metadata.begin_object().text("method", request.method);
  metadata.text("path", bounded(request.path, kPathShownMax));
  if (left_out > 0) metadata.number("left_out", static_cast<std::int64_t>(left_out));
  metadata.end_object();
  const bool is_login = problem.kind == ProblemKind::unauthorized;
  return AuditEntry{.actor = {.kind = ActorKind::anonymous},
                    .action = is_login ? "login.refused" : "login.forbidden",
                    .object = {.type = "login", .id = {}},
                    .metadata = metadata.take()};
}

void note_origin(AuditEntry& entry, const net::HttpRequest& request, const Origin& origin) {
  entry.ip = origin.ip;
  const std::string_view agent = request.header("user-agent").value_or("");
  entry.user_agent = bounded(agent, limits::kAuditUserAgentBytesMax);
  entry.request_id = origin.request_id;
}

void copy_origin(AuditEntry& entry, const AuditEntry& origin) {
  entry.actor = origin.actor;
  entry.ip = origin.ip;
  entry.user_agent = origin.user_agent;
  entry.request_id = origin.request_id;
}

AuditActor actor_of(const Principal& principal, const Directory& directory) {
  constexpr std::string_view kJwt = "jwt:";
  if (principal.name.starts_with(kJwt))
    return {.kind = ActorKind::jwt, .id = principal.name.substr(kJwt.size()), .name = {}};
  const auto id = parse_id<ApiKeyTag>(principal.name);
  if (!id) return {.kind = ActorKind::admin_key, .id = principal.name, .name = {}};
  const auto key = directory.api_key(*id);
  return {.kind = ActorKind::api_key, .id = principal.name, .name = key ? key->name : ""};
}

}  // namespace fanfare
