#include "domain/webhook_codec.h"

#include <gtest/gtest.h>

#include "base/json_scan.h"
#include "base/random.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

WebhookSettings full_settings() {
  WebhookSettings settings;
  settings.url = "https://example.com/hook?a=\"b\"&c=\\";
  settings.events = {"*", "user.*", "invoice.paid"};
  settings.name = "Billing €😀";
  settings.description = "line one\nline two\t\x01";
  settings.legacy_id = "0b4c-\"17\"";
  settings.headers = {{"X-Zeta", Secret("")}, {"Authorization", Secret("")}};
  settings.signature = {.scheme = SignatureScheme::stripe,
                        .header = "X-Sig",
                        .header_prefix = "Nuke",
                        .ed25519 = true};
  settings.envelope = Envelope::type;
  settings.retry = retry_preset("standard").value();
  settings.timeout = 17s;
  settings.max_in_flight = 42;
  settings.metadata = {{"team", "billing"}, {"", "empty key"}, {"k\"", "v\\"}};
  return settings;
}

std::size_t pick(Random& random, std::size_t below) {
  return static_cast<std::size_t>(random.uniform01() * static_cast<double>(below));
}

std::string any_text(Random& random) {
  constexpr std::string_view kPieces[] = {"a", "Z", "0",  "\"", "\\", "\n", "\x01", "\x7F",
                                          "é", "€", "😀", " ",  "/",  "{",  "u0041"};
  std::string text;
  for (std::size_t n = pick(random, 12); n > 0; --n)
    text += kPieces[pick(random, std::size(kPieces))];
  return text;
}

WebhookSettings any_settings(Random& random) {
  WebhookSettings settings;
  settings.url = any_text(random);
  for (std::size_t n = pick(random, 4); n > 0; --n) settings.events.push_back(any_text(random));
  settings.name = any_text(random);
  settings.description = any_text(random);
  settings.legacy_id = any_text(random);
  for (std::size_t n = pick(random, 4); n > 0; --n)
    settings.headers.push_back({any_text(random), Secret()});
  settings.signature.scheme = static_cast<SignatureScheme>(pick(random, 4));
  settings.signature.header = any_text(random);
  settings.signature.header_prefix = any_text(random);
  settings.signature.ed25519 = random.uniform01() < 0.5;
  settings.envelope = static_cast<Envelope>(pick(random, 4));
  settings.retry.preset = any_text(random);
  for (std::size_t n = pick(random, 5); n > 0; --n)
    settings.retry.schedule.emplace_back(1 + pick(random, 1'000'000'000));
  settings.retry.attempts = 1 + static_cast<int>(pick(random, 20));
  settings.retry.jitter_low = random.uniform01();
  settings.retry.jitter_high = settings.retry.jitter_low + random.uniform01();
  settings.timeout = Millis{1 + pick(random, 60'000)};
  settings.max_in_flight = 1 + static_cast<int>(pick(random, 100));
  for (std::size_t n = pick(random, 4); n > 0; --n)
    settings.metadata[any_text(random)] = any_text(random);
  return settings;
}

TEST(WebhookCodec, ReadsBackEverySetting) {
  const auto back = decode_settings(encode_settings(full_settings()));

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, full_settings());
}

TEST(WebhookCodec, ReadsBackAnySettings) {
  SeededRandom random(1);
  for (int i = 0; i < 3000; ++i) {
    const WebhookSettings settings = any_settings(random);

    const std::string text = encode_settings(settings);
    const auto back = decode_settings(text);

    ASSERT_TRUE(back.has_value()) << back.error().message << "\n" << text;
    ASSERT_EQ(*back, settings) << text;
  }
}

TEST(WebhookCodec, WritesTheSameTextForTheSameSettings) {
  const auto back = decode_settings(encode_settings(full_settings()));
  EXPECT_EQ(encode_settings(back.value()), encode_settings(full_settings()));
}

TEST(WebhookCodec, WritesStrictJson) {
  EXPECT_TRUE(check_json(encode_settings(full_settings())).has_value());
}

TEST(WebhookCodec, NeverWritesAHeaderValue) {
  WebhookSettings settings = full_settings();
  settings.headers = {{"Authorization", Secret("Bearer s3cret")}};

  const std::string text = encode_settings(settings);

  EXPECT_NE(text.find("Authorization"), std::string::npos);
  EXPECT_EQ(text.find("s3cret"), std::string::npos);
  EXPECT_TRUE(decode_settings(text)->headers[0].value.empty());
}

TEST(WebhookCodec, KeepsTheOrderOfHeaders) {
  const auto back = decode_settings(encode_settings(full_settings()));

  ASSERT_EQ(back->headers.size(), 2U);
  EXPECT_EQ(back->headers[0].name, "X-Zeta");
  EXPECT_EQ(back->headers[1].name, "Authorization");
}

TEST(WebhookCodec, FieldsThatAnOlderVersionDidNotWriteAreDefaults) {
  const auto back = decode_settings(R"({"url":"https://a.example/"})");

  ASSERT_TRUE(back.has_value()) << back.error().message;
  WebhookSettings expected;
  expected.url = "https://a.example/";
  EXPECT_EQ(*back, expected);
}

TEST(WebhookCodec, FieldsOfANewerVersionAreIgnored) {
  EXPECT_TRUE(
      decode_settings(R"({"url":"https://a.example/","ordered":true,"retry":{"breaker":{}}})")
          .has_value());
}

TEST(WebhookCodec, CallsEverythingElseCorrupt) {
  for (const char* text : {
           "",
           "x",
           "[]",
           "null",
           "\"a\"",
           "{",
           "{}x",
           R"({"url":1})",
           R"({"url":null})",
           R"({"events":"*"})",
           R"({"events":[1]})",
           R"({"events":[["a"]]})",
           R"({"name":{}})",
           R"({"headers":{"A":"b"}})",
           R"({"headers":[null]})",
           R"({"signature":"stripe"})",
           R"({"signature":{"scheme":"md5"}})",
           R"({"signature":{"scheme":3}})",
           R"({"signature":{"ed25519":"yes"}})",
           R"({"signature":{"ed25519":1}})",
           R"({"envelope":"soap"})",
           R"({"envelope":0})",
           R"({"retry":[]})",
           R"({"retry":{"attempts":0}})",
           R"({"retry":{"attempts":1.5}})",
           R"({"retry":{"attempts":"4"}})",
           R"({"retry":{"attempts":99999999999}})",
           R"({"retry":{"schedule_ms":["1s"]}})",
           R"({"retry":{"schedule_ms":[0]}})",
           R"({"retry":{"schedule_ms":[-5]}})",
           R"({"retry":{"schedule_ms":[1.5]}})",
           R"({"retry":{"schedule_ms":{}}})",
           R"({"retry":{"jitter_low":1}})",
           R"({"retry":{"jitter_low":"x"}})",
           R"({"retry":{"jitter_low":""}})",
           R"({"retry":{"jitter_low":"nan"}})",
           R"({"retry":{"jitter_low":"inf"}})",
           R"({"retry":{"jitter_high":"1.0x"}})",
           R"({"retry":{"jitter_high":"1e999"}})",
           R"({"timeout_ms":0})",
           R"({"timeout_ms":true})",
           R"({"timeout_ms":1e30})",
           R"({"max_in_flight":-1})",
           R"({"max_in_flight":null})",
           R"({"metadata":{"a":1}})",
           R"({"metadata":[]})",
           "{\"url\":\"\xFF\"}",
       }) {
    const auto settings = decode_settings(text);
    ASSERT_FALSE(settings.has_value()) << text;
    EXPECT_EQ(settings.error().code, Errc::corrupt) << text;
  }
}

TEST(WebhookCodec, SurvivesEveryMutation) {
  SeededRandom random(2);
  const std::string good = encode_settings(full_settings());
  for (int i = 0; i < 20'000; ++i) {
    std::string text = good;
    text[pick(random, text.size())] = "{}[]\",:0-9e\\tn\xFF"[pick(random, 16)];
    if (i % 3 == 0) text.resize(pick(random, text.size()));

    const auto settings = decode_settings(text);

    ASSERT_TRUE(!settings || settings->retry.attempts >= 1) << text;
  }
}

TEST(HeaderCodec, ReadsBackNamesAndValuesInOrder) {
  const std::vector<CustomHeader> headers = {{"X-Zeta", Secret("z")},
                                             {"Authorization", Secret("Bearer \"x\\y\"")},
                                             {"X-Empty", Secret("")}};

  const auto back = decode_headers(encode_headers(headers));

  ASSERT_TRUE(back.has_value()) << back.error().message;
  EXPECT_EQ(*back, headers);
}

TEST(HeaderCodec, NoHeadersAreAnEmptyObject) {
  EXPECT_EQ(encode_headers({}).reveal(), "{}");
  EXPECT_TRUE(decode_headers(Secret("{}"))->empty());
}

TEST(HeaderCodec, ReadsBackAnyText) {
  SeededRandom random(3);
  for (int i = 0; i < 2000; ++i) {
    std::vector<CustomHeader> headers;
    for (std::size_t n = pick(random, 5); n > 0; --n) {
      headers.push_back({std::to_string(n) + any_text(random), Secret(any_text(random))});
    }

    const auto back = decode_headers(encode_headers(headers));

    ASSERT_TRUE(back.has_value()) << back.error().message;
    ASSERT_EQ(*back, headers);
  }
}

TEST(HeaderCodec, CallsEverythingElseCorruptWithoutShowingIt) {
  for (const char* text :
       {"", "[]", "{\"A\":1}", "{\"A\":null}", "{\"A\":[\"s3cret\"]}", "{\"A\":\"s3cret\"",
        "s3cret", "{\"A\":\"b\",\"A\":\"c\"}", "{\"A\":\"s3cret\"}x"}) {
    const auto headers = decode_headers(Secret(text));
    ASSERT_FALSE(headers.has_value()) << text;
    EXPECT_EQ(headers.error().code, Errc::corrupt);
    EXPECT_EQ(headers.error().message.find("s3cret"), std::string::npos) << headers.error().message;
  }
}

TEST(MetadataCodec, ReadsBackAnyMetadata) {
  SeededRandom random(4);
  for (int i = 0; i < 2000; ++i) {
    Metadata metadata;
    for (std::size_t n = pick(random, 5); n > 0; --n) metadata[any_text(random)] = any_text(random);

    const auto back = decode_metadata(encode_metadata(metadata));

    ASSERT_TRUE(back.has_value()) << back.error().message;
    ASSERT_EQ(*back, metadata);
  }
}

TEST(MetadataCodec, CallsEverythingElseCorrupt) {
  for (const char* text : {"", "null", "[]", "{\"a\":1}", "{\"a\":{}}", "{\"a\":\"b\",}",
                           "{\"a\":\"b\",\"\\u0061\":\"c\"}"}) {
    const auto metadata = decode_metadata(text);
    ASSERT_FALSE(metadata.has_value()) << text;
    EXPECT_EQ(metadata.error().code, Errc::corrupt);
  }
}

}  // namespace
}  // namespace fanfare
