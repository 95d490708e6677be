// The audit log through the API: each action leaves one entry that tells it, and nobody sees what
// is not theirs.
#include <gmock/gmock.h>

#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;
using ::testing::HasSubstr;
using ::testing::Not;

class Audit : public TwoParties {
 protected:
  boost::json::array entries(const std::string& query = "", const std::string& key = "") {
    const auto page =
        call("GET", "/api/v1/audit-logs?limit=250" + query, "", {key.empty() ? admin : key, {}});
    EXPECT_EQ(page.status, 200) << page.text;
    return page.json.at("data").as_array();
  }
  boost::json::value last(const std::string& query = "") { return entries(query).at(0); }
  // A refusal is answered before its entry is stored.
  boost::json::array entries_once_there_are(std::size_t count, const std::string& query) {
    boost::json::array found;
    EXPECT_TRUE(turn_until([&] {
      found = entries(query);
      return found.size() >= count;
    }));
    return found;
  }
  static std::string text(const boost::json::value& value) { return boost::json::serialize(value); }
};

TEST_F(Audit, AChangeSaysWhoWhatAndFromWhere) {
  const std::string id = make_webhook(acme);

  const auto made =
      call("PATCH", "/api/v1/webhooks/" + id, R"({"name":"new","url":"https://example.com/b?t=1"})",
           {acme.key, {{"User-Agent", "curl/8"}}});

  ASSERT_EQ(made.status, 200) << made.text;
  const auto entry = last("&object=" + id);
  EXPECT_EQ(entry.at("action"), "webhook.updated");
  EXPECT_EQ(entry.at("tenant_id").as_string(), acme.tenant);
  EXPECT_EQ(entry.at("actor").at("kind"), "api_key");
  EXPECT_TRUE(entry.at("actor").at("id").as_string().starts_with("key_"));
  EXPECT_EQ(entry.at("object").at("id").as_string(), id);
  EXPECT_EQ(text(entry.at("before")), R"({"url":"https://example.com/a","name":""})");
  EXPECT_THAT(text(entry.at("after")), HasSubstr(R"({"url":"https://example.com/b?sha256:)"));
  EXPECT_EQ(entry.at("user_agent"), "curl/8");
  EXPECT_EQ(entry.at("request_id").as_string(), made.header("Request-Id"));
}

TEST_F(Audit, AChangeThatChangesNothingLeavesNoEntry) {
  const std::string id = make_webhook(acme);
  const std::size_t before = entries().size();

  EXPECT_EQ(call("POST", "/api/v1/webhooks/" + id + "/resume", "", {acme.key, {}}).status, 200);
  EXPECT_EQ(call("PATCH", "/api/v1/webhooks/" + id, "{}", {acme.key, {}}).status, 200);
  EXPECT_EQ(call("PATCH", "/api/v1/webhooks/" + id, R"({"url":7})", {acme.key, {}}).status, 422);

  EXPECT_EQ(entries().size(), before);
}

TEST_F(Audit, PublishingLeavesNoEntry) {
  make_webhook(acme);
  const std::size_t before = entries().size();

  ASSERT_EQ(publish(R"({"event_type":"user.created","data":{}})").status, 202);

  EXPECT_EQ(entries().size(), before);
}

TEST_F(Audit, ARepetitionOfARequestLeavesOneEntry) {
  const HeaderList once = {{"Idempotency-Key", "k1"}};
  const std::string body = R"({"url":"https://example.com/","events":["*"]})";

  const auto first = call("POST", "/api/v1/webhooks", body, {acme.key, once});
  const auto second = call("POST", "/api/v1/webhooks", body, {acme.key, once});

  ASSERT_EQ(first.string("id"), second.string("id"));
  EXPECT_EQ(entries("&action=webhook.created").size(), 1U);
}

TEST_F(Audit, ATenantSeesItsOwnEntriesOnly) {
  make_webhook(acme);
  const std::string foreign(last("&action=webhook.created").at("id").as_string());

  EXPECT_EQ(entries("&action=webhook.*", rival.key).size(), 0U);
  EXPECT_EQ(entries("&action=webhook.*", acme.key).size(), 1U);
  EXPECT_EQ(entries("&action=event_type.*", acme.key).size(), 0U) << "it belongs to the system";
  EXPECT_EQ(call("GET", "/api/v1/audit-logs/" + foreign, "", {rival.key, {}}).status, 404);
  EXPECT_EQ(call("GET", "/api/v1/audit-logs/" + foreign, "", {acme.key, {}}).status, 200);
  EXPECT_EQ(call("GET", "/api/v1/audit-logs?tenant_id=" + acme.tenant, "", {rival.key, {}}).status,
            404);
  EXPECT_EQ(call("GET", "/api/v1/audit-logs", "", {make_key(acme.tenant, "publish"), {}}).status,
            403);
}

TEST_F(Audit, FiltersThatCannotMatchAreRefused) {
  EXPECT_EQ(as_admin("GET", "/api/v1/audit-logs?action=Webhook%20created").status, 422);
  EXPECT_EQ(as_admin("GET", "/api/v1/audit-logs?since=yesterday").status, 422);
  EXPECT_EQ(as_admin("GET", "/api/v1/audit-logs?colour=red").status, 422);
  EXPECT_EQ(as_admin("GET", "/api/v1/audit-logs/aud_1").status, 404);
  EXPECT_EQ(as_admin("GET", "/api/v1/audit-logs/" + acme.tenant).status, 404);
}

TEST_F(Audit, PagesOfOneFilterMeet) {
  const std::size_t all = entries().size();
  std::size_t seen = 0;
  std::string cursor;
  do {
    const auto page = as_admin("GET", "/api/v1/audit-logs?limit=2" + cursor);
    ASSERT_EQ(page.status, 200) << page.text;
    seen += page.json.at("data").as_array().size();
    cursor = page.string("next_cursor").empty() ? "" : "&cursor=" + page.string("next_cursor");
  } while (!cursor.empty());

  EXPECT_EQ(seen, all);
}

TEST_F(Audit, ARefusedLoginIsRecordedWithoutItsKey) {
  const std::string wrong = "ff_live_wrong-key-0000000000000000000000000";

  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {wrong, {}}).status, 401);

  const auto entry = entries_once_there_are(1, "&action=login.refused").at(0);
  EXPECT_EQ(entry.at("action"), "login.refused");
  EXPECT_EQ(entry.at("actor").at("kind"), "anonymous");
  EXPECT_EQ(text(entry.at("metadata")), R"({"method":"GET","path":"/api/v1/webhooks"})");
  EXPECT_THAT(text(entry), Not(HasSubstr("wrong-key")));
}

TEST_F(Audit, RefusalsAreBoundedEachMinuteAndTheRestIsCounted) {
  for (std::size_t i = 0; i < limits::kAuditRefusalsPerMinuteMax + 5; ++i)
    call("GET", "/api/v1/webhooks", "", {"nobody", {}});
  const std::size_t most = limits::kAuditRefusalsPerMinuteMax;
  EXPECT_EQ(entries_once_there_are(most, "&action=login.refused").size(), most);

  clock.advance(std::chrono::minutes{1});
  call("GET", "/api/v1/webhooks", "", {"nobody", {}});

  const auto found = entries_once_there_are(most + 1, "&action=login.refused");
  EXPECT_EQ(found.size(), most + 1);
  EXPECT_EQ(found.at(0).at("metadata").at("left_out"), 5);
}

TEST_F(Audit, AKeyTooSmallForAnAdminsRouteIsRecorded) {
  EXPECT_EQ(call("GET", "/api/v1/tenants", "", {acme.key, {}}).status, 403);

  const auto entry = entries_once_there_are(1, "&action=login.forbidden").at(0);
  EXPECT_EQ(entry.at("actor").at("kind"), "api_key");
  EXPECT_EQ(entry.at("tenant_id").as_string(), acme.tenant);
}

TEST_F(Audit, ALongUserAgentIsCut) {
  call("POST", "/api/v1/webhooks", R"({"url":"https://example.com/","events":["*"]})",
       {acme.key, {{"User-Agent", std::string(255, 'a') + "\xC3\xA9"}}});

  EXPECT_EQ(last().at("user_agent").as_string(), std::string(255, 'a'));
}

TEST_F(Audit, WhatWasRecordedOfADeletedTenantIsFoundByItsId) {
  const std::string webhook = make_webhook(acme);
  ASSERT_EQ(as_admin("DELETE", "/api/v1/webhooks/" + webhook + "?purge=true").status, 204);
  ASSERT_EQ(as_admin("DELETE", "/api/v1/tenants/" + acme.tenant).status, 204);

  const auto found = entries("&tenant_id=" + acme.tenant);

  ASSERT_GE(found.size(), 3U);
  EXPECT_EQ(found.at(0).at("action"), "tenant.deleted");
  EXPECT_EQ(found.at(1).at("action"), "webhook.deleted");
  EXPECT_EQ(found.at(1).at("metadata").at("purge"), true) << "its history went with it";
}

}  // namespace
}  // namespace fanfare
