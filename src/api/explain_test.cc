// What people read when something did not arrive: a delivery's diagnosis, an event's trace, a
// test's answer.
#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/api_fixture.h"

namespace fanfare::testing {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono_literals;

class Explain : public TwoParties {
 protected:
  std::string event() {
    const std::string id = publish(R"({"event_type":"user.created","data":1})").string("id");
    clock.advance(1s);
    return id;
  }
  ApiReply trace(const std::string& event, const Call& how, const std::string& query = "") {
    return call("GET", "/api/v1/events/" + event + "/trace" + query, "", how);
  }
  ApiReply trace(const std::string& event, const std::string& query = "") {
    return trace(event, {acme.key, {}}, query);
  }
  // The line of one webhook.
  static boost::json::object line_of(const ApiReply& reply, const std::string& webhook) {
    for (const auto& line : reply.json.at("webhooks").as_array()) {
      if (line.at("webhook_id").as_string() == webhook) return line.as_object();
    }
    ADD_FAILURE() << "no line of " << webhook << " in " << reply.text;
    return {};
  }
  static std::string text(const boost::json::object& line, const char* member) {
    return std::string(line.at(member).as_string());
  }
  ApiReply settled_delivery(const std::string& webhook, const std::string& until) {
    ApiReply list;
    for (int i = 0; i < 1000 && list.text.find(until) == std::string::npos; ++i)
      list = call("GET", "/api/v1/webhooks/" + webhook + "/deliveries", "", {acme.key, {}});
    return list;
  }
};

TEST_F(Explain, ADeliverySaysWhatWentWrongAndWhatToDo) {
  const std::string webhook = make_webhook(acme);
  sender.status = 503;
  event();

  const ApiReply list = settled_delivery(webhook, "\"retrying\"");

  const auto& delivery = list.json.at("data").at(0);
  EXPECT_EQ(delivery.at("last_error").as_string(), "the receiver answered 503");
  EXPECT_EQ(delivery.at("diagnosis").as_string(), diagnosis(ErrorKind::http_status, 503, ""));
}

TEST_F(Explain, ADeliveryThatSucceededNeedsNoDiagnosis) {
  const std::string webhook = make_webhook(acme);
  event();

  const ApiReply list = settled_delivery(webhook, "\"success\"");

  EXPECT_TRUE(list.json.at("data").at(0).at("diagnosis").is_null()) << list.text;
}

TEST_F(Explain, ATraceTellsWhatBecameOfADelivery) {
  const std::string webhook = make_webhook(acme);
  sender.status = 404;
  const std::string id = event();
  settled_delivery(webhook, "\"retrying\"");

  const auto line = line_of(trace(id), webhook);

  EXPECT_EQ(text(line, "decision"), "sent");
  EXPECT_EQ(text(line, "detail"),
            "The last attempt failed: the receiver answered 404; it is tried again.");
}

TEST_F(Explain, ATraceNamesAWebhookThatIsNotActive) {
  const std::string paused = make_webhook(acme);
  const std::string disabled = make_webhook(acme);
  call("POST", "/api/v1/webhooks/" + paused + "/pause", "", {acme.key, {}});
  call("POST", "/api/v1/webhooks/" + disabled + "/disable", "", {acme.key, {}});
  clock.advance(1s);

  const ApiReply reply = trace(event());

  const auto waiting = line_of(reply, paused);
  EXPECT_EQ(text(waiting, "decision") + " " + text(waiting, "reason"), "waiting paused");
  EXPECT_THAT(text(waiting, "detail"), HasSubstr("resume the webhook"));
  const auto skipped = line_of(reply, disabled);
  EXPECT_EQ(text(skipped, "decision") + " " + text(skipped, "reason"), "skipped webhook_disabled");
  EXPECT_THAT(text(skipped, "detail"), HasSubstr("disabled when the event arrived"));
  EXPECT_THAT(text(skipped, "detail"), HasSubstr("enable it"));
}

TEST_F(Explain, ATraceNamesAnEventThatIsNotInTheList) {
  make_type("invoice.paid");
  const auto made =
      call("POST", "/api/v1/webhooks",
           R"({"url":"https://example.com/b","events":["invoice.paid"]})", {acme.key, {}});
  clock.advance(1s);

  const auto line = line_of(trace(event()), made.string("id"));

  EXPECT_EQ(text(line, "reason"), "not_subscribed");
  EXPECT_EQ(text(line, "detail"),
            "The webhook did not ask for user.created (it asked for invoice.paid); add "
            "user.created to its events.");
}

TEST_F(Explain, ATraceNamesTheTenantAndSaysThatOthersGetNothing) {
  make_webhook(acme);
  clock.advance(1s);

  const ApiReply reply = trace(event());

  EXPECT_EQ(reply.string("tenant_id"), acme.tenant);
  EXPECT_THAT(reply.string("summary"), HasSubstr("published for tenant \"Acme\""));
  EXPECT_THAT(reply.string("summary"), HasSubstr("1 of its 1 webhooks got a delivery"));
  EXPECT_THAT(reply.string("summary"), HasSubstr("another tenant (organization)"));
}

TEST_F(Explain, ATraceOfAnEventThatNobodyCouldGetSaysSo) {
  EXPECT_THAT(trace(event()).string("summary"), HasSubstr("which has no webhooks"));
}

TEST_F(Explain, ATraceAnswersForOneWebhook) {
  const std::string webhook = make_webhook(acme);
  make_webhook(acme);
  clock.advance(1s);

  const ApiReply reply = trace(event(), "?webhook_id=" + webhook);

  ASSERT_EQ(reply.json.at("webhooks").as_array().size(), 1U) << reply.text;
  EXPECT_EQ(text(line_of(reply, webhook), "decision"), "sent");
}

TEST_F(Explain, AnAdminSeesThatAWebhookIsAnotherTenants) {
  const std::string theirs = make_webhook(rival);
  const std::string query = "?webhook_id=" + theirs;
  const std::string id = event();

  const ApiReply reply = trace(id, {admin, {}}, query + "&tenant_id=" + acme.tenant);

  const auto line = line_of(reply, theirs);
  EXPECT_EQ(text(line, "reason"), "other_tenant");
  EXPECT_THAT(text(line, "detail"), HasSubstr(rival.tenant));
  EXPECT_THAT(text(line, "detail"), HasSubstr("publish the event for that tenant"));
}

TEST_F(Explain, ATenantLearnsNothingOfAnothersWebhook) {
  const std::string theirs = make_webhook(rival);
  const std::string id = event();

  const ApiReply foreign = trace(id, "?webhook_id=" + theirs);
  const ApiReply unknown = trace(id, "?webhook_id=wh_01k00000000000000000000000");

  EXPECT_EQ(foreign.status, 404);
  EXPECT_EQ(foreign.string("detail"), unknown.string("detail"));
  EXPECT_THAT(foreign.string("detail"), HasSubstr("another tenant (organization)"));
  EXPECT_EQ(trace(id, "?webhook_id=nonsense").status, 404);
}

TEST_F(Explain, ATestOfATypeWithoutASampleIsRefused) {
  const std::string webhook = make_webhook(acme);
  const std::string path = "/api/v1/webhooks/" + webhook + "/test";

  const ApiReply refused = call("POST", path, R"({"event_type":"user.created"})", {acme.key, {}});

  EXPECT_EQ(refused.status, 422);
  const auto& error = refused.json.at("errors").at(0);
  EXPECT_EQ(error.at("pointer").as_string(), "/event_type");
  EXPECT_EQ(error.at("code").as_string(), "no_sample");
  EXPECT_TRUE(sender.sent.empty());
  const std::string with_payload = R"({"event_type":"user.created","payload":{"a":1}})";
  EXPECT_EQ(call("POST", path, with_payload, {acme.key, {}}).status, 200);
}

TEST_F(Explain, ATestWithoutATypePrefersOneWithASample) {
  const std::string made = R"({"name":"zebra.seen","sample":{"stripes": 40}})";
  ASSERT_EQ(as_admin("POST", "/api/v1/event-types", made).status, 201);
  const std::string webhook = make_webhook(acme);

  const ApiReply reply = call("POST", "/api/v1/webhooks/" + webhook + "/test", "", {acme.key, {}});

  ASSERT_EQ(reply.status, 200) << reply.text;
  ASSERT_EQ(sender.sent.size(), 1U);
  EXPECT_THAT(sender.sent[0].body, HasSubstr("zebra.seen"));
  EXPECT_THAT(sender.sent[0].body, HasSubstr(R"({"stripes": 40})"));
}

TEST_F(Explain, ATestThatFailsSaysWhy) {
  const std::string webhook = make_webhook(acme);
  sender.status = 401;

  const ApiReply reply = call("POST", "/api/v1/webhooks/" + webhook + "/test", "", {acme.key, {}});

  EXPECT_EQ(reply.json.at("success"), false);
  EXPECT_EQ(reply.string("error_kind"), "http_status");
  EXPECT_EQ(reply.string("error"), "the receiver answered 401");
  EXPECT_THAT(reply.string("diagnosis"), HasSubstr("secret"));
}

}  // namespace
}  // namespace fanfare::testing
