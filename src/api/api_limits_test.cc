// What hostile or merely large requests may cost, over the real engine and the store in memory.
#include "api/api_fixture.h"
#include "base/ascii.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class ApiLimits : public TwoParties {};

TEST_F(ApiLimits, ABatchOfMistakesHasABoundedAnswer) {
  std::string bad = R"({"event_type":"user.creatd")";
  for (int i = 0; i < 300; ++i) bad += ",\"k" + std::to_string(i) + "\":1";
  std::string events = bad + "}";
  for (int i = 1; i < 200; ++i) events += "," + bad + "}";
  const auto reply =
      call("POST", "/api/v1/events/batch", "{\"events\":[" + events + "]}", {acme.key, {}});
  ASSERT_EQ(reply.status, 202);
  const auto& data = reply.json.at("data").as_array();
  ASSERT_EQ(data.size(), 200U);
  std::size_t errors = 0;
  for (const auto& item : data) {
    const auto& problem = item.at("problem").as_object();
    EXPECT_EQ(problem.at("code"), "validation_failed");
    if (const auto* list = problem.if_contains("errors")) errors += list->as_array().size();
  }
  EXPECT_EQ(errors, limits::kRequestErrorsMax);
  EXPECT_LT(reply.text.size(), 200U * 1024);
}

TEST_F(ApiLimits, OnlyTheFirstUnknownTypesOfABatchNameTheClosest) {
  std::string events = R"({"event_type":"user.creatd","data":1})";
  for (int i = 1; i < 20; ++i) events += R"(,{"event_type":"user.creatd","data":1})";
  const auto reply =
      call("POST", "/api/v1/events/batch", "{\"events\":[" + events + "]}", {acme.key, {}});
  std::size_t closest = 0;
  for (const auto& item : reply.json.at("data").as_array()) {
    const std::string detail(item.at("problem").at("detail").as_string());
    if (detail.find("closest") != std::string::npos) ++closest;
  }
  EXPECT_EQ(closest, limits::kSuggestionsMax);
}

TEST_F(ApiLimits, AnAnswerTooLargeToKeepIsNotKept) {
  std::string events;
  for (std::size_t i = 0; i < 100; ++i)
    events += (i ? ",{\"" : "{\"") + std::string(12 * 1024, 'k') + "\":1}";
  const std::string body = "{\"events\":[" + events + "]}";
  const Call how{acme.key, {{"Idempotency-Key", "k"}}};
  ASSERT_EQ(call("POST", "/api/v1/events/batch", body, how).status, 202);
  EXPECT_EQ(call("POST", "/api/v1/events/batch", body, how).header("Idempotency-Replayed"), "");
}

TEST_F(ApiLimits, MetadataThatIsTooDeepIsAnErrorAndNotDropped) {
  const std::string deep = std::string(40, '[') + std::string(40, ']');
  const auto reply =
      publish(R"({"event_type":"user.created","data":1,"metadata":{"a":)" + deep + "}}");
  EXPECT_EQ(reply.status, 422);
  EXPECT_EQ(reply.json.at("errors").at(0).at("pointer"), "/metadata/a");
}

TEST_F(ApiLimits, CreatingLooksAtTheQuery) {
  EXPECT_EQ(as_admin("POST", "/api/v1/tenants?colour=1", R"({"name":"x"})").status, 422);
  EXPECT_EQ(as_admin("POST", "/api/v1/event-types?colour=1", R"({"name":"a.b"})").status, 422);
  EXPECT_EQ(call("POST", "/api/v1/api-keys?colour=1", "{}", {acme.key, {}}).status, 422);
  EXPECT_EQ(as_admin("POST", "/api/v1/api-keys?tenant_id=" + acme.tenant, "{}").status, 201);
  EXPECT_EQ(call("POST", "/api/v1/api-keys?tenant_id=" + rival.tenant, "{}", {acme.key, {}}).status,
            404);
}

TEST_F(ApiLimits, AHeaderThatDecidesMayComeOnlyOnce) {
  const std::string path = "/api/v1/webhooks/" + make_webhook(acme);
  const std::pair<std::string, std::string> table[] = {
      {"Authorization", "Bearer " + acme.key},
      {"X-API-Key", acme.key},
      {"Content-Type", "application/json"},
      {"Idempotency-Key", "k"},
      {"If-Match", "*"},
  };
  for (const auto& [name, value] : table) {
    // The key of the fixture is one Authorization already; the second name is in another case.
    const HeaderList twice = {{name, value}, {lower_case(name), value}};
    const auto reply = call("PATCH", path, R"({"name":"n"})", {acme.key, twice});
    EXPECT_EQ(reply.status, 400) << name;
    EXPECT_EQ(reply.string("code"), "bad_request") << name;
    EXPECT_NE(reply.string("detail").find("more than one " + name), std::string::npos) << name;
    if (name == "Authorization") continue;
    EXPECT_EQ(call("PATCH", path, R"({"description":"d"})", {acme.key, {{name, value}}}).status,
              200)
        << name << reply.text;
  }
}

TEST_F(ApiLimits, TwoKeysOfTwoPartiesAreNotJudgedByTheFirst) {
  for (const bool is_mine_first : {true, false}) {
    const std::string first = is_mine_first ? acme.key : rival.key;
    const std::string second = is_mine_first ? rival.key : acme.key;
    const HeaderList keys = {{"X-API-Key", first}, {"X-API-Key", second}};
    EXPECT_EQ(call("GET", "/api/v1/webhooks", "", {"", keys}).status, 400);
  }
}

TEST_F(ApiLimits, ARunningTicketKeepsItsKeysAlive) {
  auto keys = std::make_shared<RunningKeys>();
  ASSERT_TRUE(keys->start("k"));
  const std::weak_ptr<RunningKeys> seen = keys;
  RunningTicket ticket(std::move(keys), "k");
  ASSERT_FALSE(seen.expired());
  ticket.release();
  EXPECT_TRUE(seen.expired());
}

TEST_F(ApiLimits, ADeliveryOfManyRunsHasABoundedAnswer) {
  make_webhook(acme);
  const std::string event = publish(R"({"event_type":"user.created","max_attempts":1,"data":")" +
                                    std::string(25 * 1024, 'x') + "\"}")
                                .string("id");
  const auto list = call("GET", "/api/v1/events/" + event + "/deliveries", "", {acme.key, {}});
  const std::string path =
      "/api/v1/deliveries/" + std::string(list.json.at("data").at(0).at("id").as_string());
  const std::size_t runs = limits::kAttemptsShownMax + 1;
  // A retry while one waits answers with the run that waits.
  std::int64_t run = 1;
  for (int tries = 0; tries < 20'000 && run < static_cast<std::int64_t>(runs); ++tries) {
    const auto reply = call("POST", path + "/retry", "", {acme.key, {}});
    if (reply.status == 202) run = reply.json.at("run").as_int64();
  }
  ApiReply detail;
  for (int tries = 0; tries < 10'000; ++tries) {
    detail = call("GET", path, "", {acme.key, {}});
    if (detail.string("status") == "success") break;
  }

  const auto& log = detail.json.at("attempt_log").as_array();
  ASSERT_EQ(log.size(), limits::kAttemptsShownMax);
  EXPECT_EQ(detail.json.at("has_more_attempts"), true);
  EXPECT_EQ(log.front().at("run"), 2);
  EXPECT_FALSE(log.front().at("request").as_object().contains("body_omitted"));
  EXPECT_TRUE(log.back().at("request").at("body").is_null());
  EXPECT_EQ(log.back().at("request").at("body_omitted"), true);
}

}  // namespace
}  // namespace fanfare
