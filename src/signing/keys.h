// The keys inside the texts that customers see: `whsec_` (HMAC), `whsk_` (Ed25519, private) and
// `whpk_` (Ed25519, public), each followed by base64. Used by signer.cc and verifier.cc only;
// refuses anything that does not decode to exactly one key, so that a wrong secret is found when it
// is saved and not by the receiver. No message here repeats a secret.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

struct evp_pkey_st;

namespace fanfare {

inline constexpr std::string_view kHmacPrefix = "whsec_";
inline constexpr std::string_view kPrivatePrefix = "whsk_";
inline constexpr std::string_view kPublicPrefix = "whpk_";
inline constexpr std::size_t kSeedBytes = 32;
inline constexpr std::size_t kPublicKeyBytes = 32;

inline bool is_ed25519_text(const Secret& text) {
  return text.reveal().starts_with(kPrivatePrefix);
}

// The 24–64 bytes of a `whsec_` text. Errc::invalid otherwise.
Result<Secret> standard_key(const Secret& text);

// One Ed25519 key (RFC 8032), private or public. Immutable; any thread.
class Ed25519Key {
 public:
  static Ed25519Key from_seed(std::string_view seed);
  // `whsk_` and base64 of seed and public key; the public half must belong to the seed.
  static Result<Ed25519Key> from_private_text(const Secret& text);
  static Result<Ed25519Key> from_public_text(std::string_view text);

  std::string public_bytes() const;
  std::string sign(std::string_view message) const;  // needs a private key
  bool verify(std::string_view message, std::string_view signature) const;

 private:
  explicit Ed25519Key(std::shared_ptr<evp_pkey_st> key) : key_(std::move(key)) {}
  std::shared_ptr<evp_pkey_st> key_;
};

}  // namespace fanfare
