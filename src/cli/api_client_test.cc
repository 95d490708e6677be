#include "cli/api_client.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

constexpr const char* kAdminKey = "the-admin-key-of-the-configuration-file";

Config config_listening_on(const char* listen) {
  ConfigSources sources;
  sources.environment = {{"FANFARE_LISTEN", listen}, {"FANFARE_ADMIN_KEY", kAdminKey}};
  return load_config(sources).value();
}

TEST(ApiAccess, IsWhereTheServerListensWithTheAdminKey) {
  const auto access = api_access({}, config_listening_on("127.0.0.1:9000"), {});

  ASSERT_TRUE(access);
  EXPECT_EQ(access->url, "http://127.0.0.1:9000");
  EXPECT_EQ(access->key.reveal(), kAdminKey);
}

TEST(ApiAccess, CallsAServerOnEveryAddressByLoopback) {
  EXPECT_EQ(api_access({}, config_listening_on("0.0.0.0:9000"), {})->url, "http://127.0.0.1:9000");
  EXPECT_EQ(api_access({}, config_listening_on("[::]:9000"), {})->url, "http://[::1]:9000");
}

TEST(ApiAccess, PrefersTheKeyOfTheEnvironmentToTheAdminKey) {
  const auto access =
      api_access({}, config_listening_on("127.0.0.1:9000"), {{"FANFARE_API_KEY", "ff_live_other"}});

  EXPECT_EQ(access->key.reveal(), "ff_live_other");
}

TEST(ApiAccess, RefusesWhatCannotBeCalled) {
  const auto config = config_listening_on("127.0.0.1:9000");

  EXPECT_FALSE(api_access({}, config_listening_on("127.0.0.1:0"), {})) << "any free port";
  EXPECT_FALSE(api_access({.url = "file:///etc/passwd", .key_file = ""}, config, {}));
  EXPECT_FALSE(api_access({.url = "", .key_file = "no/such/file"}, config, {}));
  EXPECT_FALSE(api_access({}, config, {{"FANFARE_API_KEY", "two\r\nlines"}}));
  EXPECT_FALSE(api_access({}, load_config({}).value(), {})) << "no key at all";
}

struct Words {
  const char* body;
  const char* expected;
};
const Words kWords[] = {
    {R"({"detail":"/url: is required","errors":[{"pointer":"/url","detail":"is required"}]})",
     "/url: is required"},
    {R"~({"detail":"/url: is required (and 1 more)","errors":[
         {"pointer":"/url","detail":"is required"},
         {"parameter":"limit","detail":"is no number"}]})~",
     "/url: is required; limit: is no number"},
    {R"({"detail":"There is such a webhook.","errors":[]})", "There is such a webhook."},
    {R"({"detail":"There is such a webhook."})", "There is such a webhook."},
    {"<html>", "the server answered 422"},
    {"", "the server answered 422"},
};

TEST(ApiAnswer, SaysEachReasonOfARefusalOnce) {
  for (const Words& one : kWords) {
    const ApiAnswer answer{.status = 422, .body = one.body};
    EXPECT_EQ(refusal_in(answer), one.expected) << one.body;
  }
}

TEST(ApiClient, SaysWhatToDoWhenNobodyListens) {
  // Port 1 of loopback: nothing listens there on any machine that tests run on.
  const ApiClient client({.url = "http://127.0.0.1:1", .key = Secret("key")});

  const auto answer = client.send({.path = "/livez", .body = {}});

  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::unavailable);
  EXPECT_NE(answer.error().message.find("fanfare serve"), std::string::npos);
}

}  // namespace
}  // namespace fanfare
