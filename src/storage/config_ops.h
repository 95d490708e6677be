// Changes of configuration: tenants, API keys, event types, webhooks and settings. A part of
// write_ops.h, which says what an operation is.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "domain/tenant.h"
#include "domain/webhook.h"
#include "storage/key_ops.h"

namespace fanfare {

// Errc::conflict if external_id is taken.
struct CreateTenantOp {
  Tenant tenant;
  TenantKey key;
};
// Inserts, or updates expiry and revocation of a known id.
struct PutApiKeyOp {
  ApiKey key;
};
// Errc::conflict if `must_be_new` and the name is taken; Errc::not_found if it must exist and does
// not.
struct PutEventTypeOp {
  EventType type;
  bool must_be_new = true;
};
struct DeleteEventTypeOp {
  std::string name;
};

// A webhook without plaintext: header values and secret texts inside `webhook` are empty.
struct StoredWebhook {
  Webhook webhook;
  std::string sealed_headers;               // of encode_headers(); empty = no headers
  std::vector<std::string> sealed_secrets;  // one for each of webhook.secrets, in order
};
// Writes the webhook, its secrets (the list replaces the stored one) and a row of
// `webhook_versions`. `expected_version` 0 creates; else Errc::version_mismatch unless it is the
// stored version, Errc::not_found if there is no such webhook of that tenant. A delete is a put
// with is_deleted; with `begins_purge` all that is stored of the webhook goes too, by PurgeOps.
struct PutWebhookOp {
  StoredWebhook row;
  std::int64_t expected_version = 0;
  bool forgets_failures = false;  // it was enabled: its failures in a row count from zero
  bool begins_purge = false;
};
// What both stores say, with Errc::conflict, if another webhook of the tenant has the legacy_id.
inline std::string taken_legacy_id(const std::string& legacy_id) {
  return "another webhook of this tenant has the legacy_id \"" + legacy_id + "\"";
}
struct SetSettingOp {
  std::string key;
  std::string value;
};

}  // namespace fanfare
