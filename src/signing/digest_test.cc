#include "signing/digest.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/encoding.h"

namespace fanfare {
namespace {

using std::string_literals::operator""s;

// OpenSSL's own one-shot HMAC is the reference.
std::string reference_mac(const std::string& key, const std::string& body) {
  unsigned char out[32];
  unsigned int length = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(body.data()), body.size(), out, &length);
  return hex_encode({out, length});
}

TEST(Sha256, MatchesThePublishedVectors) {
  EXPECT_EQ(hex_encode(sha256("")),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex_encode(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, AsTextHoldsTheSame32Bytes) {
  const std::string bytes = sha256_bytes("abc");

  EXPECT_EQ(bytes.size(), 32u);
  EXPECT_EQ(hex_encode(bytes_of(bytes)), hex_encode(sha256("abc")));
}

TEST(HmacKey, MatchesRfc4231) {
  EXPECT_EQ(hex_encode(HmacKey("Jefe").mac({"what do ya want for nothing?"})),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex_encode(HmacKey(std::string(131, '\xaa'))
                           .mac({"Test Using Larger Than Block-Size Key - Hash Key First"})),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

TEST(HmacKey, AgreesWithOpensslForEveryKeyAndBodyLengthAroundABlock) {
  for (const std::size_t key_bytes : {0u, 1u, 31u, 32u, 63u, 64u, 65u, 200u}) {
    for (const std::size_t body_bytes : {0u, 1u, 55u, 56u, 63u, 64u, 65u, 1000u}) {
      const std::string key(key_bytes, 'k');
      const std::string body(body_bytes, 'b');

      EXPECT_EQ(hex_encode(HmacKey(key).mac({body})), reference_mac(key, body))
          << key_bytes << " byte key, " << body_bytes << " byte body";
    }
  }
}

TEST(HmacKey, SignsTheConcatenationOfItsParts) {
  const HmacKey key("secret");

  EXPECT_EQ(key.mac({"a", ".", "", "bc"}), key.mac({"a.bc"}));
  EXPECT_EQ(key.mac({}), key.mac({""}));
}

TEST(HmacKey, IsNotUsedUpByAMac) {
  const HmacKey key("secret");
  const Digest first = key.mac({"body"});
  key.mac({"another body"});

  EXPECT_EQ(key.mac({"body"}), first);
  EXPECT_EQ(HmacKey(key).mac({"body"}), first);
}

TEST(EqualConstantTime, ComparesEveryByteAndTheLength) {
  EXPECT_TRUE(equal_constant_time("", ""));
  EXPECT_TRUE(equal_constant_time("abc", "abc"));
  EXPECT_FALSE(equal_constant_time("abc", "abd"));
  EXPECT_FALSE(equal_constant_time("abc", "bbc"));
  EXPECT_FALSE(equal_constant_time("abc", ""));
  EXPECT_FALSE(equal_constant_time("abc", "abcd"));
  EXPECT_FALSE(equal_constant_time("a\0b"s, "a\0c"s));
}

}  // namespace
}  // namespace fanfare
