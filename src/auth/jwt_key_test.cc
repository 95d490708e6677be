#include "auth/jwt_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "auth/jwt_vectors.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

using ::testing::HasSubstr;
using testing::kRfc7515A1;
using testing::kRfc7515A2;
using testing::kRfc7515A3;
using testing::kRfc8037A4;

constexpr const char* kRsa1024Pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDPcgkEESPq99zgmYHvgzX7fVqb\n"
    "wvxsO1qjxfRcBVtfP9JM3Nn9WGUuLKGlWdjTPzc62Xp4nRa7M/mbJLL/3Oy1DdfR\n"
    "vhbs3FH1XyzqDr7BHxAvhFIzY/NUg80dcjfTmPUa7gaqt5vXjhfqDAgBfZajTKvM\n"
    "3zedVIV6MJVobPb05QIDAQAB\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kRsaPssPem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAOFb4SEqhvRj4GISchulo3SS\n"
    "GJ7QW3S6+pCNUlLkplAGyuQgIxyUB5CcIc4Hd3vz4iX29XfMV+7jP2aodJU8xEE+\n"
    "TcizmHnfDMnOAwVRn+n6B4uyCfrWW2qVKlSJogFPF10exS4zQT+nIU2Xod0G+m5x\n"
    "GbWRSbKd7IAFM2J6OVaOmt9R5cfqADzttLK0RtjeuvNAcPFd/r4aJ0EgVo+d2S7D\n"
    "1juVtmlch2we7NYvOHkydOCXDNYZ95tKC/0aQeSh095vJtJG3pJd1Zo9NXrXGtxa\n"
    "kecxxiAZWLPDRj1SiUzaarsNyavf0FNqZJtoxAdZRyjofZHZXMMnOU4dwkqiy/kC\n"
    "AwEAAQ==\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kP384Pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEZsdxHeIpUwUSoFyEqU5l9ihubsGNW63l\n"
    "VRXVbyzlAMCBGlOWxPphb3CdxYQLm+4iGGGdgT8ZxO9mZY65FQ6CQ0WJD66x6U6s\n"
    "QnTCtTTMAJQJq8TbH//MDqDGi6QnQw0o\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kP256Pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENGhjl00WFA6o+2CHIjCSESlyD73K\n"
    "0YdbCaU/8ZsWReHvHBPsYPGmd6sPynvbnD/+JIdPMeyTl7ZFXMcotRC4Ug==\n"
    "-----END PUBLIC KEY-----\n";
constexpr const char* kEd25519Pem =
    "-----BEGIN PUBLIC KEY-----\n"
    "MCowBQYDK2VwAyEAGyCrKpzyk79GOzd7f9ByOmhaFFLRKnysZ8SHxJjq4DQ=\n"
    "-----END PUBLIC KEY-----\n";

struct Vector {
  JwtAlgorithm algorithm;
  testing::JwtVector vector;
};

JwtVerifier verifier_of(const Vector& v) {
  if (v.algorithm == JwtAlgorithm::hs256)
    return *JwtVerifier::from_secret(Secret(*base64url_decode(v.vector.key)));
  return *JwtVerifier::from_public_key(v.algorithm, v.vector.key);
}

class RfcVectors : public ::testing::TestWithParam<Vector> {};

TEST_P(RfcVectors, Verify) {
  const testing::JwtVector& vector = GetParam().vector;

  EXPECT_TRUE(
      verifier_of(GetParam()).verify(vector.signed_text, *base64url_decode(vector.signature)));
}

TEST_P(RfcVectors, DoNotVerifyWithAnyByteChanged) {
  const testing::JwtVector& vector = GetParam().vector;
  const JwtVerifier verifier = verifier_of(GetParam());
  const std::string signature = *base64url_decode(vector.signature);

  for (std::size_t i = 0; i < signature.size(); ++i) {
    std::string changed = signature;
    changed[i] = static_cast<char>(changed[i] ^ (1 << (i % 8)));
    EXPECT_FALSE(verifier.verify(vector.signed_text, changed)) << "byte " << i;
  }
  for (std::size_t i = 0; i < vector.signed_text.size(); ++i) {
    std::string changed = vector.signed_text;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    EXPECT_FALSE(verifier.verify(changed, signature)) << "byte " << i;
  }
}

TEST_P(RfcVectors, DoNotVerifyWithASignatureOfAnotherLength) {
  const testing::JwtVector& vector = GetParam().vector;
  const JwtVerifier verifier = verifier_of(GetParam());
  const std::string signature = *base64url_decode(vector.signature);

  for (const std::string& other :
       {std::string(), signature.substr(1), signature + '\0', signature + signature}) {
    EXPECT_FALSE(verifier.verify(vector.signed_text, other)) << other.size();
  }
}

INSTANTIATE_TEST_SUITE_P(Algorithms, RfcVectors,
                         ::testing::Values(Vector{JwtAlgorithm::hs256, kRfc7515A1},
                                           Vector{JwtAlgorithm::rs256, kRfc7515A2},
                                           Vector{JwtAlgorithm::es256, kRfc7515A3},
                                           Vector{JwtAlgorithm::eddsa, kRfc8037A4}),
                         [](const auto& it) { return std::string(name_of(it.param.algorithm)); });

TEST(JwtVerifier, ReadsPublicKeysInPem) {
  EXPECT_TRUE(JwtVerifier::from_public_key(JwtAlgorithm::es256, kP256Pem));
  EXPECT_TRUE(JwtVerifier::from_public_key(JwtAlgorithm::eddsa, kEd25519Pem));
}

struct BadKey {
  std::string name;
  JwtAlgorithm algorithm;
  std::string text;
  std::string reason;
};

class RefusedKey : public ::testing::TestWithParam<BadKey> {};

TEST_P(RefusedKey, SaysWhatItIsInstead) {
  const auto verifier = JwtVerifier::from_public_key(GetParam().algorithm, GetParam().text);

  ASSERT_FALSE(verifier);
  EXPECT_THAT(verifier.error().message, HasSubstr(GetParam().reason));
}

std::string jwk_with(const std::string& jwk, const std::string& member) {
  return jwk.substr(0, jwk.size() - 1) + ',' + member + '}';
}

INSTANTIATE_TEST_SUITE_P(
    Table, RefusedKey,
    ::testing::Values(
        BadKey{"Empty", JwtAlgorithm::rs256, "", "holds no public key"},
        BadKey{"Words", JwtAlgorithm::rs256, "not a key", "holds no public key"},
        BadKey{"BrokenPem", JwtAlgorithm::eddsa,
               "-----BEGIN PUBLIC KEY-----\nMCow\n-----END PUBLIC KEY-----\n",
               "holds no public key"},
        BadKey{"PrivatePem", JwtAlgorithm::eddsa, "-----BEGIN PRIVATE KEY-----\n", "private key"},
        BadKey{"SmallRsa", JwtAlgorithm::rs256, kRsa1024Pem, "1024 bits"},
        BadKey{"RsaPss", JwtAlgorithm::rs256, kRsaPssPem, "not an RSA key"},
        BadKey{"EcForRsa", JwtAlgorithm::rs256, kP256Pem, "not an RSA key"},
        BadKey{"OtherCurve", JwtAlgorithm::es256, kP384Pem, "not a P-256 key"},
        BadKey{"EdForEc", JwtAlgorithm::es256, kEd25519Pem, "not a P-256 key"},
        BadKey{"EcForEd", JwtAlgorithm::eddsa, kP256Pem, "not an Ed25519 key"},
        BadKey{"PrivateJwk", JwtAlgorithm::eddsa, jwk_with(kRfc8037A4.key, R"("d":"AA")"),
               "private or secret"},
        BadKey{"SecretJwk", JwtAlgorithm::rs256, R"({"kty":"oct","k":"AAAA"})",
               "private or secret"},
        BadKey{"JwkOfOtherAlg", JwtAlgorithm::rs256, jwk_with(kRfc7515A2.key, R"("alg":"PS256")"),
               "for PS256"},
        BadKey{"JwkForEncryption", JwtAlgorithm::rs256, jwk_with(kRfc7515A2.key, R"("use":"enc")"),
               "something else than signatures"},
        BadKey{"JwkOfNoKind", JwtAlgorithm::rs256, R"({"kty":"RSA"})", "holds no key"},
        BadKey{"JwkTwice", JwtAlgorithm::rs256, R"({"kty":"RSA","kty":"EC"})",
               "not a JSON Web Key"},
        BadKey{"JwkOffTheCurve", JwtAlgorithm::es256,
               R"({"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",)"
               R"("y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a1"})",
               "holds no key"}),
    [](const auto& it) { return it.param.name; });

TEST(JwtSecret, HasAtLeast32Bytes) {
  EXPECT_FALSE(JwtVerifier::from_secret(Secret(std::string(31, 's'))));
  EXPECT_TRUE(JwtVerifier::from_secret(Secret(std::string(32, 's'))));
}

TEST(JwtSecret, IsNoPublicKeyInAnyForm) {
  const std::string pem = kP256Pem;
  const std::string der = *base64_decode(
      "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAENGhjl00WFA6o+2CHIjCSESlyD73K0YdbCaU/"
      "8ZsWReHvHBPsYPGmd6sPynv"
      "bnD/+JIdPMeyTl7ZFXMcotRC4Ug==");
  for (const std::string& text :
       {pem, "\n" + pem, kRfc7515A2.key, R"({"keys":[)" + kRfc7515A3.key + "]}", der,
        std::string("-----BEGIN CERTIFICATE-----\nMIIB") + std::string(40, 'A'),
        std::string(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKq/Nzpc4Y7ozmuQO6FkHqoNYpQZzlpAsmFGvbpf")}) {
    const auto verifier = JwtVerifier::from_secret(Secret(text));

    ASSERT_FALSE(verifier) << text;
    EXPECT_THAT(verifier.error().message, HasSubstr("public"));
  }
}

TEST(JwtAlgorithmNames, AreExact) {
  EXPECT_EQ(jwt_algorithm_named("EdDSA"), JwtAlgorithm::eddsa);
  for (const char* name : {"none", "None", "hs256", "HS384", "EDDSA", ""}) {
    EXPECT_FALSE(jwt_algorithm_named(name)) << name;
  }
}

}  // namespace
}  // namespace fanfare
