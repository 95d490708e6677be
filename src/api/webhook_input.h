// What a request says about a webhook, applied to a copy of it. A create applies the body to the
// profile's defaults, a change to the webhook as it is; null sets a field back to its default (RFC
// 7396).
// Every mistake is collected. Pure but for the random bytes of a generated secret.
#pragma once

#include <boost/json/object.hpp>

#include "api/json_input.h"
#include "base/random.h"
#include "domain/profile.h"
#include "domain/retention.h"
#include "egress/policy.h"

namespace fanfare {

struct WebhookRules {
  const EgressPolicy& policy;
  std::vector<std::string> event_types;  // names in the catalogue
  bool catalogue_is_open = false;
  Random& random;
  Timestamp now;
  SameTenant same_tenant;
  std::optional<std::string> tenant = std::nullopt;  // that the query names
  const Profile& profile = standard_profile();
  Millis events_kept = RetentionPolicy{}.events;  // retries must be over by then
};

// The tenant the request names, if any; whether it may is the caller's to check. On errors
// `webhook` is of no use.
struct WebhookBody {
  std::optional<std::string> tenant;
  FieldErrors errors;
};
WebhookBody apply_webhook_body(const boost::json::object& body, const WebhookRules& rules,
                               bool is_new, Webhook& webhook);

// Makes `secret` (generated if none) the current one. Those before it stay valid for `overlap`,
// none for zero. Errc::invalid if the secret does not fit the webhook's scheme, is the current one,
// or would be there twice.
struct Rotation {
  std::optional<Secret> secret;
  Millis overlap{0};
  SecretFormat format = SecretFormat::base64;  // of a generated one
};
Result<void> rotate_secret(Webhook& webhook, const Rotation& rotation, Timestamp now,
                           Random& random);

// The current HMAC secret's text, and the Ed25519 public key ("" without one).
const Secret& current_secret(const Webhook& webhook);
std::string public_key(const Webhook& webhook);
// When the last rotated-out secret stops signing; none if there is none at `now`.
std::optional<Timestamp> previous_secret_expires_at(const Webhook& webhook, Timestamp now);

}  // namespace fanfare
