// JwtVerifier: one key that bearer tokens may be signed with, and the one algorithm it is for. The
// algorithm belongs to the key and is never taken from a token (RFC 8725 3.1): a public key is no
// HMAC secret here, whatever a token says, and a secret that looks like a public key is refused
// when it is configured.
//
// Immutable; any thread. Reads no file: bytes come in.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "signing/digest.h"

struct evp_pkey_st;

namespace fanfare {

enum class JwtAlgorithm { hs256, rs256, es256, eddsa };

std::string_view name_of(JwtAlgorithm algorithm);  // "HS256", as tokens write it
std::optional<JwtAlgorithm> jwt_algorithm_named(std::string_view name);

class JwtVerifier {
 public:
  // HS256 with the bytes of the secret. Errc::invalid for fewer than 32, and for what is a public
  // key in PEM, JWK, SSH or DER form: everybody may know it.
  static Result<JwtVerifier> from_secret(const Secret& secret);
  // RS256 (2048 to 8192 bits), ES256 (P-256) or EdDSA (Ed25519) with a public key: PEM
  // ("BEGIN PUBLIC KEY") or a JSON Web Key (RFC 7517). Errc::invalid says what it is instead.
  static Result<JwtVerifier> from_public_key(JwtAlgorithm algorithm, std::string_view text);

  JwtAlgorithm algorithm() const { return algorithm_; }
  // `signature` as in the token, decoded. Of ES256: r and s, 32 bytes each.
  bool verify(std::string_view signed_text, std::string_view signature) const;

 private:
  explicit JwtVerifier(const HmacKey& key) : algorithm_(JwtAlgorithm::hs256), hmac_(key) {}
  JwtVerifier(JwtAlgorithm algorithm, std::shared_ptr<evp_pkey_st> key)
      : algorithm_(algorithm), public_key_(std::move(key)) {}

  JwtAlgorithm algorithm_;
  std::optional<HmacKey> hmac_;              // of HS256
  std::shared_ptr<evp_pkey_st> public_key_;  // of the others
};

}  // namespace fanfare
