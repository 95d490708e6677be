#include "auth/jwt_key.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/decoder.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace fanfare {
namespace {

constexpr std::size_t kSecretBytesMin = 32;  // RFC 7518 3.2
constexpr int kRsaBitsMin = 2048;            // RFC 7518 3.3
constexpr int kRsaBitsMax = 8192;            // more only makes each request slow
constexpr std::size_t kCoordinateBytes = 32;
constexpr std::size_t kKeyTextBytesMax = 64 * 1024;

template <class T, void (*Free)(T*)>
struct FreeWith {
  void operator()(T* it) const { Free(it); }
};
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeWith<EVP_MD_CTX, EVP_MD_CTX_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeWith<EVP_PKEY_CTX, EVP_PKEY_CTX_free>>;
using Decoder =
    std::unique_ptr<OSSL_DECODER_CTX, FreeWith<OSSL_DECODER_CTX, OSSL_DECODER_CTX_free>>;
using ParamBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreeWith<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeWith<OSSL_PARAM, OSSL_PARAM_free>>;
using Number = std::unique_ptr<BIGNUM, FreeWith<BIGNUM, BN_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreeWith<ECDSA_SIG, ECDSA_SIG_free>>;
using PublicKey = std::shared_ptr<EVP_PKEY>;

tl::unexpected<Error> invalid(std::string message) {
  // What OpenSSL left behind would be found by the next who asks it.
  ERR_clear_error();
  return fail(Errc::invalid, std::move(message));
}

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

Number number_of(std::string_view bytes) {
  return Number(BN_bin2bn(data_of(bytes), static_cast<int>(bytes.size()), nullptr));
}

// The public key in the text, of whatever type; null if there is none. `form` is "PEM" or "DER".
PublicKey decoded(const char* form, std::string_view text) {
  EVP_PKEY* key = nullptr;
  const Decoder decoder(OSSL_DECODER_CTX_new_for_pkey(&key, form, nullptr, nullptr,
                                                      EVP_PKEY_PUBLIC_KEY, nullptr, nullptr));
  const unsigned char* data = data_of(text);
  std::size_t size = text.size();
  const bool is_decoded =
      decoder != nullptr && OSSL_DECODER_from_data(decoder.get(), &data, &size) == 1;
  ERR_clear_error();
  PublicKey found(key, EVP_PKEY_free);
  return is_decoded ? found : nullptr;
}

// ---- JSON Web Keys ----

using JwkMembers = std::vector<JsonMember>;

bool has_member(const JwkMembers& jwk, std::string_view name) {
  return std::any_of(jwk.begin(), jwk.end(),
                     [name](const JsonMember& m) { return unescape_json(m.key) == name; });
}

// The text of a string member; empty if it is absent or of another type.
std::string text_in(const JwkMembers& jwk, std::string_view name) {
  for (const JsonMember& member : jwk) {
    if (unescape_json(member.key) != name || !member.value.starts_with('"')) continue;
    return unescape_json(member.value.substr(1, member.value.size() - 2));
  }
  return {};
}

std::string bytes_in(const JwkMembers& jwk, std::string_view name) {
  return base64url_decode(text_in(jwk, name)).value_or("");
}

PublicKey made_from(const char* type, OSSL_PARAM_BLD* builder) {
  const Params params(OSSL_PARAM_BLD_to_param(builder));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  const bool is_made =
      params != nullptr && context != nullptr && EVP_PKEY_fromdata_init(context.get()) == 1 &&
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) == 1;
  PublicKey made(key, EVP_PKEY_free);
  return is_made ? made : nullptr;
}

PublicKey rsa_key_of(const JwkMembers& jwk) {
  const std::string n = bytes_in(jwk, "n");
  const std::string e = bytes_in(jwk, "e");
  if (n.empty() || e.empty()) return nullptr;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  const Number modulus = number_of(n);
  const Number exponent = number_of(e);
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return made_from("RSA", builder.get());
}

PublicKey ec_key_of(const JwkMembers& jwk) {
  const std::string x = bytes_in(jwk, "x");
  const std::string y = bytes_in(jwk, "y");
  const bool is_p256 = text_in(jwk, "crv") == "P-256" && x.size() == kCoordinateBytes &&
                       y.size() == kCoordinateBytes;
  if (!is_p256) return nullptr;
  const std::string point = '\4' + x + y;
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                   point.size());
  return made_from("EC", builder.get());
}

PublicKey ed25519_key_of(const JwkMembers& jwk) {
  const std::string x = bytes_in(jwk, "x");
  if (text_in(jwk, "crv") != "Ed25519" || x.size() != kCoordinateBytes) return nullptr;
  return {EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(x), x.size()),
          EVP_PKEY_free};
}

Result<PublicKey> key_of_jwk(JwtAlgorithm algorithm, std::string_view text) {
  const auto jwk = scan_json_object(text);
  if (!jwk) return invalid("is not a JSON Web Key: " + jwk.error().message);
  if (has_member(*jwk, "d") || has_member(*jwk, "k"))
    return invalid("holds a private or secret key; give the public one, and keep this one away");
  const std::string alg = text_in(*jwk, "alg");
  if (!alg.empty() && alg != name_of(algorithm))
    return invalid("is a key for " + alg + ", not for " + std::string(name_of(algorithm)));
  const std::string use = text_in(*jwk, "use");
  if (!use.empty() && use != "sig") return invalid("is a key for something else than signatures");
  const std::string kty = text_in(*jwk, "kty");
  PublicKey key;
  if (kty == "RSA") key = rsa_key_of(*jwk);
  if (kty == "EC") key = ec_key_of(*jwk);
  if (kty == "OKP") key = ed25519_key_of(*jwk);
  if (key == nullptr)
    return invalid("holds no key of the kinds RSA, EC with P-256 or OKP with Ed25519");
  return key;
}

// ---- what each algorithm takes ----

bool is_p256(const EVP_PKEY* key) {
  std::array<char, 64> group{};
  std::size_t length = 0;
  return EVP_PKEY_get_group_name(key, group.data(), group.size(), &length) == 1 &&
         std::string_view(group.data(), length) == "prime256v1";
}

Result<void> check_fits(JwtAlgorithm algorithm, EVP_PKEY* key) {
  const int type = EVP_PKEY_get_base_id(key);
  if (algorithm == JwtAlgorithm::rs256) {
    if (type != EVP_PKEY_RSA) return invalid("is not an RSA key, which RS256 takes");
    const int bits = EVP_PKEY_get_bits(key);
    if (bits < kRsaBitsMin || bits > kRsaBitsMax)
      return invalid("is an RSA key of " + std::to_string(bits) +
                     " bits; RS256 takes 2048 to 8192");
  }
  if (algorithm == JwtAlgorithm::es256 && (type != EVP_PKEY_EC || !is_p256(key)))
    return invalid("is not a P-256 key, which ES256 takes");
  if (algorithm == JwtAlgorithm::eddsa && type != EVP_PKEY_ED25519)
    return invalid("is not an Ed25519 key, which EdDSA takes");
  const KeyContext context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
  // Ed25519 has nothing to check in OpenSSL 3.0: every 32 bytes name a key or fail each signature.
  if (type != EVP_PKEY_ED25519 && EVP_PKEY_public_check(context.get()) != 1)
    return invalid("holds numbers that are no key");
  return {};
}

bool looks_public(std::string_view secret) {
  for (const std::string_view start : {"ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-"}) {
    if (secret.starts_with(start)) return true;
  }
  if (secret.find("-----BEGIN ") != std::string_view::npos) return true;
  const auto members = scan_json_object(secret);
  if (members && (has_member(*members, "kty") || has_member(*members, "keys"))) return true;
  return decoded("DER", secret) != nullptr;
}

// r and s as the DER sequence that OpenSSL takes; empty if they are not 32 bytes each.
std::string der_of(std::string_view signature) {
  if (signature.size() != 2 * kCoordinateBytes) return {};
  Number r = number_of(signature.substr(0, kCoordinateBytes));
  Number s = number_of(signature.substr(kCoordinateBytes));
  const EcdsaSignature pair(ECDSA_SIG_new());
  FANFARE_ASSERT(r != nullptr && s != nullptr && pair != nullptr);
  ECDSA_SIG_set0(pair.get(), r.release(), s.release());
  std::string der(static_cast<std::size_t>(i2d_ECDSA_SIG(pair.get(), nullptr)), '\0');
  auto* out = reinterpret_cast<unsigned char*>(der.data());
  i2d_ECDSA_SIG(pair.get(), &out);
  return der;
}

}  // namespace

std::string_view name_of(JwtAlgorithm algorithm) {
  switch (algorithm) {
    case JwtAlgorithm::hs256:
      return "HS256";
    case JwtAlgorithm::rs256:
      return "RS256";
    case JwtAlgorithm::es256:
      return "ES256";
    case JwtAlgorithm::eddsa:
      return "EdDSA";
  }
  FANFARE_ASSERT(false);
  return "";
}

std::optional<JwtAlgorithm> jwt_algorithm_named(std::string_view name) {
  for (const auto algorithm :
       {JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::es256, JwtAlgorithm::eddsa}) {
    if (name == name_of(algorithm)) return algorithm;
  }
  return std::nullopt;
}

Result<JwtVerifier> JwtVerifier::from_secret(const Secret& secret) {
  const std::string_view bytes = secret.reveal();
  if (bytes.size() > kKeyTextBytesMax) return invalid("is longer than 64 KiB");
  if (looks_public(bytes))
    return invalid(
        "is a key in the form of a public one, which everybody may know; HS256 takes a random "
        "secret, and a public key wants RS256, ES256 or EdDSA");
  if (bytes.size() < kSecretBytesMin)
    return invalid("has " + std::to_string(bytes.size()) +
                   " bytes; HS256 takes a secret of at least 32, which cannot be guessed");
  return JwtVerifier(HmacKey(bytes));
}

Result<JwtVerifier> JwtVerifier::from_public_key(JwtAlgorithm algorithm, std::string_view text) {
  FANFARE_ASSERT(algorithm != JwtAlgorithm::hs256);
  if (text.size() > kKeyTextBytesMax) return invalid("is longer than 64 KiB");
  if (text.find("PRIVATE KEY-----") != std::string_view::npos)
    return invalid("holds a private key; give the public one, and keep this one away");
  const auto start = text.find_first_not_of(" \t\r\n");
  PublicKey key;
  if (start != std::string_view::npos && text[start] == '{') {
    TRY(key, key_of_jwk(algorithm, text));
  } else if (text.find("-----BEGIN PUBLIC KEY-----") != std::string_view::npos) {
    key = decoded("PEM", text);
  }
  if (key == nullptr)
    return invalid(
        "holds no public key: it must be PEM that begins with \"-----BEGIN PUBLIC KEY-----\" or a "
        "JSON Web Key");
  TRY_VOID(check_fits(algorithm, key.get()));
  return JwtVerifier(algorithm, std::move(key));
}

bool JwtVerifier::verify(std::string_view signed_text, std::string_view signature) const {
  if (algorithm_ == JwtAlgorithm::hs256) {
    const Digest mac = hmac_->mac({signed_text});
    return equal_constant_time({reinterpret_cast<const char*>(mac.data()), mac.size()}, signature);
  }
  std::string der;
  if (algorithm_ == JwtAlgorithm::es256) {
    der = der_of(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const DigestContext context(EVP_MD_CTX_new());
  FANFARE_ASSERT(context != nullptr);
  const EVP_MD* hash = algorithm_ == JwtAlgorithm::eddsa ? nullptr : EVP_sha256();
  const bool is_good =
      EVP_DigestVerifyInit(context.get(), nullptr, hash, nullptr, public_key_.get()) == 1 &&
      EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(signed_text),
                       signed_text.size()) == 1;
  ERR_clear_error();
  return is_good;
}

}  // namespace fanfare
