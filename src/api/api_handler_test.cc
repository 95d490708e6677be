// The API as clients see it, over the real engine and the store in memory.
#include "api/api_handler.h"

#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class Api : public TwoParties {
 protected:
  std::int64_t events_stored() {
    const auto reply = call("GET", "/api/v1/events?limit=250", "", {acme.key, {}});
    return static_cast<std::int64_t>(reply.json.at("data").as_array().size());
  }
};

// ---- who asks ----

TEST_F(Api, TheSameRefusalForNoKeyAWrongOneAndARevokedOne) {
  const std::string key = make_key(acme.tenant, "tenant");
  const auto keys = as_admin("GET", "/api/v1/api-keys?tenant_id=" + acme.tenant);
  const std::string newest(keys.json.at("data").at(0).at("id").as_string());
  ASSERT_EQ(call("GET", "/api/v1/webhooks", "", {key, {}}).status, 200);
  ASSERT_EQ(as_admin("DELETE", "/api/v1/api-keys/" + newest).status, 204);

  std::string wrong = acme.key;
  wrong.back() = wrong.back() == 'a' ? 'b' : 'a';
  for (const std::string& bad : {std::string(), std::string("nonsense"), wrong, key, admin + "x"}) {
    const auto reply = call("GET", "/api/v1/webhooks", "", {bad, {}});
    EXPECT_EQ(reply.status, 401) << bad;
    EXPECT_EQ(reply.string("detail"), call("GET", "/api/v1/webhooks", "", {}).string("detail"));
    EXPECT_FALSE(reply.header("WWW-Authenticate").empty());
  }
}

TEST_F(Api, AKeyEndsWhenItExpires) {
  const auto made =
      as_admin("POST", "/api/v1/api-keys",
               R"({"tenant_id":")" + acme.tenant + R"(","expires_at":"2026-01-01T00:01:00Z"})");
  ASSERT_EQ(made.status, 201);
  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {made.string("key"), {}}).status, 200);

  clock.advance(60s);

  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {made.string("key"), {}}).status, 401);
}

TEST_F(Api, XApiKeyWorksAsBearerDoes) {
  EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {"", {{"x-api-key", acme.key}}}).status, 200);
  EXPECT_EQ(
      call("GET", "/api/v1/webhooks", "", {"", {{"Authorization", "Basic " + acme.key}}}).status,
      401);
}

TEST_F(Api, EachRoleMayDoWhatItsRoutesSay) {
  const std::pair<std::string, Role> roles[] = {
      {"tenant", Role::tenant}, {"read", Role::read}, {"publish", Role::publish}};
  for (const auto& [name, role] : roles) {
    const std::string key = make_key(acme.tenant, name);
    for (const Route& route : api_routes()) {
      if (route.roles == kAnybody) continue;
      std::string path(route.pattern);
      for (auto at = path.find('{'); at != std::string::npos; at = path.find('{')) {
        path.replace(at, path.find('}') - at + 1, "nothing");
      }
      const int status = call(std::string(route.method), path, "", {key, {}}).status;
      EXPECT_EQ(status == 403, (route.roles & role_bit(role)) == 0)
          << name << " " << route.method << " " << path;
    }
  }
}

// ---- heads ----

TEST_F(Api, RefusalsOfHeadsAreProblems) {
  EXPECT_EQ(as_admin("GET", "/api/v1/nothing").status, 404);
  EXPECT_EQ(as_admin("GET", "/health").status, 404);
  const auto method = as_admin("DELETE", "/api/v1/events");
  EXPECT_EQ(method.status, 405);
  EXPECT_EQ(method.header("Allow"), "POST, GET");
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants", "a=b",
                     {{"Content-Type", "application/x-www-form-urlencoded"}})
                .status,
            415);
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants", "{}", {{"Content-Encoding", "gzip"}}).status, 415);
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants", R"({"name":"x"})",
                     {{"Content-Type", "application/json; charset=UTF-8"}})
                .status,
            201);
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants", "{").string("code"), "malformed_json");
}

TEST_F(Api, EveryAnswerHasItsOwnRequestId) {
  const auto a = as_admin("GET", "/api/v1/tenants");
  const auto b = as_admin("GET", "/api/v1/nothing");
  EXPECT_TRUE(a.header("Request-Id").starts_with("req_"));
  EXPECT_NE(a.header("Request-Id"), b.header("Request-Id"));
  EXPECT_EQ(b.string("request_id"), b.header("Request-Id"));
}

// ---- publishing ----

TEST_F(Api, APublishIsAnsweredWithWhatWasStored) {
  make_webhook(acme);
  const auto reply =
      publish(R"({"event_type":"user.created","data":{"a": [1, 2]},"event_id":"order-17",)"
              R"("metadata":{"k":"v"}})");
  EXPECT_EQ(reply.status, 202);
  EXPECT_EQ(reply.string("event_id"), "order-17");
  EXPECT_EQ(reply.json.at("deliveries"), 1);
  EXPECT_EQ(reply.json.at("duplicate"), false);
  const auto event = call("GET", "/api/v1/events/" + reply.string("id"), "", {acme.key, {}});
  EXPECT_NE(event.text.find(R"("data":{"a": [1, 2]})"), std::string::npos)
      << "byte for byte: " << event.text;
  EXPECT_EQ(event.json.at("metadata").at("k"), "v");
}

TEST_F(Api, BadPublishesAreRefusedAndStoreNothing) {
  const std::pair<std::string, int> table[] = {
      {"", 422},
      {"{", 400},
      {"[]", 400},
      {R"({"event_type":"user.created"})", 422},
      {R"({"data":{}})", 422},
      {R"({"event_type":7,"data":{}})", 422},
      {R"({"event_type":"","data":{}})", 422},
      {R"({"event_type":"user.creatd","data":{}})", 422},
      {R"({"event_type":"user created","data":{}})", 422},
      {R"({"event_type":"user.created","data":{},"event":"user.deleted"})", 422},
      {R"({"event_type":"user.created","data":{},"payload":{}})", 422},
      {R"({"event_type":"user.created","data":{},"colour":1})", 422},
      {R"({"event_type":"user.created","data":{},"event_id":""})", 422},
      {R"({"event_type":"user.created","data":{},"event_id":7})", 422},
      {R"({"event_type":"user.created","data":{},"event_id":"a\u0000b"})", 422},
      {R"({"event_type":"user.created","data":{},"event_id":")" + std::string(256, 'a') + "\"}",
       422},
      {R"({"event_type":"user.created","data":{},"max_attempts":0})", 422},
      {R"({"event_type":"user.created","data":{},"max_attempts":21})", 422},
      {R"({"event_type":"user.created","data":{},"max_attempts":"3"})", 422},
      {R"({"event_type":"user.created","data":{},"webhook_ids":[]})", 422},
      {R"({"event_type":"user.created","data":{},"webhook_ids":"x"})", 422},
      {R"({"event_type":"user.created","data":{},"webhook_ids":["wh_00000000000000000000000000"]})",
       422},
      {R"({"event_type":"user.created","data":{},"metadata":{"a":1}})", 422},
      {R"({"event_type":"user.created","data":{},"metadata":[]})", 422},
      {R"({"event_type":"user.created","data":{},"tenant_id":")" + rival.tenant + "\"}", 404},
      {R"({"event_type":"user.created","data":")" + std::string(256 * 1024, 'a') + "\"}", 413},
      {R"({"event_type":"user.created","data":{"a":1,"a":2}})", 400},
      {std::string(1024 * 1024 + 1, ' '), 413},
  };
  for (const auto& [body, status] : table) {
    EXPECT_EQ(publish(body).status, status) << body.substr(0, 120);
  }
  EXPECT_EQ(events_stored(), 0);
}

TEST_F(Api, AliasesOfPublishingMeanTheSame) {
  EXPECT_EQ(publish(R"({"event":"user.created","payload":[1]})").status, 202);
  EXPECT_EQ(publish(R"({"type":"user.created","data":null})").status, 202);
}

TEST_F(Api, KeysMayBeWrittenWithEscapes) {
  EXPECT_EQ(publish(R"({"event\u005ftype":"user\u002ecreated","d\u0061ta":1})").status, 202);
  EXPECT_EQ(publish(R"({"event_type":"user.created","d\u0061ta":1,"data":2})").status, 400);
  const auto changed =
      as_admin("PATCH", "/api/v1/event-types/user.created", R"({"s\u0061mple":{"a": 1}})");
  EXPECT_NE(changed.text.find(R"("sample":{"a": 1})"), std::string::npos);
}

TEST_F(Api, RoutesWithoutABodyRefuseOne) {
  EXPECT_EQ(call("GET", "/api/v1/webhooks", "{}", {acme.key, {}}).status, 413);
}

TEST_F(Api, TheSameEventIdIsADuplicateAndAnotherBodyAConflict) {
  const std::string body = R"({"event_type":"user.created","data":{"a":1},"event_id":"o-1"})";
  const auto first = publish(body);
  const auto second = publish(body);
  EXPECT_EQ(second.status, 200);
  EXPECT_EQ(second.json.at("duplicate"), true);
  EXPECT_EQ(second.string("id"), first.string("id"));
  const auto other = publish(R"({"event_type":"user.created","data":{"a":2},"event_id":"o-1"})");
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.string("code"), "event_id_conflict");
  EXPECT_EQ(call("POST", "/api/v1/events", body, {rival.key, {}}).status, 202)
      << "another tenant's ids are its own";
}

TEST_F(Api, ABatchAnswersEachEventInOrder) {
  const auto reply =
      call("POST", "/api/v1/events/batch",
           R"({"events":[ {"event_type":"user.created","data":{"t":"a,]}\"b"},"event_id":"x"} , 7,)"
           R"({"event_type":"nope","data":1},)"
           R"({"event_type":"user.created","data":{"t":"a,]}\"b"},"event_id":"x"}]})",
           {acme.key, {}});
  ASSERT_EQ(reply.status, 202);
  const auto& data = reply.json.at("data").as_array();
  ASSERT_EQ(data.size(), 4U);
  EXPECT_EQ(data[0].at("status"), 202);
  EXPECT_EQ(data[1].at("status"), 400);
  EXPECT_EQ(data[2].at("problem").at("errors").at(0).at("code"), "unknown_event_type");
  EXPECT_EQ(data[3].at("status"), 200);
  EXPECT_EQ(data[3].at("id"), data[0].at("id"));
}

TEST_F(Api, ABatchIsBounded) {
  const auto batch = [this](const std::string& events) {
    return call("POST", "/api/v1/events/batch", "{\"events\":" + events + "}", {acme.key, {}})
        .status;
  };
  std::string many = "[1";
  for (int i = 0; i < 1000; ++i) many += ",1";
  EXPECT_EQ(batch(many + "]"), 422);
  EXPECT_EQ(batch("[]"), 422);
  EXPECT_EQ(batch("{}"), 422);
}

// ---- Idempotency-Key ----

TEST_F(Api, ARepeatedRequestIsAnsweredFromWhatWasKept) {
  const std::string body = R"({"event_type":"user.created","data":{}})";
  const auto first = publish(body, {{"Idempotency-Key", "k1"}});
  const auto second = publish(body, {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(second.status, 202);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.header("Idempotency-Replayed"), "true");
  EXPECT_EQ(first.header("Idempotency-Replayed"), "");
  EXPECT_EQ(events_stored(), 1);
}

TEST_F(Api, AKeyUsedForAnotherBodyIsRefused) {
  publish(R"({"event_type":"user.created","data":1})", {{"Idempotency-Key", "k1"}});
  const auto other =
      publish(R"({"event_type":"user.created","data":2})", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(other.string("code"), "idempotency_key_reused");
  EXPECT_EQ(events_stored(), 1);
}

TEST_F(Api, ARefusedRequestLeavesItsKeyFree) {
  EXPECT_EQ(publish("{}", {{"Idempotency-Key", "k1"}}).status, 422);
  EXPECT_EQ(
      publish(R"({"event_type":"user.created","data":{}})", {{"Idempotency-Key", "k1"}}).status,
      202);
  EXPECT_EQ(shared_state->running->size(), 0U);
}

TEST_F(Api, AKeyStillRunningIsAConflictThatPasses) {
  ASSERT_TRUE(shared_state->running->start(acme.tenant + " POST /api/v1/events\nk1"));
  const auto reply =
      publish(R"({"event_type":"user.created","data":{}})", {{"Idempotency-Key", "k1"}});
  EXPECT_EQ(reply.status, 409);
  EXPECT_EQ(reply.header("Retry-After"), "1");
}

TEST_F(Api, KeysAreCheckedAndEndAfterADay) {
  for (const std::string& key :
       {std::string(), std::string(256, 'a'), std::string("a\tb"), std::string("\xC3\xBC")}) {
    EXPECT_EQ(
        publish(R"({"event_type":"user.created","data":{}})", {{"Idempotency-Key", key}}).status,
        422);
  }
  publish(R"({"event_type":"user.created","data":{}})", {{"Idempotency-Key", "k"}});
  clock.advance(24h + 1ms);
  EXPECT_EQ(publish(R"({"event_type":"user.created","data":{}})", {{"Idempotency-Key", "k"}})
                .header("Idempotency-Replayed"),
            "");
}

TEST_F(Api, ASecretIsReplayedButNotKeptInTheClear) {
  const std::string body = R"({"url":"https://example.com/a","events":["*"]})";
  const Call how{acme.key, {{"Idempotency-Key", "k"}}};
  const auto first = call("POST", "/api/v1/webhooks", body, how);
  const auto second = call("POST", "/api/v1/webhooks", body, how);
  EXPECT_EQ(second.text, first.text);
  EXPECT_EQ(second.string("secret"), first.string("secret"));
  const auto kept = store->open_reader().value()->kept_answer(
      acme.tenant + " POST /api/v1/webhooks", "k", kStart);
  ASSERT_TRUE(kept && *kept);
  EXPECT_TRUE((*kept)->answer.is_sealed);
  EXPECT_EQ((*kept)->answer.body.find("whsec_"), std::string::npos);
}

TEST_F(Api, AnAdminKeysReplayShowsNoKey) {
  const auto first =
      as_admin("POST", "/api/v1/api-keys", R"({"role":"admin"})", {{"Idempotency-Key", "k"}});
  const auto second =
      as_admin("POST", "/api/v1/api-keys", R"({"role":"admin"})", {{"Idempotency-Key", "k"}});
  EXPECT_EQ(second.string("id"), first.string("id"));
  EXPECT_TRUE(first.json.as_object().contains("key"));
  EXPECT_FALSE(second.json.as_object().contains("key"));
}

TEST_F(Api, EveryPostTakesAKey) {
  const std::string webhook = "/api/v1/webhooks/" + make_webhook(acme);
  for (const std::string& path :
       {webhook + "/pause", webhook + "/resume", webhook + "/disable", webhook + "/enable",
        webhook + "/rotate-secret", webhook + "/test"}) {
    const Call how{acme.key, {{"Idempotency-Key", "k"}}};
    const auto first = call("POST", path, "", how);
    const auto second = call("POST", path, "", how);
    EXPECT_EQ(first.status, 200) << path << first.text;
    EXPECT_EQ(second.text, first.text) << path;
    EXPECT_EQ(second.header("Idempotency-Replayed"), "true") << path;
  }
}

// ---- webhooks ----

TEST_F(Api, TheSecretIsShownAtCreationOnly) {
  const auto made = call("POST", "/api/v1/webhooks",
                         R"({"url":"https://example.com/a","events":["*"]})", {acme.key, {}});
  ASSERT_EQ(made.status, 201);
  EXPECT_TRUE(made.string("secret").starts_with("whsec_"));
  EXPECT_EQ(made.header("ETag"), "\"1\"");
  const auto read = call("GET", "/api/v1/webhooks/" + made.string("id"), "", {acme.key, {}});
  EXPECT_EQ(read.text.find("whsec_"), std::string::npos);
  EXPECT_TRUE(read.json.at("recent_deliveries").as_array().empty());
}

TEST_F(Api, IfMatchGuardsAChange) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme);
  const auto change = [&](const std::string& etag, const std::string& name) {
    return call("PATCH", path, R"({"name":")" + name + "\"}", {acme.key, {{"If-Match", etag}}});
  };
  EXPECT_EQ(change("\"1\"", "a").header("ETag"), "\"2\"");
  EXPECT_EQ(change("\"1\"", "b").status, 412);
  EXPECT_EQ(change("W/\"2\"", "b").status, 412);
  EXPECT_EQ(change("\"9\", \"2\"", "b").status, 200);
  EXPECT_EQ(change("*", "c").status, 200);
  EXPECT_EQ(call("DELETE", path, "", {acme.key, {{"If-Match", "\"1\""}}}).status, 412);
}

TEST_F(Api, AChangeThatChangesNothingMakesNoVersion) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme, R"(,"name":"n")");
  EXPECT_EQ(call("PUT", path, R"({"name":"n"})", {acme.key, {}}).header("ETag"), "\"1\"");
  EXPECT_EQ(call("POST", path + "/resume", "", {acme.key, {}}).header("ETag"), "\"1\"");
}

TEST_F(Api, StatusesFollowTheirVerbs) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme);
  const auto act = [&](const std::string& verb) {
    const auto reply = call("POST", path + "/" + verb, "", {acme.key, {}});
    return reply.status == 200 ? reply.string("status") : std::to_string(reply.status);
  };
  EXPECT_EQ(act("pause"), "paused");
  EXPECT_EQ(act("resume"), "active");
  EXPECT_EQ(act("disable"), "disabled");
  EXPECT_EQ(act("pause"), "409");
  EXPECT_EQ(act("resume"), "409");
  EXPECT_EQ(act("enable"), "active");
  EXPECT_EQ(call("POST", path + "/pause", R"({"for":"1h"})", {acme.key, {}}).status, 422);
}

TEST_F(Api, ADeletedWebhookIsGone) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme);
  EXPECT_EQ(call("DELETE", path, "", {acme.key, {}}).status, 204);
  EXPECT_EQ(call("GET", path, "", {acme.key, {}}).status, 404);
  EXPECT_EQ(as_admin("GET", path).status, 404);
  EXPECT_EQ(call("DELETE", path, "", {acme.key, {}}).status, 404);
}

TEST_F(Api, RotationAnswersTheNewSecretAndWhenTheOldEnds) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme) + "/rotate-secret";
  const auto rotated = call("POST", path, R"({"overlap_seconds":60})", {acme.key, {}});
  EXPECT_EQ(rotated.status, 200);
  EXPECT_TRUE(rotated.string("secret").starts_with("whsec_"));
  EXPECT_EQ(rotated.string("previous_expires_at"), "2026-01-01T00:01:00.000Z");
  EXPECT_EQ(call("POST", path, R"({"overlap_seconds":604801})", {acme.key, {}}).status, 422);
  EXPECT_EQ(call("POST", path, R"({"secret":"weak"})", {acme.key, {}}).status, 422);
  const auto at_once = call("POST", path, R"({"overlap_seconds":0})", {acme.key, {}});
  EXPECT_TRUE(at_once.json.at("previous_expires_at").is_null());
}

TEST_F(Api, ListsArePagedWithCursorsThatFitTheirFilterOnly) {
  for (int i = 0; i < 5; ++i) make_webhook(acme, i % 2 == 0 ? R"(,"name":"even")" : "");
  const auto first = call("GET", "/api/v1/webhooks?limit=2", "", {acme.key, {}});
  EXPECT_EQ(first.json.at("has_more"), true);
  const std::string cursor = first.string("next_cursor");
  const auto second = call("GET", "/api/v1/webhooks?limit=2&cursor=" + cursor, "", {acme.key, {}});
  EXPECT_EQ(second.json.at("data").as_array().size(), 2U);
  EXPECT_LT(second.json.at("data").at(0).at("id").as_string(),
            first.json.at("data").at(1).at("id").as_string());
  const auto last = call("GET", "/api/v1/webhooks?limit=2&cursor=" + second.string("next_cursor"),
                         "", {acme.key, {}});
  EXPECT_EQ(last.json.at("data").as_array().size(), 1U);
  EXPECT_TRUE(last.json.at("next_cursor").is_null());
  EXPECT_EQ(call("GET", "/api/v1/webhooks?search=even&cursor=" + cursor, "", {acme.key, {}})
                .string("code"),
            "invalid_cursor");
  EXPECT_EQ(call("GET", "/api/v1/webhooks?cursor=" + cursor, "", {rival.key, {}}).status, 400);
  EXPECT_EQ(call("GET", "/api/v1/webhooks?search=EVEN", "", {acme.key, {}})
                .json.at("data")
                .as_array()
                .size(),
            3U);
}

TEST_F(Api, ATestAnswersWithTheAttempt) {
  const std::string id = make_webhook(acme, R"(,"headers":{"X-Key":"hunter2"})");
  const auto reply = call("POST", "/api/v1/webhooks/test",
                          R"({"webhook_id":")" + id + R"(","payload":{"x": 1}})", {acme.key, {}});
  ASSERT_EQ(reply.status, 200) << reply.text;
  EXPECT_EQ(reply.json.at("success"), true);
  EXPECT_EQ(reply.json.at("response_status"), 200);
  EXPECT_NE(reply.json.at("request").at("body").as_string().find(R"({"x": 1})"), std::string::npos);
  EXPECT_EQ(reply.text.find("hunter2"), std::string::npos);
  ASSERT_EQ(sender.sent.size(), 1U);
}

// ---- events and deliveries ----

TEST_F(Api, ADeliveryShowsItsAttemptsAsTheyWere) {
  const std::string id = make_webhook(acme, R"(,"headers":{"X-Key":"hunter2"})");
  const auto event = publish(R"({"event_type":"user.created","data":{"a": 1}})");
  const auto list = call("GET", "/api/v1/webhooks/" + id + "/deliveries", "", {acme.key, {}});
  ASSERT_EQ(list.json.at("data").as_array().size(), 1U);
  const std::string path =
      "/api/v1/deliveries/" + std::string(list.json.at("data").at(0).at("id").as_string());
  ApiReply detail;
  for (int i = 0; i < 1000 && detail.text.find("\"success\"") == std::string::npos; ++i) {
    detail = call("GET", path, "", {acme.key, {}});
  }
  ASSERT_EQ(detail.json.at("attempt_log").as_array().size(), 1U) << detail.text;
  const auto& request = detail.json.at("attempt_log").at(0).at("request");
  ASSERT_EQ(sender.sent.size(), 1U);
  EXPECT_EQ(request.at("body").as_string(), sender.sent[0].body);
  EXPECT_EQ(request.at("headers").at("X-Key"), "***");
  for (const auto& [name, value] : sender.sent[0].headers) {
    const std::string shown(request.at("headers").at(name).as_string());
    EXPECT_EQ(shown, name == "X-Key" ? "***" : value) << name;
  }
  EXPECT_EQ(call("GET", path, "", {rival.key, {}}).status, 404);
}

TEST_F(Api, ATraceSaysWhyEachWebhookGotTheEventOrNot) {
  make_type("invoice.paid");
  const std::string wants_it = make_webhook(acme);
  const auto other =
      call("POST", "/api/v1/webhooks",
           R"({"url":"https://example.com/b","events":["invoice.paid"]})", {acme.key, {}});
  const std::string off = make_webhook(acme);
  call("POST", "/api/v1/webhooks/" + off + "/disable", "", {acme.key, {}});
  clock.advance(1s);
  const std::string event = publish(R"({"event_type":"user.created","data":1})").string("id");
  clock.advance(1s);
  const std::string late = make_webhook(acme);

  const auto trace = call("GET", "/api/v1/events/" + event + "/trace", "", {acme.key, {}});

  std::map<std::string, std::string> decisions;
  for (const auto& line : trace.json.at("webhooks").as_array()) {
    const auto& reason = line.at("reason");
    decisions[std::string(line.at("webhook_id").as_string())] =
        std::string(line.at("decision").as_string()) + " " +
        (reason.is_null() ? "" : std::string(reason.as_string()));
  }
  EXPECT_EQ(decisions[wants_it], "sent ");
  EXPECT_EQ(decisions[other.string("id")], "not_sent not_subscribed");
  EXPECT_TRUE(decisions[off].starts_with("skipped")) << decisions[off];
  EXPECT_EQ(decisions[late], "not_sent created_later");
}

TEST_F(Api, RetryStartsARunAndCancelEndsIt) {
  const std::string id = make_webhook(acme);
  sender.status = 500;
  const std::string event =
      publish(R"({"event_type":"user.created","data":1,"max_attempts":1})").string("id");
  const auto list = [&] {
    return call("GET", "/api/v1/events/" + event + "/deliveries", "", {acme.key, {}});
  };
  ApiReply seen = list();
  for (int i = 0; i < 1000 && seen.text.find("\"failed\"") == std::string::npos; ++i) seen = list();
  const std::string path =
      "/api/v1/deliveries/" + std::string(seen.json.at("data").at(0).at("id").as_string());
  EXPECT_EQ(call("POST", path + "/cancel", "", {acme.key, {}}).status, 409) << "it is over";
  call("POST", "/api/v1/webhooks/" + id + "/pause", "", {acme.key, {}});
  const auto retried = call("POST", path + "/retry", "", {acme.key, {}});
  EXPECT_EQ(retried.status, 202);
  EXPECT_EQ(retried.json.at("run"), 2);
  EXPECT_EQ(retried.string("trigger"), "retry");
  EXPECT_EQ(call("POST", path + "/cancel", "", {acme.key, {}}).string("status"), "cancelled");
  EXPECT_EQ(call("GET", path, "", {acme.key, {}}).string("status"), "cancelled");
}

TEST_F(Api, FiltersOfListsAreChecked) {
  for (const std::string_view query :
       {"status=odd", "code=99", "code=x", "since=now", "webhook_id=x", "colour=1"}) {
    EXPECT_EQ(call("GET", "/api/v1/deliveries?" + std::string(query), "", {acme.key, {}}).status,
              422)
        << query;
  }
}

// ---- the catalogue ----

TEST_F(Api, TheCatalogueIsWrittenByAdminsAndReadByAll) {
  EXPECT_EQ(call("POST", "/api/v1/event-types", R"({"name":"a.b"})", {acme.key, {}}).status, 403);
  EXPECT_EQ(as_admin("POST", "/api/v1/event-types", R"({"name":"user.created"})").status, 409);
  EXPECT_EQ(as_admin("POST", "/api/v1/event-types", R"({"name":"a b"})").status, 422);
  EXPECT_EQ(as_admin("PATCH", "/api/v1/event-types/user.created",
                     R"({"sample":{"a": 1},"category":"users"})")
                .status,
            200);
  const auto type = call("GET", "/api/v1/event-types/user.created", "", {acme.key, {}});
  EXPECT_NE(type.text.find(R"("sample":{"a": 1})"), std::string::npos);
  EXPECT_EQ(call("GET", "/api/v1/webhooks/events/available", "", {acme.key, {}})
                .json.at("data")
                .as_array()
                .size(),
            1U);
  EXPECT_EQ(as_admin("DELETE", "/api/v1/event-types/user.created").status, 204);
  EXPECT_EQ(as_admin("GET", "/api/v1/event-types/user.created").status, 404);
  EXPECT_EQ(as_admin("DELETE", "/api/v1/event-types/user.created").status, 404);
}

// ---- health ----

TEST_F(Api, HealthNeedsNoKey) {
  EXPECT_EQ(call("GET", "/livez", "", {}).status, 200);
  EXPECT_EQ(call("GET", "/readyz", "", {}).status, 200);
}

}  // namespace
}  // namespace fanfare
