#include "signing/keys.h"

#include <array>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/encoding.h"
#include "base/random.h"
#include "signing/digest.h"
#include "signing/signer.h"

namespace fanfare {
namespace {

constexpr std::size_t kHmacKeyBytesMin = 24;  // Standard Webhooks 1.0.0, "Symmetric"
constexpr std::size_t kHmacKeyBytesMax = 64;
constexpr std::size_t kTextBytesMin = 16;
constexpr std::size_t kTextBytesMax = 256;
constexpr std::size_t kSignatureBytes = 64;

struct FreeContext {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data_of(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

Secret with_prefix(std::string_view prefix, std::string_view bytes) {
  return Secret(std::string(prefix) + base64_encode(bytes_of(bytes)));
}

}  // namespace

Result<Secret> standard_key(const Secret& text) {
  if (!text.reveal().starts_with(kHmacPrefix)) {
    return fail(Errc::invalid, "a secret of the standard scheme starts with \"whsec_\"");
  }
  auto decoded = base64_decode(std::string_view(text.reveal()).substr(kHmacPrefix.size()));
  if (!decoded) {
    return fail(Errc::invalid,
                "the part of the secret after \"whsec_\" is not base64 with padding");
  }
  Secret key(*std::move(decoded));
  const std::size_t bytes = key.reveal().size();
  if (bytes < kHmacKeyBytesMin || bytes > kHmacKeyBytesMax) {
    return fail(Errc::invalid, "a secret of the standard scheme holds 24 to 64 bytes, this one " +
                                   std::to_string(bytes));
  }
  return key;
}

Ed25519Key Ed25519Key::from_seed(std::string_view seed) {
  FANFARE_ASSERT(seed.size() == kSeedBytes);
  EVP_PKEY* const key =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, data_of(seed), seed.size());
  FANFARE_ASSERT(key != nullptr);
  return Ed25519Key({key, EVP_PKEY_free});
}

Result<Ed25519Key> Ed25519Key::from_private_text(const Secret& text) {
  if (!is_ed25519_text(text)) {
    return fail(Errc::invalid, "an Ed25519 private key starts with \"whsk_\"");
  }
  auto decoded = base64_decode(std::string_view(text.reveal()).substr(kPrivatePrefix.size()));
  if (!decoded) {
    return fail(Errc::invalid, "the part of the key after \"whsk_\" is not base64 with padding");
  }
  const Secret bytes(*std::move(decoded));
  if (bytes.reveal().size() != kSeedBytes + kPublicKeyBytes) {
    return fail(Errc::invalid,
                "an Ed25519 private key holds 64 bytes: the seed and the public key");
  }
  const std::string_view halves = bytes.reveal();
  Ed25519Key key = from_seed(halves.substr(0, kSeedBytes));
  if (key.public_bytes() != halves.substr(kSeedBytes)) {
    return fail(Errc::invalid, "the two halves of the Ed25519 key do not belong together");
  }
  return key;
}

Result<Ed25519Key> Ed25519Key::from_public_text(std::string_view text) {
  if (!text.starts_with(kPublicPrefix)) {
    return fail(Errc::invalid, "an Ed25519 public key starts with \"whpk_\"");
  }
  TRY(const std::string bytes, base64_decode(text.substr(kPublicPrefix.size())));
  if (bytes.size() != kPublicKeyBytes) {
    return fail(Errc::invalid, "an Ed25519 public key holds 32 bytes");
  }
  EVP_PKEY* const key =
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, data_of(bytes), bytes.size());
  FANFARE_ASSERT(key != nullptr);
  return Ed25519Key({key, EVP_PKEY_free});
}

std::string Ed25519Key::public_bytes() const {
  std::string bytes(kPublicKeyBytes, '\0');
  std::size_t length = bytes.size();
  const bool is_read = EVP_PKEY_get_raw_public_key(key_.get(), data_of(bytes), &length) == 1;
  FANFARE_ASSERT(is_read && length == kPublicKeyBytes);
  return bytes;
}

std::string Ed25519Key::sign(std::string_view message) const {
  const Context context(EVP_MD_CTX_new());
  std::string signature(kSignatureBytes, '\0');
  std::size_t length = signature.size();
  const bool is_signed =
      EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
      EVP_DigestSign(context.get(), data_of(signature), &length, data_of(message),
                     message.size()) == 1;
  FANFARE_ASSERT(is_signed && length == kSignatureBytes);
  return signature;
}

bool Ed25519Key::verify(std::string_view message, std::string_view signature) const {
  if (signature.size() != kSignatureBytes) return false;
  const Context context(EVP_MD_CTX_new());
  return EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, key_.get()) == 1 &&
         EVP_DigestVerify(context.get(), data_of(signature), signature.size(), data_of(message),
                          message.size()) == 1;
}

Secret generate_secret(Random& random) {
  std::array<std::uint8_t, 32> bytes;
  random.fill(bytes);
  return Secret(std::string(kHmacPrefix) + base64_encode(bytes));
}

Secret generate_hex_secret(Random& random) {
  std::array<std::uint8_t, 32> bytes;
  random.fill(bytes);
  return Secret(std::string(kHmacPrefix) + hex_encode(bytes));
}

Secret generate_ed25519_key(Random& random) {
  std::string seed(kSeedBytes, '\0');
  random.fill({data_of(seed), seed.size()});
  const Secret halves(seed + Ed25519Key::from_seed(seed).public_bytes());
  return with_prefix(kPrivatePrefix, halves.reveal());
}

Result<std::string> public_key_of(const Secret& ed25519_key) {
  TRY(const Ed25519Key key, Ed25519Key::from_private_text(ed25519_key));
  return std::string(kPublicPrefix) + base64_encode(bytes_of(key.public_bytes()));
}

Result<void> check_secret(SignatureScheme scheme, const Secret& secret) {
  if (scheme == SignatureScheme::standard) {
    TRY([[maybe_unused]] const Secret key, standard_key(secret));
    return {};
  }
  const std::string& text = secret.reveal();
  if (text.size() < kTextBytesMin || text.size() > kTextBytesMax) {
    return fail(Errc::invalid,
                "a secret has 16 to 256 characters, this one " + std::to_string(text.size()));
  }
  for (const char c : text) {
    if (c < 0x20 || c > 0x7e) {
      return fail(Errc::invalid, "a secret holds printable ASCII characters only");
    }
  }
  if (is_ed25519_text(secret)) {
    return fail(Errc::invalid, "\"whsk_\" marks an Ed25519 private key, which is no shared secret");
  }
  return {};
}

}  // namespace fanfare
