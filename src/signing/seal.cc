#include "signing/seal.h"

#include <algorithm>
#include <memory>

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "base/assert.h"

namespace fanfare {
namespace {

constexpr std::uint8_t kVersion = 0x01;
constexpr std::size_t kKeyIdAt = 1;
constexpr std::size_t kNonceAt = 5;
constexpr std::size_t kCiphertextAt = 17;
constexpr std::size_t kTagBytes = 16;
constexpr std::size_t kKeyBytes = 32;
// OpenSSL counts in int; nothing sealed here comes near it.
constexpr std::size_t kTextBytesMax = 64 * 1024 * 1024;

struct FreeContext {
  void operator()(EVP_CIPHER_CTX* context) const { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, FreeContext>;

const unsigned char* data_of(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* data_of(std::string& bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}
int length_of(std::string_view bytes) {
  return static_cast<int>(bytes.size());
}

}  // namespace

std::string seal(const SealKey& key, const SealNonce& nonce, std::string_view additional_data,
                 const Secret& plaintext) {
  const std::string& text = plaintext.reveal();
  FANFARE_ASSERT(key.bytes.reveal().size() == kKeyBytes);
  FANFARE_ASSERT(text.size() <= kTextBytesMax && additional_data.size() <= kTextBytesMax);

  std::string sealed(kCiphertextAt + text.size() + kTagBytes, '\0');
  sealed[0] = static_cast<char>(kVersion);
  for (std::size_t i = 0; i < 4; ++i) {
    sealed[kKeyIdAt + i] = static_cast<char>((key.id >> (24 - 8 * i)) & 0xff);
  }
  std::copy(nonce.begin(), nonce.end(), sealed.begin() + kNonceAt);

  const Context context(EVP_CIPHER_CTX_new());
  FANFARE_ASSERT(context != nullptr);
  unsigned char* const out = data_of(sealed) + kCiphertextAt;
  int written = 0;
  int rest = 0;
  const bool is_sealed =
      EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), data_of(key.bytes.reveal()),
                          nonce.data(), nullptr) == 1 &&
      EVP_EncryptUpdate(context.get(), nullptr, &written, data_of(additional_data),
                        length_of(additional_data)) == 1 &&
      EVP_EncryptUpdate(context.get(), out, &written, data_of(text), length_of(text)) == 1 &&
      EVP_EncryptFinal_ex(context.get(), out + written, &rest) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTagBytes, out + text.size()) == 1;
  // With a key and a nonce of the right size only a broken library can fail here.
  FANFARE_ASSERT(is_sealed);
  return sealed;
}

Result<Secret> open_sealed(const SealKey& key, std::string_view additional_data,
                           std::string_view sealed) {
  FANFARE_ASSERT(key.bytes.reveal().size() == kKeyBytes);
  TRY(const std::uint32_t key_id, sealed_key_id(sealed));
  if (key_id != key.id) {
    return fail(Errc::corrupt, "sealed with key " + std::to_string(key_id) + ", not with key " +
                                   std::to_string(key.id));
  }
  const std::string_view ciphertext =
      sealed.substr(kCiphertextAt, sealed.size() - kCiphertextAt - kTagBytes);
  if (ciphertext.size() > kTextBytesMax || additional_data.size() > kTextBytesMax) {
    return fail(Errc::corrupt, "sealed bytes are longer than any that are made");
  }
  std::string tag(sealed.substr(sealed.size() - kTagBytes));

  const Context context(EVP_CIPHER_CTX_new());
  FANFARE_ASSERT(context != nullptr);
  std::string text(ciphertext.size(), '\0');
  int written = 0;
  int rest = 0;
  const bool is_open =
      EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), data_of(key.bytes.reveal()),
                          data_of(sealed.substr(kNonceAt)), nullptr) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &written, data_of(additional_data),
                        length_of(additional_data)) == 1 &&
      EVP_DecryptUpdate(context.get(), data_of(text), &written, data_of(ciphertext),
                        length_of(ciphertext)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTagBytes, tag.data()) == 1 &&
      EVP_DecryptFinal_ex(context.get(), data_of(text) + written, &rest) == 1;
  if (!is_open) {
    OPENSSL_cleanse(text.data(), text.size());
    return fail(Errc::corrupt,
                "sealed bytes do not open: they were changed, moved, or sealed with another key");
  }
  return Secret(std::move(text));
}

Result<std::uint32_t> sealed_key_id(std::string_view sealed) {
  if (sealed.size() < kCiphertextAt + kTagBytes) {
    return fail(Errc::corrupt, "sealed bytes are too short");
  }
  if (static_cast<std::uint8_t>(sealed[0]) != kVersion) {
    return fail(Errc::corrupt, "sealed bytes are of an unknown version");
  }
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    id = (id << 8) | static_cast<std::uint8_t>(sealed[kKeyIdAt + i]);
  }
  return id;
}

}  // namespace fanfare
