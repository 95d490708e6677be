#include "signing/verifier.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "signing/signer.h"

namespace fanfare {
namespace {

using std::chrono_literals::operator""s;
using testing::HasSubstr;

const Timestamp kNow = timestamp_of_ms(1'700'000'000'000);
const Secret kSecret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
const Secret kRotatedOut("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const Secret kStranger("whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
const std::string kBody = "{\"a\":1}";
const SignatureSettings kStandard{};
const SignatureSettings kHex{.scheme = SignatureScheme::hex};
const SignatureSettings kGithub{.scheme = SignatureScheme::github};
const SignatureSettings kStripe{.scheme = SignatureScheme::stripe};
const std::vector<SignatureSettings> kAll = {
    kStandard, kHex, kGithub, kStripe,
    SignatureSettings{.scheme = SignatureScheme::stripe, .header_prefix = "Nuke"}};

HeaderList signed_headers(const SignatureSettings& settings, bool is_rotated = false) {
  std::vector<SigningSecret> secrets = {{.number = 2, .text = kSecret}};
  if (is_rotated) {
    secrets.push_back({.number = 1, .text = kRotatedOut, .expires_at = kNow + 60s});
  }
  return Signer::make(settings, secrets)
      ->sign({.message_id = "msg_1", .signed_at = kNow, .body = kBody});
}

std::string reason(const SignatureSettings& settings, const HeaderList& headers,
                   Timestamp now = kNow) {
  const auto verified = verify(settings, kSecret, headers, kBody, now);
  if (verified) return "accepted";
  EXPECT_EQ(verified.error().code, Errc::invalid);
  return verified.error().message;
}

HeaderList with(HeaderList headers, std::size_t index, std::string value) {
  headers[index].second = std::move(value);
  return headers;
}

TEST(Verify, AcceptsWhatTheSignerSends) {
  for (const auto& settings : kAll) {
    EXPECT_TRUE(verify(settings, kSecret, signed_headers(settings), kBody, kNow));
  }
}

TEST(Verify, AcceptsBothSecretsDuringARotationInEveryScheme) {
  for (const auto& settings : kAll) {
    const auto headers = signed_headers(settings, true);

    EXPECT_TRUE(verify(settings, kSecret, headers, kBody, kNow));
    EXPECT_TRUE(verify(settings, kRotatedOut, headers, kBody, kNow));
    EXPECT_FALSE(verify(settings, kStranger, headers, kBody, kNow));
    EXPECT_FALSE(verify(settings, kRotatedOut, headers, kBody + " ", kNow));
  }
}

TEST(Verify, RefusesEveryOtherSecretBodyAndNoSecret) {
  for (const auto& settings : kAll) {
    const auto headers = signed_headers(settings);

    EXPECT_FALSE(verify(settings, kStranger, headers, kBody, kNow));
    EXPECT_FALSE(verify(settings, Secret(), headers, kBody, kNow));
    EXPECT_FALSE(verify(settings, kSecret, headers, "", kNow));
    EXPECT_FALSE(verify(settings, kSecret, headers, "{\"a\":2}", kNow));
  }
}

TEST(Verify, RefusesEverySingleBitFlipInASignature) {
  for (const auto& settings : {kStandard, kHex, kGithub, kStripe}) {
    const HeaderList headers = signed_headers(settings);
    const std::size_t last = headers.size() - 1;
    for (std::size_t i = 0; i < headers[last].second.size(); ++i) {
      std::string value = headers[last].second;
      value[i] = static_cast<char>(value[i] ^ 1);
      EXPECT_NE(reason(settings, with(headers, last, value)), "accepted") << value;
    }
  }
}

TEST(Verify, RefusesTruncatedAndEmptySignatures) {
  for (const auto& settings : {kStandard, kHex, kGithub, kStripe}) {
    const HeaderList headers = signed_headers(settings);
    const std::size_t last = headers.size() - 1;
    for (std::size_t bytes = 0; bytes < headers[last].second.size(); ++bytes) {
      EXPECT_NE(reason(settings, with(headers, last, headers[last].second.substr(0, bytes))),
                "accepted")
          << bytes;
    }
  }
}

TEST(Verify, NamesTheHeaderThatIsMissing) {
  for (const auto& settings : {kStandard, kHex, kGithub, kStripe}) {
    const HeaderList headers = signed_headers(settings);
    for (std::size_t i = 0; i < headers.size(); ++i) {
      HeaderList fewer = headers;
      fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(i));
      EXPECT_EQ(reason(settings, fewer), "the header " + headers[i].first + " is missing");
    }
  }
}

TEST(Verify, RefusesAHeaderThatAppearsTwice) {
  for (const auto& settings : {kStandard, kHex, kGithub, kStripe}) {
    HeaderList headers = signed_headers(settings);
    headers.push_back(headers[0]);

    EXPECT_THAT(reason(settings, headers), HasSubstr("appears twice"));
  }
}

TEST(Verify, IgnoresTheCaseOfHeaderNames) {
  for (const auto& settings : {kStandard, kHex, kGithub, kStripe}) {
    HeaderList headers = signed_headers(settings);
    for (auto& [name, value] : headers) {
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::toupper(c); });
    }

    EXPECT_EQ(reason(settings, headers), "accepted");
  }
}

TEST(Verify, TakesTimesUpTo300SecondsOffBothWays) {
  for (const auto& settings : {kStandard, kStripe}) {
    const HeaderList headers = signed_headers(settings);

    EXPECT_EQ(reason(settings, headers, kNow + 300s), "accepted");
    EXPECT_EQ(reason(settings, headers, kNow - 300s), "accepted");
    EXPECT_THAT(reason(settings, headers, kNow + 301s), HasSubstr("301 seconds old"));
    EXPECT_THAT(reason(settings, headers, kNow - 301s), HasSubstr("301 seconds in the future"));
  }
}

TEST(Verify, BlamesTheSignatureBeforeTheTime) {
  const auto verified = verify(kStandard, kStranger, signed_headers(kStandard), kBody, kNow + 400s);

  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("another secret"));
}

TEST(Verify, RefusesTimestampsInAnyButPlainDigits) {
  for (const std::string text :
       {"", "+1700000000", "-1", " 1700000000", "1700000000 ", "1.7e9", "0x10", "01700000000",
        "1700000000.0", "9999999999999", "99999999999999999999"}) {
    EXPECT_THAT(reason(kStandard, with(signed_headers(kStandard), 1, text)),
                HasSubstr("plain digits"))
        << text;
    EXPECT_THAT(reason(kStripe, {{"Stripe-Signature", "t=" + text + ",v1=00"}}),
                HasSubstr("plain digits"))
        << text;
  }
}

TEST(Verify, RefusesAnIdWithADotOrNone) {
  const HeaderList headers = signed_headers(kStandard);

  EXPECT_THAT(reason(kStandard, with(headers, 0, "msg_1.17")), HasSubstr("webhook-id"));
  EXPECT_THAT(reason(kStandard, with(headers, 0, "")), HasSubstr("webhook-id"));
}

TEST(Verify, SkipsUnknownVersionsButWantsOneItKnows) {
  const HeaderList headers = signed_headers(kStandard);
  const std::string good = headers[2].second;

  EXPECT_EQ(reason(kStandard, with(headers, 2, "v2,AAAA nonsense " + good)), "accepted");
  EXPECT_THAT(reason(kStandard, with(headers, 2, "v2" + good.substr(2))),
              HasSubstr("no signature of version v1"));
  EXPECT_THAT(reason(kStandard, with(headers, 2, "v1a" + good.substr(2))),
              HasSubstr("no signature of version v1"));
}

TEST(Verify, BoundsTheSignaturesInOneHeader) {
  const HeaderList headers = signed_headers(kStandard);
  std::string many = headers[2].second;
  for (int i = 0; i < 15; ++i) many += " v1,AAAA";

  EXPECT_EQ(reason(kStandard, with(headers, 2, many)), "accepted");
  EXPECT_THAT(reason(kStandard, with(headers, 2, many + " v1,AAAA")), HasSubstr("more than 16"));
}

TEST(Verify, TakesEd25519FromTheKeyOrItsPublicHalfAlone) {
  SeededRandom random(3);
  const SignatureSettings settings{.ed25519 = true};
  const Secret key = generate_ed25519_key(random);
  const Secret stranger = generate_ed25519_key(random);
  const std::vector<SigningSecret> secrets = {{.number = 1, .text = kSecret},
                                              {.number = 2, .text = key}};
  const HeaderList headers = Signer::make(settings, secrets)
                                 ->sign({.message_id = "msg_1", .signed_at = kNow, .body = kBody});

  EXPECT_TRUE(verify(settings, kSecret, headers, kBody, kNow));
  EXPECT_TRUE(verify(settings, key, headers, kBody, kNow));
  EXPECT_TRUE(verify(settings, Secret(*public_key_of(key)), headers, kBody, kNow));
  EXPECT_FALSE(verify(settings, Secret(*public_key_of(key)), headers, kBody + "x", kNow));
  EXPECT_FALSE(verify(settings, Secret(*public_key_of(stranger)), headers, kBody, kNow));
}

TEST(Verify, StripeWantsOneTimestampAndAV1) {
  const std::string good = signed_headers(kStripe)[0].second;
  const auto of = [](const std::string& value) { return HeaderList{{"Stripe-Signature", value}}; };

  EXPECT_EQ(reason(kStripe, of(good + ",v0=abc,x,=")), "accepted");
  EXPECT_THAT(reason(kStripe, of(good + ",t=1700000000")), HasSubstr("two timestamps"));
  EXPECT_THAT(reason(kStripe, of(good.substr(good.find("v1")))), HasSubstr("no timestamp"));
  EXPECT_THAT(reason(kStripe, of("t=1700000000,v0=00")), HasSubstr("version v1"));
  EXPECT_THAT(reason(kStripe, of("t=1700000001" + good.substr(12))), HasSubstr("another secret"));
}

TEST(Verify, GithubWantsItsAlgorithmNamed) {
  const std::string bare = signed_headers(kHex)[0].second;

  EXPECT_EQ(reason(kGithub, {{"X-Hub-Signature-256", "sha256=" + bare}}), "accepted");
  EXPECT_THAT(reason(kGithub, {{"X-Hub-Signature-256", bare}}), HasSubstr("sha256="));
  EXPECT_THAT(reason(kGithub, {{"X-Hub-Signature-256", "sha1=" + bare}}), HasSubstr("sha256="));
}

TEST(Verify, ReasonsDoNotRepeatTheSecret) {
  const Secret wrong("whsec_hunter2");

  const auto verified = verify(kStandard, wrong, signed_headers(kStandard), kBody, kNow);

  ASSERT_FALSE(verified);
  EXPECT_EQ(verified.error().message.find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace fanfare
