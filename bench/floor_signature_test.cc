#include "bench/floor_signature.h"

#include <string>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace fanfare::bench {
namespace {

std::string one_shot(const std::string& key, const std::string& text) {
  unsigned char digest[32];
  unsigned length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest, &length);
  unsigned char base64[64];
  const int size = EVP_EncodeBlock(base64, digest, static_cast<int>(length));
  return {reinterpret_cast<const char*>(base64), static_cast<std::size_t>(size)};
}

TEST(SignatureKey, SignsLikeAOneShotHmacEachTime) {
  const std::string bytes = "a key of any length up to a block";
  SignatureKey key(bytes);

  for (const std::string body : {"", "{}", "a longer body"}) {
    EXPECT_EQ(key.sign({"id.", "1700000000.", body}), one_shot(bytes, "id.1700000000." + body));
  }
}

}  // namespace
}  // namespace fanfare::bench
