// Every vector of tests/vectors/signature_vectors.json that concerns signing (the API key's is read
// in src/auth). The counts are asserted, so that a vector added with a new scheme cannot be passed
// over in silence.
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "signing/digest.h"
#include "signing/seal.h"
#include "signing/signer.h"
#include "signing/verifier.h"

namespace fanfare {
namespace {

namespace json = boost::json;

json::value read_vectors() {
  std::ifstream file(std::filesystem::path(FANFARE_SOURCE_DIR) /
                     "tests/vectors/signature_vectors.json");
  std::stringstream text;
  text << file.rdbuf();
  return json::parse(text.str());
}

std::string text_at(const json::object& object, std::string_view key) {
  return std::string(object.at(key).as_string());
}

std::string from_base64(const json::object& object, std::string_view key) {
  return *base64_decode(text_at(object, key));
}

Timestamp seconds_at(const json::object& vector, std::string_view key) {
  return vector.contains(key) ? timestamp_of_ms(vector.at(key).as_int64() * 1000) : Timestamp{};
}

HeaderList headers_of(const json::object& vector) {
  HeaderList headers;
  for (const auto& [name, value] : vector.at("headers").as_object()) {
    if (name != "X-Hub-Signature") headers.emplace_back(name, value.as_string());
  }
  return headers;
}

std::vector<SigningSecret> secrets_of(const json::object& vector) {
  std::vector<SigningSecret> secrets;
  if (vector.contains("secret")) return {{.number = 1, .text = Secret(text_at(vector, "secret"))}};
  for (const json::value& text : vector.at("secrets").as_array()) {
    secrets.push_back({.number = 1, .text = Secret(std::string(text.as_string()))});
  }
  return secrets;
}

SignatureSettings settings_of(const json::object& vector) {
  const std::string scheme = text_at(vector, "scheme");
  SignatureSettings settings;
  if (scheme == "stripe") settings.scheme = SignatureScheme::stripe;
  if (scheme == "github") settings.scheme = SignatureScheme::github;
  settings.ed25519 = vector.contains("secrets");
  return settings;
}

// What the file gives is what the signer sends, and what the verifier takes from each of the
// secrets.
void expect_reproduced(const json::object& vector) {
  const auto settings = settings_of(vector);
  const auto secrets = secrets_of(vector);
  const auto signer = Signer::make(settings, secrets);
  ASSERT_TRUE(signer) << signer.error().message;
  const std::string id = vector.contains("id") ? text_at(vector, "id") : "";
  const std::string body = from_base64(vector, "body_base64");
  const Timestamp at = seconds_at(vector, "timestamp");

  EXPECT_EQ(signer->sign({.message_id = id, .signed_at = at, .body = body}), headers_of(vector));
  for (const SigningSecret& secret : secrets) {
    const auto verified = verify(settings, secret.text, headers_of(vector), body, at);
    EXPECT_TRUE(verified) << verified.error().message;
    EXPECT_FALSE(verify(settings, secret.text, headers_of(vector), body + "x", at));
  }
}

void expect_judged(const json::object& vector) {
  const auto verified =
      verify(settings_of(vector), Secret(text_at(vector, "secret")), headers_of(vector),
             from_base64(vector, "body_base64"), seconds_at(vector, "now"));

  EXPECT_EQ(verified.has_value(), text_at(vector, "expect") == "accept");
}

// Schemes that are not sent, but are built of the same parts.
void expect_svix(const json::object& vector) {
  const Secret secret(text_at(vector, "secret"));
  const std::string key = *base64_decode(secret.reveal().substr(6));
  const std::string timestamp = std::to_string(vector.at("timestamp").as_int64());

  const Digest mac = HmacKey(key).mac(
      {text_at(vector, "id"), ".", timestamp, ".", from_base64(vector, "body_base64")});

  EXPECT_EQ("v1," + base64_encode(mac), headers_of(vector).at(2).second);
}

void expect_slack(const json::object& vector) {
  const HmacKey key(text_at(vector, "secret"));
  const std::string timestamp = std::to_string(vector.at("timestamp").as_int64());

  const Digest mac = key.mac({"v0:", timestamp, ":", from_base64(vector, "body_base64")});

  EXPECT_EQ("v0=" + hex_encode(mac), headers_of(vector).at(1).second);
}

std::string run_vector(const json::object& vector) {
  const std::string scheme = text_at(vector, "scheme");
  if (vector.contains("expect")) {
    expect_judged(vector);
    return scheme + " judged";
  }
  if (scheme == "svix-compat") {
    expect_svix(vector);
  } else if (scheme == "slack") {
    expect_slack(vector);
  } else if (scheme == "standard-webhooks" || scheme == "stripe" || scheme == "github") {
    expect_reproduced(vector);
  } else {
    ADD_FAILURE() << "no test knows this scheme";
  }
  return scheme;
}

TEST(SignatureVectors, AreAllReproducedAndJudged) {
  const json::value file = read_vectors();
  const json::array& vectors = file.at("vectors").as_array();
  std::map<std::string, int> run;

  for (const json::value& vector : vectors) {
    SCOPED_TRACE(text_at(vector.as_object(), "name"));
    ++run[run_vector(vector.as_object())];
  }

  const std::map<std::string, int> expected = {{"standard-webhooks", 10},
                                               {"standard-webhooks judged", 17},
                                               {"svix-compat", 1},
                                               {"stripe", 1},
                                               {"github", 2},
                                               {"slack", 1}};
  EXPECT_EQ(run, expected);
  EXPECT_EQ(vectors.size(), 32u);
}

struct AtRest {
  SealKey key;
  SealNonce nonce{};
  std::string aad;
  Secret plaintext;
  std::string stored;
};

AtRest read_at_rest(std::string_view name, const std::string& key_hex, Secret plaintext) {
  const json::value file = read_vectors();
  const json::object& vector = file.at("at_rest").at(name).as_object();
  AtRest at_rest{.key = {.id = static_cast<std::uint32_t>(vector.at("key_id").as_int64()),
                         .bytes = Secret(*hex_decode(key_hex))},
                 .aad = text_at(vector, "aad"),
                 .plaintext = std::move(plaintext),
                 .stored = from_base64(vector, "stored_base64")};
  const std::string nonce = *hex_decode(text_at(vector, "nonce_hex"));
  std::copy(nonce.begin(), nonce.end(), at_rest.nonce.begin());
  return at_rest;
}

AtRest dek_wrap() {
  const json::value file = read_vectors();
  const json::object& at_rest = file.at("at_rest").as_object();
  return read_at_rest("dek_wrap", text_at(at_rest, "kek_hex"),
                      Secret(*hex_decode(text_at(at_rest, "dek_hex"))));
}

AtRest secret_seal() {
  const json::value file = read_vectors();
  const json::object& at_rest = file.at("at_rest").as_object();
  return read_at_rest(
      "secret_seal", text_at(at_rest, "dek_hex"),
      Secret(from_base64(at_rest.at("secret_seal").as_object(), "plaintext_base64")));
}

TEST(AtRestVectors, AreSealedToTheSameBytesAndOpened) {
  for (const AtRest& vector : {dek_wrap(), secret_seal()}) {
    EXPECT_EQ(seal(vector.key, vector.nonce, vector.aad, vector.plaintext), vector.stored);

    const auto opened = open_sealed(vector.key, vector.aad, vector.stored);
    ASSERT_TRUE(opened) << opened.error().message;
    EXPECT_EQ(*opened, vector.plaintext);
  }
}

TEST(AtRestVectors, FailInEveryWayTheFileNames) {
  const json::value file = read_vectors();
  ASSERT_EQ(file.at("at_rest").at("must_fail").as_array().size(), 5u);
  for (const AtRest& vector : {dek_wrap(), secret_seal()}) {
    for (std::size_t i = 0; i < vector.aad.size(); ++i) {
      std::string aad = vector.aad;
      aad[i] = static_cast<char>(aad[i] ^ 1);
      EXPECT_FALSE(open_sealed(vector.key, aad, vector.stored)) << "additional data byte " << i;
    }
    // Version, key id, nonce, ciphertext and tag.
    for (std::size_t i = 0; i < vector.stored.size(); ++i) {
      std::string stored = vector.stored;
      stored[i] = static_cast<char>(stored[i] ^ 1);
      const auto opened = open_sealed(vector.key, vector.aad, stored);
      ASSERT_FALSE(opened) << "stored byte " << i;
      EXPECT_EQ(opened.error().code, Errc::corrupt);
    }
    SealKey unknown = vector.key;
    unknown.id = 99;
    EXPECT_FALSE(open_sealed(unknown, vector.aad, vector.stored));
    std::string other_version = vector.stored;
    other_version[0] = 0x02;
    EXPECT_FALSE(open_sealed(vector.key, vector.aad, other_version));
  }
}

}  // namespace
}  // namespace fanfare
