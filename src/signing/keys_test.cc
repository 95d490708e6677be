#include "signing/keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "signing/signer.h"

namespace fanfare {
namespace {

std::string whsec_of(std::size_t bytes) {
  return "whsec_" + base64_encode(bytes_of(std::string(bytes, 'x')));
}

TEST(Ed25519Key, MatchesRfc8032) {
  const auto seed = hex_decode("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7");
  const auto key = Ed25519Key::from_seed(*seed);

  EXPECT_EQ(hex_encode(bytes_of(key.public_bytes())),
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025");
  EXPECT_EQ(hex_encode(bytes_of(key.sign("\xaf\x82"))),
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a");
}

TEST(Ed25519Key, VerifiesWithThePublicHalfOnlyWhatWasSigned) {
  SeededRandom random(1);
  const Secret text = generate_ed25519_key(random);
  const auto private_key = Ed25519Key::from_private_text(text);
  const auto public_key = Ed25519Key::from_public_text(*public_key_of(text));
  ASSERT_TRUE(private_key && public_key);
  std::string signature = private_key->sign("message");

  EXPECT_TRUE(public_key->verify("message", signature));
  EXPECT_FALSE(public_key->verify("messagf", signature));
  EXPECT_FALSE(public_key->verify("message", signature.substr(1)));
  EXPECT_FALSE(public_key->verify("message", ""));
  signature[10] = static_cast<char>(signature[10] ^ 1);
  EXPECT_FALSE(public_key->verify("message", signature));
}

TEST(Ed25519Key, RefusesTextsThatHoldNoKey) {
  SeededRandom random(1);
  const std::string good = generate_ed25519_key(random).reveal();
  std::string halves = *base64_decode(good.substr(5));
  halves[40] = static_cast<char>(halves[40] ^ 1);

  for (const std::string& text :
       {std::string(), std::string("whsk_"), std::string("whsk_*"), "whsk_" + good.substr(6),
        "whsec_" + good.substr(5), "whsk_" + base64_encode(bytes_of(halves)),
        "whsk_" + base64_encode(bytes_of(std::string(32, 's')))}) {
    EXPECT_FALSE(Ed25519Key::from_private_text(Secret(text))) << text;
    EXPECT_FALSE(public_key_of(Secret(text))) << text;
  }
  EXPECT_FALSE(Ed25519Key::from_public_text("whpk_"));
  EXPECT_FALSE(Ed25519Key::from_public_text("whpk_AAAA"));
  EXPECT_FALSE(Ed25519Key::from_public_text(good));
}

TEST(GenerateSecret, MakesA32ByteSecretThatFitsTheStandardScheme) {
  SeededRandom random(1);
  const Secret first = generate_secret(random);
  const Secret second = generate_secret(random);

  const auto key = standard_key(first);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->reveal().size(), 32u);
  EXPECT_NE(first, second);
  EXPECT_TRUE(check_secret(SignatureScheme::standard, first));
  EXPECT_TRUE(check_secret(SignatureScheme::stripe, first)) << "a scheme may be changed later";
}

TEST(GenerateSecret, MakesHexForSchemesThatSignWithTheText) {
  SeededRandom random(1);

  const Secret secret = generate_hex_secret(random);

  EXPECT_THAT(secret.reveal(), testing::MatchesRegex("whsec_[0-9a-f]{64}"));
  EXPECT_TRUE(check_secret(SignatureScheme::stripe, secret));
}

TEST(GenerateEd25519Key, WritesSeedAndPublicKey) {
  SeededRandom random(1);
  const Secret text = generate_ed25519_key(random);

  EXPECT_EQ(base64_decode(text.reveal().substr(5))->size(), 64u);
  EXPECT_EQ(public_key_of(text)->size(), 5u + 44u);
  EXPECT_TRUE(public_key_of(text)->starts_with("whpk_"));
}

TEST(CheckSecret, StandardTakes24To64DecodedBytes) {
  for (const std::size_t bytes : {24u, 32u, 64u}) {
    EXPECT_TRUE(check_secret(SignatureScheme::standard, Secret(whsec_of(bytes)))) << bytes;
  }
  for (const std::size_t bytes : {0u, 23u, 65u}) {
    const auto checked = check_secret(SignatureScheme::standard, Secret(whsec_of(bytes)));
    ASSERT_FALSE(checked) << bytes;
    EXPECT_EQ(checked.error().code, Errc::invalid);
  }
}

TEST(CheckSecret, StandardRefusesOtherAlphabetsAndPrefixes) {
  const std::string text = whsec_of(32);
  for (const std::string& wrong :
       {text.substr(6), "WHSEC_" + text.substr(6), text + " ", text.substr(0, text.size() - 1),
        "whsec_" + std::string(64, '-'), text + "\n"}) {
    EXPECT_FALSE(check_secret(SignatureScheme::standard, Secret(wrong))) << wrong;
  }
}

TEST(CheckSecret, OtherSchemesTake16To256PrintableCharacters) {
  for (const SignatureScheme scheme :
       {SignatureScheme::hex, SignatureScheme::github, SignatureScheme::stripe}) {
    EXPECT_TRUE(check_secret(scheme, Secret(std::string(16, '~'))));
    EXPECT_TRUE(check_secret(scheme, Secret("It's a Secret to Everybody")));
    EXPECT_TRUE(check_secret(scheme, Secret(std::string(256, '!'))));
    EXPECT_FALSE(check_secret(scheme, Secret(std::string(15, 'a'))));
    EXPECT_FALSE(check_secret(scheme, Secret(std::string(257, 'a'))));
    EXPECT_FALSE(check_secret(scheme, Secret("0123456789abcde\n")));
    EXPECT_FALSE(check_secret(scheme, Secret("0123456789abcde\x7f")));
    EXPECT_FALSE(check_secret(scheme, Secret("0123456789abcd\xc3\xa5")));
    EXPECT_FALSE(check_secret(scheme, Secret(std::string("whsk_") + std::string(30, 'a'))));
  }
}

TEST(CheckSecret, SaysWhatIsWrongWithoutTheSecret) {
  const auto checked = check_secret(SignatureScheme::standard, Secret("correct horse battery"));

  ASSERT_FALSE(checked);
  EXPECT_THAT(checked.error().message, testing::HasSubstr("whsec_"));
  EXPECT_THAT(checked.error().message, testing::Not(testing::HasSubstr("horse")));
}

}  // namespace
}  // namespace fanfare
