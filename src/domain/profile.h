// Profile: what the clients of one system expect, as data: defaults of a new webhook, the catalogue
// of event types, its word for the tenant, the paths its clients call and its names of fields. It
// is read once at start (config/profile_file.h) and immutable afterwards: any thread. No code asks
// for a profile by name; whatever differs between systems is a member here.
//
// A Profile made by its default constructor is the profile `standard`.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "domain/tenant.h"
#include "domain/webhook.h"

namespace fanfare {

// How a generated secret is written: `whsec_` and 32 random bytes in base64, or as 64 hex digits
// for systems that sign with the whole text.
enum class SecretFormat { base64, hex };
// What a webhook's failure_threshold counts: deliveries whose attempts are used up, or attempts.
enum class FailureCounts { deliveries, attempts };

// What a webhook gets where its request says nothing, or null.
struct WebhookDefaults {
  RetryPolicy retry = *retry_preset("standard");
  SignatureSettings signature;
  Envelope envelope = Envelope::standard;
  Millis timeout = limits::kAttemptTimeoutDefault;
  SecretFormat secret_format = SecretFormat::base64;
  Millis rotation_overlap = std::chrono::hours{24};
  std::optional<int> failure_threshold;  // none = never disabled by failures
  FailureCounts failure_counts = FailureCounts::deliveries;

  bool operator==(const WebhookDefaults&) const = default;
};

// Never wider than the server's own limits.
struct ProfileLimits {
  std::size_t payload_bytes = limits::kPayloadBytesMax;
  std::size_t webhooks_per_tenant = limits::kWebhooksPerTenantMax;
  bool https_only = false;  // http URLs are refused whatever the operator's egress options say

  bool operator==(const ProfileLimits&) const = default;
};

// Which claims of a JWT say whose it is and what it may; a key's own settings come before these.
struct JwtDefaults {
  std::string tenant_claim;           // empty = not said
  std::string role_claim;             // likewise
  std::map<std::string, Role> roles;  // value of the role claim → what it may
  std::optional<Role> default_role;   // of a token without the claim
  std::string audience;               // empty = not asked for
  std::optional<Millis> lifetime_max;

  bool operator==(const JwtDefaults&) const = default;
};

// One more URL that leads to a route of the API. `from` is that path and everything below it.
struct PathAlias {
  std::string method;   // empty = any
  std::string from;     // without a slash at the end, as `to`
  std::string id_from;  // this query parameter becomes a segment behind `to`; empty = none
  std::string action;   // only where the body's member "action" says so; empty = whatever it says
  std::string to;
  bool is_for_admins = false;  // whatever `to` lets others do

  bool operator==(const PathAlias&) const = default;
};

// Another name of a field.
struct FieldAlias {
  std::string alias;
  std::string field;

  bool operator==(const FieldAlias&) const = default;
};
using FieldAliases = std::vector<FieldAlias>;

struct Profile {
  std::string name = "standard";
  std::string title = "Standard Webhooks";
  std::string description;
  bool catalogue_is_open = false;
  bool auto_create_tenants = false;  // an unknown external id from an admin makes the tenant
  bool broadcast = false;            // an admin may publish to every tenant at once
  std::string tenant_word = "tenant_id";
  bool tenant_id_is_external = false;  // tenant_id of an answer is the tenant's external_id
  WebhookDefaults webhooks;
  ProfileLimits limits;
  JwtDefaults jwt;
  std::vector<PathAlias> paths;  // the first match wins
  FieldAliases webhook_requests, event_requests;
  FieldAliases webhook_answers, delivery_answers, attempt_answers;
  std::vector<EventType> event_types;  // put into a store once

  bool operator==(const Profile&) const = default;
};

// The profile `standard`, for whoever was given none.
const Profile& standard_profile();

// The field that `name` is another name of; none if it is not.
const std::string* field_named(const FieldAliases& aliases, std::string_view name);

}  // namespace fanfare
