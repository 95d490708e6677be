// Signs what is sent to a webhook. Pure: bytes in, headers out; keyed HMAC state is prepared once
// for each secret (0.5 µs a signature against 2.0 with a one-shot HMAC).
//
// standard: Standard Webhooks 1.0.0 (v1 HMAC-SHA256, v1a Ed25519) · stripe:
// docs.stripe.com/webhooks/signature · github: docs.github.com "Validating webhook deliveries" ·
// hex: lower-case hex HMAC-SHA256 of the raw body.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "domain/outcome.h"
#include "domain/webhook.h"

namespace fanfare {

struct SignInput {
  std::string_view message_id;  // webhook-id; must not contain '.'
  Timestamp signed_at;          // of this attempt; sent in whole seconds
  std::string_view body;
};

// Immutable after make(); any thread.
class Signer {
 public:
  // `secrets` newest first. Errc::invalid if a current secret does not fit the scheme, a header
  // name is unfit, or no secret without an end is given. Passed over are a whsk_ text (v1a) unless
  // settings.ed25519 asks for it, and a rotated-out secret that does not fit.
  static Result<Signer> make(const SignatureSettings& settings,
                             std::span<const SigningSecret> secrets);

  // The signature headers with every secret valid at input.signed_at, newest first: `standard` and
  // `stripe` list all in one header; `hex` and `github` put a rotated-out one into
  // <header>-Previous; with a stripe header_prefix also <Prefix>-Signature (one value; -Previous
  // for the other) and <Prefix>-Timestamp.
  HeaderList sign(const SignInput& input) const;

  Signer(Signer&&) noexcept;
  Signer& operator=(Signer&&) noexcept;
  ~Signer();

 private:
  struct Impl;
  explicit Signer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The names of all headers that a scheme may send, lower case: custom headers may not use them.
std::vector<std::string> header_names(const SignatureSettings& settings);

// Whether the configured header name or prefix can be sent: a token that leaves the request's own
// headers alone. Signer::make() asks this, so whatever saves settings must ask it too; the message
// goes on from the field's name.
Result<void> check_signature_settings(const SignatureSettings& settings);

// A new secret: `whsec_` + base64 of 32 random bytes; for an Ed25519 key `whsk_` + base64 of seed
// and public key.
Secret generate_secret(Random& random);
// The same with the bytes as 64 hex digits: for schemes that sign with the whole text.
Secret generate_hex_secret(Random& random);
Secret generate_ed25519_key(Random& random);
// `whpk_` + base64 of the public key of a `whsk_` text.
Result<std::string> public_key_of(const Secret& ed25519_key);

// Whether a customer's own secret is fit for a scheme: `standard` wants whsec_ + base64 of 24–64
// bytes; the others 16–256 printable ASCII characters. Errc::invalid says what is wrong, without
// the secret.
Result<void> check_secret(SignatureScheme scheme, const Secret& secret);

}  // namespace fanfare
