// What an audit entry shows of a change: the members that differ, without the texts that open
// something. Pure.
#pragma once

#include <string>
#include <string_view>

#include "domain/audit.h"
#include "domain/webhook.h"

namespace fanfare {

// Tells two secrets apart and gives neither away: "sha256:" and 12 hex digits.
std::string fingerprint(std::string_view secret);
// A URL whose query, where people put tokens, stands as its fingerprint.
std::string audited_url(std::string_view url);

struct AuditChange {
  std::string before, after;
};
// The members of two JSON objects that differ or that only one has; empty = there is no object. A
// value over limits::kAuditValueBytesMax stands as its fingerprint and size.
AuditChange change_between(std::string_view before, std::string_view after);

// What a change of a webhook is called: "webhook.paused", or "webhook.updated" if it is more than
// one of these. `before` is null for a new one.
std::string webhook_action(const Webhook* before, const Webhook& after);

// The entry of a change of status alone that the server makes by itself.
AuditEntry status_change_entry(const Webhook& before, const Webhook& after);

}  // namespace fanfare
