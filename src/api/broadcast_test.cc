// An admin's event without a tenant, where the server allows it.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

const char* const kEvent = R"({"event_type":"user.created","data":{"n":1}})";

class BroadcastApi : public TwoParties {
 protected:
  BroadcastApi() {
    make_webhook(acme);
    make_webhook(rival);
    clock.advance(Millis{1000});
    serve([](ApiConfig& config) { config.allows_broadcast = true; });
  }
  ApiReply until_done(const std::string& id) {
    ApiReply reply;
    turn_until([&] {
      reply = as_admin("GET", "/api/v1/broadcasts/" + id);
      return reply.string("status") == "done";
    });
    return reply;
  }
  ApiReply events_of(const Party& party) {
    return call("GET", "/api/v1/events", "", {party.key, {}});
  }
};

TEST_F(BroadcastApi, EachTenantSeesItsOwnEvent) {
  const auto accepted = as_admin("POST", "/api/v1/events", kEvent);

  ASSERT_EQ(accepted.status, 202) << accepted.text;
  EXPECT_TRUE(accepted.json.at("broadcast").as_bool());
  EXPECT_TRUE(accepted.json.at("event_id").is_null());
  EXPECT_FALSE(accepted.json.at("duplicate").as_bool());
  const auto done = until_done(accepted.string("id"));
  EXPECT_EQ(done.json.at("tenants").as_int64(), 2);
  EXPECT_EQ(done.json.at("deliveries").as_int64(), 2);
  for (const Party* party : {&acme, &rival}) {
    const auto events = events_of(*party);
    ASSERT_EQ(events.json.at("data").as_array().size(), 1U);
    EXPECT_EQ(events.json.at("data").at(0).at("event_id").as_string(),
              accepted.string("id").c_str());
    EXPECT_EQ(events.json.at("data").at(0).at("tenant_id").as_string(), party->tenant.c_str());
  }
}

TEST_F(BroadcastApi, TheSameEventIdAgainIsADuplicateAndAnotherBodyAConflict) {
  const std::string body = R"({"event_type":"user.created","data":1,"event_id":"b-1"})";
  const auto first = as_admin("POST", "/api/v1/events", body);
  until_done(first.string("id"));

  const auto again = as_admin("POST", "/api/v1/events", body);
  const auto other = as_admin("POST", "/api/v1/events",
                              R"({"event_type":"user.created","data":2,"event_id":"b-1"})");

  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(again.string("id"), first.string("id"));
  EXPECT_TRUE(again.json.at("duplicate").as_bool());
  EXPECT_EQ(again.json.at("tenants").as_int64(), 2);
  EXPECT_EQ(other.status, 409);
  EXPECT_EQ(other.string("code"), "event_id_conflict");
  EXPECT_EQ(events_of(acme).json.at("data").as_array().size(), 1U);
}

TEST_F(BroadcastApi, AnIdempotencyKeyRepeatsTheAnswer) {
  const auto first = as_admin("POST", "/api/v1/events", kEvent, {{"Idempotency-Key", "k"}});
  const auto again = as_admin("POST", "/api/v1/events", kEvent, {{"Idempotency-Key", "k"}});

  EXPECT_EQ(again.text, first.text);
  EXPECT_EQ(again.header("Idempotency-Replayed"), "true");
}

TEST_F(BroadcastApi, WhatIsWrongWithTheEventIsStillRefused) {
  for (const std::string body :
       {R"({"event_type":"no.such","data":1})", R"({"event_type":"user.created"})",
        R"({"event_type":"user.created","data":1,"webhook_ids":["wh_x"]})"}) {
    EXPECT_EQ(as_admin("POST", "/api/v1/events", body).status, 422) << body;
  }
  const auto batch = as_admin("POST", "/api/v1/events/batch",
                              R"({"events":[{"event_type":"user.created","data":1}]})");
  EXPECT_EQ(batch.json.at("data").at(0).at("status").as_int64(), 422);
}

TEST_F(BroadcastApi, ATenantsEventIsItsOwnAndANamedTenantIsOne) {
  EXPECT_EQ(publish(kEvent).json.as_object().if_contains("broadcast"), nullptr);
  EXPECT_EQ(as_admin("POST", "/api/v1/events?tenant_id=" + acme.tenant, kEvent).status, 202);
  EXPECT_EQ(events_of(acme).json.at("data").as_array().size(), 2U);
  EXPECT_TRUE(events_of(rival).json.at("data").as_array().empty());
}

TEST_F(BroadcastApi, ItIsAnAdminsToRead) {
  const std::string id = as_admin("POST", "/api/v1/events", kEvent).string("id");
  EXPECT_EQ(call("GET", "/api/v1/broadcasts/" + id, "", {acme.key, {}}).status, 403);
  EXPECT_EQ(as_admin("GET", "/api/v1/broadcasts/bct_00000000000000000000000000").status, 404);
  EXPECT_EQ(as_admin("GET", "/api/v1/broadcasts/x").status, 404);
}

TEST_F(BroadcastApi, WithoutLeaveAnAdminNamesATenant) {
  serve([](ApiConfig&) {});
  EXPECT_EQ(as_admin("POST", "/api/v1/events", kEvent).status, 422);
}

TEST_F(BroadcastApi, WhoHadTheEventAlreadyGetsItOnce) {
  const std::string event = R"("event_type":"user.created","data":1,"event_id":"b-1"})";
  const auto alone =
      as_admin("POST", "/api/v1/events", R"({"tenant_id":")" + acme.tenant + "\"," + event);

  const auto done = until_done(as_admin("POST", "/api/v1/events", "{" + event).string("id"));

  EXPECT_EQ(done.json.at("tenants").as_int64(), 1) << "the other one";
  const auto events = events_of(acme);
  ASSERT_EQ(events.json.at("data").as_array().size(), 1U);
  EXPECT_EQ(events.json.at("data").at(0).at("id").as_string(), alone.string("id").c_str());
  EXPECT_EQ(events_of(rival).json.at("data").at(0).at("event_id"), "b-1");
}

}  // namespace
}  // namespace fanfare
