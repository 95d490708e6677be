#include "signing/verifier.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"
#include "base/encoding.h"
#include "signing/digest.h"
#include "signing/keys.h"
#include "signing/scheme.h"

namespace fanfare {
namespace {

constexpr std::chrono::seconds kTolerance{300};
// Each v1a entry costs a public key operation, so one header must not hold hundreds.
constexpr std::size_t kSignaturesMax = 16;
// Twelve digits reach the year 33658.
constexpr std::size_t kTimestampDigitsMax = 12;

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// nullopt if it is absent. Errc::invalid if it is there twice: two readers would pick different
// ones.
Result<std::optional<std::string_view>> find_header(const HeaderList& headers,
                                                    std::string_view name) {
  std::optional<std::string_view> found;
  for (const auto& [key, value] : headers) {
    if (!equals_ignoring_case(key, name)) continue;
    if (found) return fail(Errc::invalid, "the header " + std::string(name) + " appears twice");
    found = value;
  }
  return found;
}

Result<std::string_view> require_header(const HeaderList& headers, std::string_view name) {
  TRY(const auto found, find_header(headers, name));
  if (!found) return fail(Errc::invalid, "the header " + std::string(name) + " is missing");
  return *found;
}

Result<std::chrono::seconds> parse_timestamp(std::string_view text) {
  std::int64_t seconds = 0;
  const bool is_canonical = !text.empty() && text.size() <= kTimestampDigitsMax &&
                            text.find_first_not_of("0123456789") == std::string_view::npos &&
                            (text.size() == 1 || text[0] != '0');
  if (is_canonical) std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (!is_canonical) {
    return fail(Errc::invalid, "the timestamp is not a whole number of seconds in plain digits");
  }
  return std::chrono::seconds{seconds};
}

Result<void> check_age(std::chrono::seconds sent, Timestamp now) {
  const auto age = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch() - sent;
  if (age > kTolerance) {
    return fail(Errc::invalid, "the timestamp is " + std::to_string(age.count()) +
                                   " seconds old, and 300 are allowed");
  }
  if (age < -kTolerance) {
    return fail(Errc::invalid, "the timestamp is " + std::to_string(-age.count()) +
                                   " seconds in the future, and 300 are allowed");
  }
  return {};
}

bool equal(const Digest& expected, std::string_view given) {
  return equal_constant_time({reinterpret_cast<const char*>(expected.data()), expected.size()},
                             given);
}

// Checks one decoded signature of the version that the secret is for.
class StandardCheck {
 public:
  static Result<StandardCheck> make(const Secret& secret, std::string message) {
    StandardCheck check;
    check.message_ = std::move(message);
    if (is_ed25519_text(secret)) {
      TRY(check.ed25519_, Ed25519Key::from_private_text(secret));
    } else if (secret.reveal().starts_with(kPublicPrefix)) {
      TRY(check.ed25519_, Ed25519Key::from_public_text(secret.reveal()));
    } else {
      TRY(const Secret key, standard_key(secret));
      check.mac_ = HmacKey(key.reveal()).mac({check.message_});
    }
    return check;
  }
  std::string_view version() const { return ed25519_ ? "v1a" : "v1"; }
  bool accepts(std::string_view signature) const {
    return ed25519_ ? ed25519_->verify(message_, signature) : equal(mac_, signature);
  }

 private:
  std::string message_;
  std::optional<Ed25519Key> ed25519_;
  Digest mac_{};
};

Result<void> check_list(const StandardCheck& check, std::string_view list) {
  const auto entries = split(list, ' ');
  if (entries.size() > kSignaturesMax) {
    return fail(Errc::invalid, "webhook-signature holds more than 16 signatures");
  }
  bool has_version = false;
  for (const std::string_view entry : entries) {
    const std::size_t comma = entry.find(',');
    if (comma == std::string_view::npos || entry.substr(0, comma) != check.version()) continue;
    has_version = true;
    const auto signature = base64_decode(entry.substr(comma + 1));
    if (signature && check.accepts(*signature)) return {};
  }
  if (!has_version) {
    return fail(Errc::invalid, "webhook-signature holds no signature of version " +
                                   std::string(check.version()) + ", which this secret makes");
  }
  return fail(Errc::invalid,
              "no signature in webhook-signature matches: another secret, or other bytes");
}

Result<void> verify_standard(const Secret& secret, const HeaderList& headers, std::string_view body,
                             Timestamp now) {
  TRY(const std::string_view id, require_header(headers, kIdHeader));
  TRY(const std::string_view timestamp, require_header(headers, kTimestampHeader));
  TRY(const std::string_view list, require_header(headers, "webhook-signature"));
  if (id.empty() || id.find('.') != std::string_view::npos) {
    return fail(Errc::invalid, "webhook-id is empty or holds a dot");
  }
  TRY(const auto sent, parse_timestamp(timestamp));
  std::string message;
  message.append(id).append(".").append(timestamp).append(".").append(body);
  TRY(const auto check, StandardCheck::make(secret, std::move(message)));
  TRY_VOID(check_list(check, list));
  return check_age(sent, now);
}

struct StripeHeader {
  std::string_view timestamp;
  std::vector<std::string_view> signatures;
};

Result<StripeHeader> parse_stripe(std::string_view text) {
  StripeHeader header;
  bool has_timestamp = false;
  for (const std::string_view part : split(text, ',')) {
    if (part.starts_with("t=")) {
      if (has_timestamp) return fail(Errc::invalid, "Stripe-Signature holds two timestamps");
      has_timestamp = true;
      header.timestamp = part.substr(2);
    } else if (part.starts_with("v1=")) {
      header.signatures.push_back(part.substr(3));
    }
  }
  if (!has_timestamp) return fail(Errc::invalid, "Stripe-Signature holds no timestamp (t=)");
  if (header.signatures.empty()) {
    return fail(Errc::invalid, "Stripe-Signature holds no signature of version v1");
  }
  return header;
}

bool matches_hex(const Digest& expected, std::string_view text) {
  const auto given = hex_decode(text);
  return given && equal(expected, *given);
}

Result<void> verify_stripe(const Secret& secret, const HeaderList& headers, std::string_view body,
                           Timestamp now) {
  TRY(const std::string_view text, require_header(headers, "Stripe-Signature"));
  TRY(const StripeHeader header, parse_stripe(text));
  TRY(const auto sent, parse_timestamp(header.timestamp));
  const Digest expected = HmacKey(secret.reveal()).mac({header.timestamp, ".", body});
  const auto is_right = [&](std::string_view given) { return matches_hex(expected, given); };
  if (std::ranges::none_of(header.signatures, is_right)) {
    return fail(Errc::invalid,
                "no signature in Stripe-Signature matches: another secret, or other bytes");
  }
  return check_age(sent, now);
}

// A receiver that still holds the rotated-out secret finds its signature in the second header.
Result<void> verify_body(const SignatureSettings& settings, const Secret& secret,
                         const HeaderList& headers, std::string_view body) {
  const bool is_github = settings.scheme == SignatureScheme::github;
  const std::string_view prefix = is_github ? kGithubPrefix : "";
  const std::string name = signature_header(settings);
  TRY(const std::string_view newest, require_header(headers, name));
  TRY(const auto previous, find_header(headers, previous_of(name)));
  if (!newest.starts_with(prefix)) {
    return fail(Errc::invalid,
                "the header " + name + " does not start with " + std::string(prefix));
  }
  const Digest expected = HmacKey(secret.reveal()).mac({body});
  const auto is_right = [&](std::string_view value) {
    return value.starts_with(prefix) && matches_hex(expected, value.substr(prefix.size()));
  };
  if (is_right(newest) || (previous && is_right(*previous))) return {};
  return fail(Errc::invalid,
              "the signature in " + name + " does not match: another secret, or other bytes");
}

}  // namespace

Result<void> verify(const SignatureSettings& settings, const Secret& secret,
                    const HeaderList& headers, std::string_view body, Timestamp now) {
  if (secret.empty()) return fail(Errc::invalid, "an empty secret verifies nothing");
  switch (settings.scheme) {
    case SignatureScheme::standard:
      return verify_standard(secret, headers, body, now);
    case SignatureScheme::stripe:
      return verify_stripe(secret, headers, body, now);
    case SignatureScheme::hex:
    case SignatureScheme::github:
      break;
  }
  return verify_body(settings, secret, headers, body);
}

}  // namespace fanfare
