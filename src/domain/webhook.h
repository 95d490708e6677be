// A webhook: a registered URL, the events it wants, and how to sign, retry and limit what is sent
// to it.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.h"
#include "domain/ids.h"
#include "domain/retry_policy.h"
#include "domain/tenant.h"

namespace fanfare {

enum class WebhookStatus { active, paused, disabled };
enum class SignatureScheme { standard, hex, github, stripe };
// The shape of the body around the publisher's data (domain/envelope.h).
enum class Envelope { standard, event, type, raw };

std::string_view name_of(WebhookStatus status);
std::string_view name_of(SignatureScheme scheme);
std::string_view name_of(Envelope envelope);
std::optional<WebhookStatus> webhook_status_named(std::string_view name);
std::optional<SignatureScheme> signature_scheme_named(std::string_view name);
std::optional<Envelope> envelope_named(std::string_view name);

struct SignatureSettings {
  SignatureScheme scheme = SignatureScheme::standard;
  std::string header;  // hex: the header's name; empty = X-Webhook-Signature
  std::string
      header_prefix;     // stripe: also <Prefix>-Signature and <Prefix>-Timestamp; empty = none
  bool ed25519 = false;  // standard: sign with the webhook's Ed25519 key too (v1a)

  bool operator==(const SignatureSettings&) const = default;
};

struct CustomHeader {
  std::string name;
  Secret value;
  bool operator==(const CustomHeader&) const = default;
};

// What a person sets. Everything but header values is stored as JSON (domain/webhook_codec.h).
struct WebhookSettings {
  std::string url;
  std::vector<std::string> events;  // exact names, `*`, or a family `user.*`
  std::string name;
  std::string description;
  // Its id in the system it was moved from, unique among the tenant's webhooks; empty = none.
  std::string legacy_id;
  std::vector<CustomHeader> headers;
  SignatureSettings signature;
  Envelope envelope = Envelope::standard;
  RetryPolicy retry;
  Millis timeout = limits::kAttemptTimeoutDefault;
  int max_in_flight = limits::kInFlightDefault;
  // Failures in a row after which it is disabled (domain/auto_disable.h); none = never.
  std::optional<int> failure_threshold;
  Metadata metadata;

  bool operator==(const WebhookSettings&) const = default;
};

// A signing secret while it is valid. `text` is what the customer was shown: whsec_… or their own,
// or whsk_… for an Ed25519 key.
struct SigningSecret {
  int number = 0;  // 1, 2, … in the order made; binds the sealed bytes to this row
  Secret text;
  Timestamp created_at;
  std::optional<Timestamp> expires_at;  // set when it is rotated out

  bool is_valid_at(Timestamp now) const { return !expires_at || now < *expires_at; }
};

struct Webhook {
  WebhookId id;
  TenantId tenant;
  // Grows by one with every change; it is the ETag, and attempts remember it.
  std::int64_t version = 1;
  WebhookStatus status = WebhookStatus::active;
  std::string disabled_reason;  // a slug such as "gone" or "manual"; empty unless disabled
  // Queue rows planned with a version below this belong to a time before the webhook was disabled
  // or deleted: they are already over, and only wait to be moved into history (see
  // delivery/settle).
  std::int64_t settled_below = 0;
  bool is_deleted = false;
  WebhookSettings settings;
  std::vector<SigningSecret> secrets;  // newest first; expired ones may still be listed
  Timestamp created_at;
  Timestamp updated_at;
};

using WebhookPtr = std::shared_ptr<const Webhook>;

// Whether `pattern` (a name, `*` or `family.*`) asks for `event_type`. A family matches names below
// it, never itself.
bool matches(std::string_view pattern, std::string_view event_type);
bool wants(const WebhookSettings& settings, std::string_view event_type);

// `[A-Za-z0-9_-]+` groups joined by single dots, at most limits::kEventTypeBytesMax bytes.
bool is_event_type_name(std::string_view name);
bool is_event_pattern(std::string_view pattern);

// The name in `known` that is closest to `name` by edit distance, for "did you mean"; empty if
// `known` is empty.
std::string closest_name(std::string_view name, const std::vector<std::string>& known);

}  // namespace fanfare
