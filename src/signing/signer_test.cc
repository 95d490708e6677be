#include "signing/signer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::Pair;

const Timestamp kNow = timestamp_of_ms(1'700'000'000'999);
const std::string kNewest = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kOlder = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const std::string kOldest = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const SignInput kInput{.message_id = "msg_1", .signed_at = kNow, .body = "{\"a\":1}"};

SigningSecret secret_of(const std::string& text, std::optional<Timestamp> expires_at = {}) {
  return {.number = 1, .text = Secret(text), .created_at = {}, .expires_at = expires_at};
}

std::vector<SigningSecret> rotated(Timestamp older_ends) {
  return {secret_of(kNewest), secret_of(kOlder, older_ends)};
}

HeaderList signed_with(const SignatureSettings& settings, const std::vector<SigningSecret>& secrets,
                       const SignInput& input = kInput) {
  const auto signer = Signer::make(settings, secrets);
  EXPECT_TRUE(signer) << signer.error().message;
  return signer->sign(input);
}

std::string standard_v1(const std::string& secret) {
  const HmacKey key(*base64_decode(secret.substr(6)));
  return "v1," + base64_encode(key.mac({"msg_1.1700000000.{\"a\":1}"}));
}

std::string text_hex(const std::string& secret, std::string_view content) {
  return hex_encode(HmacKey(secret).mac({content}));
}

const std::string kStripeContent = "1700000000.{\"a\":1}";

TEST(Signer, StandardSendsIdWholeSecondsAndSignature) {
  EXPECT_THAT(signed_with({}, {secret_of(kNewest)}),
              ElementsAre(Pair("webhook-id", "msg_1"), Pair("webhook-timestamp", "1700000000"),
                          Pair("webhook-signature", standard_v1(kNewest))));
}

TEST(Signer, StandardListsEveryValidSecretNewestFirst) {
  const auto headers = signed_with({}, {secret_of(kNewest), secret_of(kOlder, kNow + Millis{2}),
                                        secret_of(kOldest, kNow + Millis{1})});

  EXPECT_EQ(headers[2].second,
            standard_v1(kNewest) + ' ' + standard_v1(kOlder) + ' ' + standard_v1(kOldest));
}

TEST(Signer, ASecretStopsSigningAtTheInstantItExpires) {
  const auto signer = Signer::make({}, rotated(kNow));
  ASSERT_TRUE(signer);

  EXPECT_EQ(signer->sign(kInput)[2].second, standard_v1(kNewest));
  SignInput before = kInput;
  before.signed_at = kNow - Millis{1};
  EXPECT_EQ(signer->sign(before)[2].second, standard_v1(kNewest) + ' ' + standard_v1(kOlder));
}

TEST(Signer, StripeListsOneV1ForEachValidSecret) {
  const auto headers = signed_with({.scheme = SignatureScheme::stripe}, rotated(kNow + Millis{1}));

  EXPECT_THAT(headers, ElementsAre(Pair("Stripe-Signature",
                                        "t=1700000000,v1=" + text_hex(kNewest, kStripeContent) +
                                            ",v1=" + text_hex(kOlder, kStripeContent))));
}

TEST(Signer, StripeWithAPrefixSendsOneValueAndThePreviousApart) {
  const auto headers = signed_with({.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"},
                                   rotated(kNow + Millis{1}));

  const std::string newest = text_hex(kNewest, kStripeContent);
  const std::string older = text_hex(kOlder, kStripeContent);
  EXPECT_THAT(headers,
              ElementsAre(Pair("Stripe-Signature", "t=1700000000,v1=" + newest + ",v1=" + older),
                          Pair("Nuke-Signature", "t=1700000000,v1=" + newest),
                          Pair("Nuke-Signature-Previous", "t=1700000000,v1=" + older),
                          Pair("Nuke-Timestamp", "1700000000")));
}

TEST(Signer, StripeWithAPrefixSendsNoPreviousOutsideARotation) {
  const auto headers = signed_with({.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"},
                                   {secret_of(kNewest)});

  EXPECT_THAT(headers,
              ElementsAre(Pair("Stripe-Signature", testing::_), Pair("Nuke-Signature", testing::_),
                          Pair("Nuke-Timestamp", "1700000000")));
}

TEST(Signer, HexSendsTheRotatedOutSecretInPrevious) {
  const auto headers = signed_with({.scheme = SignatureScheme::hex}, rotated(kNow + Millis{1}));

  EXPECT_THAT(headers,
              ElementsAre(Pair("X-Webhook-Signature", text_hex(kNewest, kInput.body)),
                          Pair("X-Webhook-Signature-Previous", text_hex(kOlder, kInput.body))));
}

TEST(Signer, HexTakesTheConfiguredHeaderName) {
  const auto headers = signed_with({.scheme = SignatureScheme::hex, .header = "X-Acme-Hmac"},
                                   rotated(kNow + Millis{1}));

  EXPECT_EQ(headers[0].first, "X-Acme-Hmac");
  EXPECT_EQ(headers[1].first, "X-Acme-Hmac-Previous");
}

TEST(Signer, GithubMarksTheAlgorithmInBothHeaders) {
  const auto headers = signed_with({.scheme = SignatureScheme::github}, rotated(kNow + Millis{1}));

  EXPECT_THAT(
      headers,
      ElementsAre(Pair("X-Hub-Signature-256", "sha256=" + text_hex(kNewest, kInput.body)),
                  Pair("X-Hub-Signature-256-Previous", "sha256=" + text_hex(kOlder, kInput.body))));
}

TEST(Signer, OnlyTheYoungestRotatedOutSecretFitsIntoPrevious) {
  const std::vector<SigningSecret> three = {secret_of(kNewest), secret_of(kOlder, kNow + Millis{1}),
                                            secret_of(kOldest, kNow + Millis{1})};
  const auto headers = signed_with({.scheme = SignatureScheme::hex}, three);

  EXPECT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[1].second, text_hex(kOlder, kInput.body));
}

TEST(Signer, PassesOverAnEd25519KeyUnlessItIsAskedFor) {
  SeededRandom random(7);
  const std::string ed25519 = generate_ed25519_key(random).reveal();
  const std::vector<SigningSecret> secrets = {secret_of(ed25519), secret_of(kNewest)};

  EXPECT_EQ(signed_with({}, secrets)[2].second, standard_v1(kNewest));
  EXPECT_EQ(signed_with({.scheme = SignatureScheme::hex}, secrets)[0].second,
            text_hex(kNewest, kInput.body));
  EXPECT_THAT(signed_with({.ed25519 = true}, secrets)[2].second, HasSubstr("v1a,"));
}

TEST(Signer, PassesOverARotatedOutSecretOfTheSchemeBefore) {
  const auto headers =
      signed_with({}, {secret_of(kNewest), secret_of("a hex secret before", kNow + Millis{1})});

  EXPECT_EQ(headers[2].second, standard_v1(kNewest));
}

TEST(Signer, SignsTheSameInputAlwaysTheSame) {
  SeededRandom random(7);
  const std::vector<SigningSecret> secrets = {secret_of(kNewest),
                                              secret_of(generate_ed25519_key(random).reveal())};

  EXPECT_EQ(signed_with({.ed25519 = true}, secrets), signed_with({.ed25519 = true}, secrets));
}

TEST(Signer, RefusesToBeMadeWithoutASecretThatLasts) {
  EXPECT_FALSE(Signer::make({}, {}));
  EXPECT_FALSE(Signer::make({}, std::vector{secret_of(kNewest, kNow)}));
  SeededRandom random(7);
  const std::vector<SigningSecret> only_ed25519 = {
      secret_of(generate_ed25519_key(random).reveal())};
  EXPECT_FALSE(Signer::make({.scheme = SignatureScheme::github}, only_ed25519));
  EXPECT_TRUE(Signer::make({.ed25519 = true}, only_ed25519));
}

TEST(Signer, RefusesSecretsThatDoNotFitAndDoesNotRepeatThem) {
  for (const std::string text :
       {"hunter2-hunter2-hunter2", "whsec_hunter2", "whsec_", "", "whsec_aHVudGVyMg=="}) {
    const auto signer = Signer::make({}, std::vector{secret_of(text)});

    ASSERT_FALSE(signer) << text;
    EXPECT_EQ(signer.error().code, Errc::invalid);
    EXPECT_THAT(signer.error().message, Not(HasSubstr("hunter2")));
  }
  EXPECT_FALSE(Signer::make({.scheme = SignatureScheme::hex}, std::vector{secret_of("")}));
}

TEST(SignerDeathTest, AnIdWithADotIsAProgrammersError) {
  const auto signer = Signer::make({}, std::vector{secret_of(kNewest)});
  ASSERT_TRUE(signer);

  EXPECT_DEATH(signer->sign({.message_id = "a.1", .signed_at = kNow, .body = ""}), "message_id");
}

TEST(HeaderNames, AreThoseSentInLowerCase) {
  EXPECT_THAT(header_names({}),
              ElementsAre("webhook-id", "webhook-timestamp", "webhook-signature"));
  EXPECT_THAT(header_names({.scheme = SignatureScheme::hex, .header = "X-Acme"}),
              ElementsAre("x-acme", "x-acme-previous"));
  EXPECT_THAT(header_names({.scheme = SignatureScheme::github}),
              ElementsAre("x-hub-signature-256", "x-hub-signature-256-previous"));
  EXPECT_THAT(header_names({.scheme = SignatureScheme::stripe}), ElementsAre("stripe-signature"));
  EXPECT_THAT(header_names({.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"}),
              ElementsAre("stripe-signature", "nuke-signature", "nuke-signature-previous",
                          "nuke-timestamp"));
}

TEST(HeaderNames, NameEveryHeaderThatIsSent) {
  for (const SignatureSettings& settings :
       {SignatureSettings{}, SignatureSettings{.scheme = SignatureScheme::hex},
        SignatureSettings{.scheme = SignatureScheme::github},
        SignatureSettings{.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"}}) {
    const auto names = header_names(settings);
    for (auto [name, value] : signed_with(settings, rotated(kNow + Millis{1}))) {
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      EXPECT_THAT(names, testing::Contains(name));
    }
  }
}

TEST(CheckSignatureSettings, RefusesNamesThatBreakOrChangeTheRequest) {
  for (const std::string name : {"Host", "content-length", "Content-Type", "Transfer-Encoding",
                                 "User-Agent", "Cookie", "Webhook-Id", "WEBHOOK-SIGNATURE",
                                 "with space", "with:colon", "line\r\nbreak", "n\xc3\xa4me"}) {
    EXPECT_FALSE(check_signature_settings({.scheme = SignatureScheme::hex, .header = name}))
        << name;
    EXPECT_FALSE(Signer::make({.scheme = SignatureScheme::hex, .header = name},
                              std::vector{secret_of(kNewest)}))
        << name;
  }
  const std::string long_name(65, 'x');
  EXPECT_FALSE(check_signature_settings({.scheme = SignatureScheme::hex, .header = long_name}));
  for (const std::string prefix : {"Stripe", "stripe", "a b", "a\n", "Webhook"}) {
    EXPECT_FALSE(
        check_signature_settings({.scheme = SignatureScheme::stripe, .header_prefix = prefix}))
        << prefix;
  }
}

TEST(CheckSignatureSettings, TakesWhatCustomersUse) {
  EXPECT_TRUE(check_signature_settings({}));
  EXPECT_TRUE(check_signature_settings({.scheme = SignatureScheme::hex}));
  EXPECT_TRUE(check_signature_settings({.scheme = SignatureScheme::hex, .header = "X-Signature"}));
  EXPECT_TRUE(
      check_signature_settings({.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"}));
}

}  // namespace
}  // namespace fanfare
