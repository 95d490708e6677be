#include "auth/audit_change.h"

#include <algorithm>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json_scan.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

constexpr std::size_t kFingerprintBytes = 6;

std::vector<JsonMember> members_of(std::string_view json) {
  if (json.empty()) return {};
  auto members = scan_json_object(json);
  FANFARE_ASSERT(members);  // it was written by the caller
  return *std::move(members);
}

bool holds(const std::vector<JsonMember>& members, const JsonMember& wanted) {
  return std::ranges::any_of(members, [&wanted](const JsonMember& member) {
    return member.key == wanted.key && member.value == wanted.value;
  });
}

// The members that `others` does not have with the same value.
std::string members_apart(std::string_view json, const std::vector<JsonMember>& others) {
  if (json.empty()) return {};
  std::string out = "{";
  for (const JsonMember& member : members_of(json)) {
    if (holds(others, member)) continue;
    if (out.size() > 1) out += ',';
    out.append(1, '"').append(member.key).append("\":");
    if (member.value.size() <= limits::kAuditValueBytesMax) {
      out += member.value;
    } else {
      append_json_string(
          out, fingerprint(member.value) + " (" + std::to_string(member.value.size()) + " bytes)");
    }
  }
  return out += '}';
}

bool same_secrets(const Webhook& a, const Webhook& b) {
  return std::ranges::equal(a.secrets, b.secrets,
                            [](const SigningSecret& one, const SigningSecret& other) {
                              return one.text == other.text && one.expires_at == other.expires_at;
                            });
}

std::string_view status_action(WebhookStatus before, WebhookStatus after) {
  if (after == WebhookStatus::disabled) return "webhook.disabled";
  if (after == WebhookStatus::paused) return "webhook.paused";
  return before == WebhookStatus::paused ? "webhook.resumed" : "webhook.enabled";
}

std::string status_json(const Webhook& webhook) {
  std::string out = "{\"status\":";
  append_json_string(out, name_of(webhook.status));
  out += ",\"disabled_reason\":";
  if (webhook.disabled_reason.empty()) {
    out += "null";
  } else {
    append_json_string(out, webhook.disabled_reason);
  }
  return out += '}';
}

}  // namespace

std::string fingerprint(std::string_view secret) {
  const Digest digest = sha256(secret);
  return "sha256:" + hex_encode(std::span(digest).first(kFingerprintBytes));
}

std::string audited_url(std::string_view url) {
  const std::size_t mark = url.find('?');
  if (mark == std::string_view::npos) return std::string(url);
  return std::string(url.substr(0, mark + 1)) + fingerprint(url.substr(mark + 1));
}

AuditChange change_between(std::string_view before, std::string_view after) {
  return {.before = members_apart(before, members_of(after)),
          .after = members_apart(after, members_of(before))};
}

std::string webhook_action(const Webhook* before, const Webhook& after) {
  if (before == nullptr) return "webhook.created";
  if (after.is_deleted) return "webhook.deleted";
  const bool has_settings = before->settings != after.settings;
  const bool has_secrets = !same_secrets(*before, after);
  const bool has_status = before->status != after.status;
  if (has_secrets && !has_settings && !has_status) return "webhook.secret_rotated";
  if (has_status && !has_settings && !has_secrets)
    return std::string(status_action(before->status, after.status));
  return "webhook.updated";
}

AuditEntry status_change_entry(const Webhook& before, const Webhook& after) {
  AuditChange change = change_between(status_json(before), status_json(after));
  return AuditEntry{.tenant = after.tenant,
                    .action = webhook_action(&before, after),
                    .object = {.type = "webhook", .id = to_string(after.id)},
                    .before = std::move(change.before),
                    .after = std::move(change.after)};
}

}  // namespace fanfare
