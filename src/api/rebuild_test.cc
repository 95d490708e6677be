// What an attempt sent, as answers show it later.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class Rebuild : public ApiFixture {
 protected:
  Rebuild() {
    make_type("user.created");
    acme = make_party("Acme");
  }
  // Publishes one event and waits for its delivery; its path.
  std::string delivered() {
    const std::string event =
        call("POST", "/api/v1/events", R"({"event_type":"user.created","data":1})", {acme.key, {}})
            .string("id");
    const auto list = call("GET", "/api/v1/events/" + event + "/deliveries", "", {acme.key, {}});
    const std::string path =
        "/api/v1/deliveries/" + std::string(list.json.at("data").at(0).at("id").as_string());
    for (int i = 0; i < 10'000; ++i) {
      if (call("GET", path, "", {acme.key, {}}).string("status") == "success") return path;
    }
    ADD_FAILURE() << "not delivered";
    return path;
  }
  std::string shown_signature(const std::string& path) {
    const auto detail = call("GET", path, "", {acme.key, {}});
    const auto& headers = detail.json.at("attempt_log").at(0).at("request").at("headers");
    return std::string(headers.at("webhook-signature").as_string());
  }
  std::string sent_signature() const {
    for (const auto& [name, value] : sender.sent.back().headers) {
      if (name == "webhook-signature") return value;
    }
    return "";
  }
  int change(const std::string& webhook, const std::string& body) {
    return call("PATCH", "/api/v1/webhooks/" + webhook, body, {acme.key, {}}).status;
  }

  Party acme;
};

TEST_F(Rebuild, ShowsBothSignaturesWhileTheKeysAreThere) {
  make_webhook(acme, R"(,"signature":{"ed25519":true})");
  const std::string path = delivered();
  ASSERT_NE(sent_signature().find("v1a,"), std::string::npos);
  EXPECT_EQ(shown_signature(path), sent_signature());
}

TEST_F(Rebuild, MasksTheSignatureOnceTheEd25519KeyIsGone) {
  const std::string webhook = make_webhook(acme, R"(,"signature":{"ed25519":true})");
  const std::string path = delivered();
  ASSERT_EQ(change(webhook, R"({"signature":{"ed25519":false}})"), 200);
  EXPECT_EQ(shown_signature(path), "***");

  const std::string later = delivered();
  EXPECT_EQ(shown_signature(later), sent_signature()) << "what is sent since then is exact again";
}

TEST_F(Rebuild, AnotherEd25519KeyIsNotTakenForTheOneBefore) {
  const std::string webhook = make_webhook(acme, R"(,"signature":{"ed25519":true})");
  const std::string path = delivered();
  clock.advance(1s);
  ASSERT_EQ(change(webhook, R"({"signature":{"ed25519":false}})"), 200);
  ASSERT_EQ(change(webhook, R"({"signature":{"ed25519":true}})"), 200);
  EXPECT_EQ(shown_signature(path), "***");
}

TEST_F(Rebuild, AttemptsFromBeforeEd25519AreMaskedOnceThereIsAKey) {
  const std::string webhook = make_webhook(acme);
  const std::string path = delivered();
  EXPECT_EQ(shown_signature(path), sent_signature());
  clock.advance(1s);
  ASSERT_EQ(change(webhook, R"({"signature":{"ed25519":true}})"), 200);
  EXPECT_EQ(shown_signature(path), "***");
}

}  // namespace
}  // namespace fanfare
