// A replayed answer is the first one again, headers included.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class Replay : public ApiFixture {
 protected:
  Replay() { acme = make_party("Acme"); }

  // The same request twice; the second must be a replay.
  std::pair<ApiReply, ApiReply> twice(const std::string& key, const std::string& path,
                                      const std::string& body) {
    const Call how{key, {{"Idempotency-Key", "k"}}};
    const auto first = call("POST", path, body, how);
    const auto second = call("POST", path, body, how);
    EXPECT_EQ(second.header("Idempotency-Replayed"), "true") << path;
    return {first, second};
  }

  Party acme;
};

TEST_F(Replay, ANewWebhookHasItsEtagAndLocationAgain) {
  const auto [first, second] =
      twice(acme.key, "/api/v1/webhooks", R"({"url":"https://example.com/a","events":["*"]})");
  EXPECT_EQ(second.status, 201);
  EXPECT_EQ(second.header("ETag"), "\"1\"");
  EXPECT_EQ(second.header("ETag"), first.header("ETag"));
  EXPECT_EQ(second.header("Location"), "/api/v1/webhooks/" + first.string("id"));
  EXPECT_EQ(second.header("Location"), first.header("Location"));
}

TEST_F(Replay, AChangedWebhookHasTheEtagOfThatChange) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme);
  const Call how{acme.key, {{"Idempotency-Key", "k"}}};
  ASSERT_EQ(call("POST", path + "/pause", "", how).header("ETag"), "\"2\"");
  ASSERT_EQ(call("POST", path + "/resume", "", {acme.key, {}}).header("ETag"), "\"3\"");

  const auto second = call("POST", path + "/pause", "", how);
  EXPECT_EQ(second.header("ETag"), "\"2\"");
  EXPECT_EQ(second.header("Location"), "");
}

TEST_F(Replay, ANewTenantHasItsLocationAgain) {
  const auto [first, second] = twice(admin, "/api/v1/tenants", R"({"name":"Two"})");
  EXPECT_EQ(second.header("Location"), first.header("Location"));
  EXPECT_EQ(second.header("Location"), "/api/v1/tenants/" + first.string("id"));
}

TEST_F(Replay, ARotationHasItsEtagAgain) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme) + "/rotate-secret";

  const auto [first, second] = twice(acme.key, path, "");

  EXPECT_EQ(first.header("ETag"), "\"2\"");
  EXPECT_EQ(second.header("ETag"), first.header("ETag"));
  EXPECT_EQ(second.text, first.text);
}

TEST_F(Replay, WhatHadNoHeadersOfItsOwnGetsNone) {
  make_webhook(acme);
  make_type("user.created");
  const std::pair<std::string, std::string> table[] = {
      {"/api/v1/events", R"({"event_type":"user.created","data":1})"},
      {"/api/v1/api-keys", R"({"role":"read"})"},
  };
  for (const auto& [path, body] : table) {
    const auto [first, second] = twice(acme.key, path, body);
    EXPECT_EQ(second.header("ETag"), first.header("ETag")) << path;
    EXPECT_EQ(second.header("Location"), first.header("Location")) << path;
  }
}

}  // namespace
}  // namespace fanfare
