// Publishing one event and many: what both take, and what makes two publishes the same.
#include "api/api_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class Publishing : public TwoParties {
 protected:
  // `members` beside the event itself, as an admin.
  ApiReply event(const std::string& members, const std::string& query = "") {
    return as_admin("POST", "/api/v1/events" + query,
                    R"({"event_type":"user.created","data":1,)" + members + "}");
  }
  ApiReply batch(const std::string& members, const std::string& query = "") {
    return as_admin("POST", "/api/v1/events/batch" + query,
                    R"({"events":[{"event_type":"user.created","data":1}],)" + members + "}");
  }
  ApiReply webhook(const std::string& members, const std::string& query = "") {
    return as_admin("POST", "/api/v1/webhooks" + query,
                    R"({"url":"https://example.com/a","events":["*"],)" + members + "}");
  }
  static std::string problem_at(const ApiReply& reply) {
    if (reply.status != 422) return std::to_string(reply.status);
    const auto& error = reply.json.at("errors").at(0).as_object();
    return std::string(error.at("pointer").as_string()) + ' ' +
           std::string(error.at("code").as_string());
  }
};

// ---- whose it is ----

TEST_F(Publishing, EveryWordForTheTenantIsTakenEverywhere) {
  for (const std::string word : {"tenant_id", "client_id", "org_id", "user_id"}) {
    const std::string named = "\"" + word + "\":\"" + acme.tenant + "\"";
    EXPECT_EQ(event(named).status, 202) << word;
    EXPECT_EQ(batch(named).json.at("data").at(0).at("status"), 202) << word;
    EXPECT_EQ(webhook(named).status, 201) << word;
  }
}

TEST_F(Publishing, ATenantOfNullIsNoneEverywhere) {
  const std::string query = "?tenant_id=" + acme.tenant;
  for (const std::string word : {"tenant_id", "org_id"}) {
    const std::string named = "\"" + word + "\":null";
    EXPECT_EQ(event(named, query).status, 202) << word;
    EXPECT_EQ(batch(named, query).json.at("data").at(0).at("status"), 202) << word;
    EXPECT_EQ(webhook(named, query).status, 201) << word;
  }
}

TEST_F(Publishing, ATenantThatCannotBeOneIsTheSameMistakeEverywhere) {
  const std::pair<std::string, std::string> table[] = {
      {R"("client_id":7)", "/client_id wrong_type"},
      {R"("org_id":"")", "/org_id invalid_text"},
      {R"("tenant_id":")" + acme.tenant + R"(","user_id":")" + rival.tenant + "\"",
       "/user_id conflicting"},
  };
  for (const auto& [named, problem] : table) {
    EXPECT_EQ(problem_at(event(named)), problem) << named;
    EXPECT_EQ(problem_at(batch(named)), problem) << named;
    EXPECT_EQ(problem_at(webhook(named)), problem) << named;
  }
}

TEST_F(Publishing, BodyAndQueryMustNameOneTenant) {
  const std::string query = "?tenant_id=" + rival.tenant;
  const std::string named = R"("tenant_id":")" + acme.tenant + "\"";
  EXPECT_EQ(problem_at(event(named, query)), "/tenant_id conflicting");
  EXPECT_EQ(problem_at(batch(named, query)), "/tenant_id conflicting");
  EXPECT_EQ(problem_at(webhook(named, query)), "/tenant_id conflicting");
  EXPECT_EQ(problem_at(as_admin("POST", "/api/v1/api-keys" + query, "{" + named + "}")),
            "/tenant_id conflicting");
}

TEST_F(Publishing, AnEventOfABatchIsNotAnotherTenants) {
  const auto reply =
      as_admin("POST", "/api/v1/events/batch",
               R"({"client_id":")" + acme.tenant +
                   R"(","events":[{"event_type":"user.created","data":1,"org_id":")" +
                   rival.tenant + "\"}]}");
  ASSERT_EQ(reply.status, 202);
  EXPECT_EQ(reply.json.at("data").at(0).at("problem").at("errors").at(0).at("code"), "conflicting");
}

TEST_F(Publishing, ABatchNamesEveryFieldItDoesNotKnow) {
  const auto reply = batch(R"("colour":1,"shape":2)");
  ASSERT_EQ(reply.status, 422);
  EXPECT_EQ(reply.json.at("errors").as_array().size(), 2U);
}

// ---- what is read ----

TEST_F(Publishing, ABodyOfWhiteSpaceIsAnEmptyObject) {
  for (const std::string path : {"/api/v1/events", "/api/v1/events/batch", "/api/v1/webhooks"}) {
    for (const std::string body : {"", " \t\r\n"})
      EXPECT_EQ(call("POST", path, body, {acme.key, {}}).status, 422) << path;
  }
}

TEST_F(Publishing, AWholeNumberOfAttemptsIsOneHoweverItIsWritten) {
  make_webhook(acme);
  const auto most = [this](const std::string& number) {
    const std::string event =
        publish(R"({"event_type":"user.created","data":1,"max_attempts":)" + number + "}")
            .string("id");
    const auto list = call("GET", "/api/v1/events/" + event + "/deliveries", "", {acme.key, {}});
    return list.json.at("data").at(0).at("max_attempts").as_int64();
  };
  EXPECT_EQ(most("3"), 3);
  EXPECT_EQ(most("3.0"), 3);
  EXPECT_EQ(most("2e1"), 20);
  EXPECT_EQ(most("null"), 10);
}

TEST_F(Publishing, WhatIsNoWholeNumberOfAttemptsIsRefused) {
  const auto problem = [this](const std::string& number) {
    return problem_at(
        publish(R"({"event_type":"user.created","data":1,"max_attempts":)" + number + "}"));
  };
  for (const std::string number :
       {"0", "21", "3.5", "-1", "1e400", "1e15", "18446744073709551616", "99999999999999999999e9"})
    EXPECT_TRUE(problem(number).starts_with("/max_attempts ")) << number << problem(number);
  EXPECT_EQ(problem("\"3\""), "/max_attempts wrong_type");
}

// ---- the same event again ----

TEST_F(Publishing, AnotherOrderOfWebhookIdsIsTheSameEvent) {
  const std::string a = make_webhook(acme);
  const std::string b = make_webhook(acme);
  const auto to = [this](const std::string& ids) {
    return publish(R"({"event_type":"user.created","data":1,"event_id":"o","webhook_ids":[)" + ids +
                   "]}");
  };
  const std::string quoted_a = "\"" + a + "\"";
  const std::string quoted_b = "\"" + b + "\"";
  EXPECT_EQ(to(quoted_a + "," + quoted_b).status, 202);
  EXPECT_EQ(to(quoted_b + "," + quoted_a).status, 200);
  EXPECT_EQ(to(quoted_a + "," + quoted_b + "," + quoted_a).status, 200);
  EXPECT_EQ(to(quoted_a).status, 409);
}

TEST_F(Publishing, NullIsTheSameAsAbsentInAnEventSentAgain) {
  const std::string start = R"({"event_type":"user.created","data":1,"event_id":"o")";
  EXPECT_EQ(publish(start + "}").status, 202);
  EXPECT_EQ(publish(start + R"(,"max_attempts":null,"webhook_ids":null})").status, 200);
}

TEST_F(Publishing, OtherReceiversOrAttemptsMakeAnotherEvent) {
  const std::string webhook = make_webhook(acme);
  const std::string start = R"({"event_type":"user.created","data":1,"event_id":"o")";
  ASSERT_EQ(publish(start + R"(,"max_attempts":3})").status, 202);
  EXPECT_EQ(publish(start + R"(,"max_attempts":3.0})").status, 200);
  for (const std::string& more : {std::string(), std::string(R"(,"max_attempts":4)"),
                                  R"(,"max_attempts":3,"webhook_ids":[")" + webhook + "\"]"}) {
    const auto reply = publish(start + more + "}");
    EXPECT_EQ(reply.status, 409) << more;
    EXPECT_EQ(reply.string("code"), "event_id_conflict");
    EXPECT_NE(reply.string("detail").find("max_attempts or webhook_ids"), std::string::npos);
  }
}

}  // namespace
}  // namespace fanfare
