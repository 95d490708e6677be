// The state of a half-finished SHA-256 can only be copied with the low-level calls that OpenSSL 3
// deprecates.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "bench/floor_signature.h"

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "bench/support/process.h"

namespace fanfare::bench {
namespace {

void start_with(SHA256_CTX& state, std::string_view key, unsigned char pad) {
  std::array<unsigned char, SHA256_CBLOCK> block{};
  std::copy(key.begin(), key.end(), block.begin());
  for (auto& byte : block) byte ^= pad;
  SHA256_Init(&state);
  SHA256_Update(&state, block.data(), block.size());
}

}  // namespace

SignatureKey::SignatureKey(std::string_view key) {
  if (key.size() > SHA256_CBLOCK) die("a signature key is at most 64 bytes");
  start_with(inner_, key, 0x36);
  start_with(outer_, key, 0x5c);
}

std::string_view SignatureKey::sign(std::initializer_list<std::string_view> parts) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  auto state = inner_;
  for (const auto part : parts) SHA256_Update(&state, part.data(), part.size());
  SHA256_Final(digest.data(), &state);
  state = outer_;
  SHA256_Update(&state, digest.data(), digest.size());
  SHA256_Final(digest.data(), &state);
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text_), digest.data(),
                                     static_cast<int>(digest.size()));
  return {text_, static_cast<std::size_t>(length)};
}

}  // namespace fanfare::bench
