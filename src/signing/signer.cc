#include "signing/signer.h"

#include <variant>

#include "base/assert.h"
#include "base/encoding.h"
#include "signing/digest.h"
#include "signing/keys.h"
#include "signing/scheme.h"

namespace fanfare {
namespace {

struct PreparedKey {
  std::variant<HmacKey, Ed25519Key> key;
  std::optional<Timestamp> expires_at;

  bool is_valid_at(Timestamp now) const { return !expires_at || now < *expires_at; }
};

// nullopt for an Ed25519 key where none is asked for.
Result<std::optional<PreparedKey>> prepare(const SignatureSettings& settings,
                                           const SigningSecret& secret) {
  const bool is_standard = settings.scheme == SignatureScheme::standard;
  if (is_ed25519_text(secret.text)) {
    if (!is_standard || !settings.ed25519) return std::nullopt;
    TRY(Ed25519Key key, Ed25519Key::from_private_text(secret.text));
    return PreparedKey{std::move(key), secret.expires_at};
  }
  if (is_standard) {
    TRY(const Secret key, standard_key(secret.text));
    return PreparedKey{HmacKey(key.reveal()), secret.expires_at};
  }
  // Only emptiness is refused here: how long a customer's text must be is for check_secret, when it
  // is saved.
  if (secret.text.empty()) return fail(Errc::invalid, "an empty secret cannot sign");
  return PreparedKey{HmacKey(secret.text.reveal()), secret.expires_at};
}

std::string seconds_of(Timestamp t) {
  return std::to_string(std::chrono::floor<std::chrono::seconds>(t).time_since_epoch().count());
}

}  // namespace

struct Signer::Impl {
  SignatureSettings settings;
  std::string header;
  std::string previous_header;
  std::vector<PreparedKey> keys;  // newest first

  HeaderList sign_standard(const SignInput& input) const;
  HeaderList sign_stripe(const SignInput& input) const;
  HeaderList sign_body(const SignInput& input, std::string_view prefix) const;

  // Of the HMAC keys valid at a time the newest first; every scheme but `standard` has only these.
  std::vector<const HmacKey*> hmac_keys_at(Timestamp now) const {
    std::vector<const HmacKey*> valid;
    for (const PreparedKey& key : keys) {
      if (key.is_valid_at(now)) valid.push_back(&std::get<HmacKey>(key.key));
    }
    return valid;
  }
};

Signer::Signer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Signer::Signer(Signer&&) noexcept = default;
Signer& Signer::operator=(Signer&&) noexcept = default;
Signer::~Signer() = default;

Result<Signer> Signer::make(const SignatureSettings& settings,
                            std::span<const SigningSecret> secrets) {
  TRY_VOID(check_signature_settings(settings));
  auto impl = std::make_unique<Impl>();
  impl->settings = settings;
  impl->header = signature_header(settings);
  impl->previous_header = previous_of(impl->header);
  bool has_lasting_key = false;
  for (const SigningSecret& secret : secrets) {
    auto key = prepare(settings, secret);
    // A rotated-out secret may be of the scheme that the webhook had before; deliveries must not
    // wait for its end.
    if (!key && secret.expires_at) continue;
    if (!key) return tl::unexpected(std::move(key).error());
    if (!*key) continue;
    has_lasting_key = has_lasting_key || !secret.expires_at;
    impl->keys.push_back(**std::move(key));
  }
  // So sign() always has a key, whatever the time: an unsigned request must never leave.
  if (!has_lasting_key) {
    return fail(Errc::invalid, "no secret without an end is given that can sign in this scheme");
  }
  return Signer(std::move(impl));
}

HeaderList Signer::sign(const SignInput& input) const {
  switch (impl_->settings.scheme) {
    case SignatureScheme::standard:
      return impl_->sign_standard(input);
    case SignatureScheme::stripe:
      return impl_->sign_stripe(input);
    case SignatureScheme::github:
      return impl_->sign_body(input, kGithubPrefix);
    case SignatureScheme::hex:
      break;
  }
  return impl_->sign_body(input, "");
}

HeaderList Signer::Impl::sign_standard(const SignInput& input) const {
  // A dot in the id would let "a.1" + "2" carry the signature of "a" + "1.2".
  FANFARE_ASSERT(!input.message_id.empty() && input.message_id.find('.') == std::string_view::npos);
  const std::string timestamp = seconds_of(input.signed_at);
  std::string list;
  for (const PreparedKey& key : keys) {
    if (!key.is_valid_at(input.signed_at)) continue;
    if (!list.empty()) list += ' ';
    if (const auto* hmac = std::get_if<HmacKey>(&key.key)) {
      const Digest mac = hmac->mac({input.message_id, ".", timestamp, ".", input.body});
      list += "v1," + base64_encode(mac);
      continue;
    }
    std::string message;
    message.reserve(input.message_id.size() + timestamp.size() + input.body.size() + 2);
    message.append(input.message_id).append(".").append(timestamp).append(".").append(input.body);
    list += "v1a," + base64_encode(bytes_of(std::get<Ed25519Key>(key.key).sign(message)));
  }
  return {{std::string(kIdHeader), std::string(input.message_id)},
          {std::string(kTimestampHeader), timestamp},
          {header, std::move(list)}};
}

HeaderList Signer::Impl::sign_stripe(const SignInput& input) const {
  const std::string timestamp = seconds_of(input.signed_at);
  std::vector<std::string> signatures;
  for (const HmacKey* key : hmac_keys_at(input.signed_at)) {
    signatures.push_back(",v1=" + hex_encode(key->mac({timestamp, ".", input.body})));
  }
  const std::string time_part = "t=" + timestamp;
  std::string all = time_part;
  for (const std::string& signature : signatures) all += signature;

  HeaderList headers{{header, std::move(all)}};
  if (settings.header_prefix.empty()) return headers;
  const std::string own = settings.header_prefix + "-Signature";
  headers.emplace_back(own, time_part + signatures[0]);
  if (signatures.size() > 1) headers.emplace_back(previous_of(own), time_part + signatures[1]);
  headers.emplace_back(settings.header_prefix + "-Timestamp", timestamp);
  return headers;
}

HeaderList Signer::Impl::sign_body(const SignInput& input, std::string_view prefix) const {
  const auto valid = hmac_keys_at(input.signed_at);
  const auto value = [&](const HmacKey& key) {
    return std::string(prefix) + hex_encode(key.mac({input.body}));
  };
  HeaderList headers{{header, value(*valid[0])}};
  if (valid.size() > 1) headers.emplace_back(previous_header, value(*valid[1]));
  return headers;
}

}  // namespace fanfare
