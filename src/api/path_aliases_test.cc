// Where a request goes when a profile has paths of its own: a table, and what the body decides.
#include "api/path_aliases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

using testing::HasSubstr;

const Router& router() {
  static const Router kRouter(api_routes());
  return kRouter;
}

// In the manner of the systems: a plain prefix, an id in the query, actions in the body.
PathAliases aliases() {
  return {router(),
          {{"DELETE", "/api/webhooks/subscribe", "id", "", "/api/v1/webhooks"},
           {"", "/api/webhooks/subscribe", "", "", "/api/v1/webhooks"},
           {"", "/webhooks", "", "", "/api/v1/webhooks"},
           {"POST", "/deliver", "", "deliver", "/api/v1/events"},
           {"POST", "/deliver", "", "retry", "/api/v1/deliveries/retry-due"},
           {"GET", "/deliver", "", "", "/api/v1/deliveries"},
           {"POST", "/tell", "", "", "/api/v1/events", /*is_for_admins=*/true},
           {"POST", "/do", "", "tell", "/api/v1/events", /*is_for_admins=*/true},
           {"POST", "/do", "", "list", "/api/v1/webhooks"}}};
}

Checked<Routed> find(const std::string& method, const std::string& target) {
  net::HttpRequest request;
  request.method = method;
  request.path = target.substr(0, target.find('?'));
  if (request.path.size() < target.size()) request.query = target.substr(request.path.size() + 1);
  return aliases().find(request);
}

// The route and its parameters, or the status of the refusal.
std::string shown(const Checked<Routed>& routed) {
  if (!routed) return std::to_string(routed.error().status());
  if (!routed->choices.empty()) return "by action";
  std::string text(routed->target.match.route->pattern);
  for (const std::string& parameter : routed->target.match.parameters) text += " " + parameter;
  if (routed->target.query) text += " ?" + *routed->target.query;
  return text;
}

struct Way {
  std::string method, target, leads_to;
};
class PathAliasTable : public testing::TestWithParam<Way> {};
TEST_P(PathAliasTable, LeadsThere) {
  EXPECT_EQ(shown(find(GetParam().method, GetParam().target)), GetParam().leads_to);
}
INSTANTIATE_TEST_SUITE_P(
    Ways, PathAliasTable,
    testing::Values(Way{"GET", "/webhooks", "/api/v1/webhooks"},
                    Way{"GET", "/webhooks/", "/api/v1/webhooks"},
                    Way{"POST", "/webhooks/", "/api/v1/webhooks"},
                    Way{"PATCH", "/webhooks/wh_1", "/api/v1/webhooks/{id} wh_1"},
                    Way{"PUT", "/webhooks/wh_1/", "/api/v1/webhooks/{id} wh_1"},
                    Way{"POST", "/webhooks/a%2Fb/rotate-secret",
                        "/api/v1/webhooks/{id}/rotate-secret a/b"},
                    Way{"GET", "/webhooksx", "404"}, Way{"GET", "/webhook", "404"},
                    Way{"GET", "/webhooks/a/b/c", "404"}, Way{"GET", "/webhooks//", "404"},
                    Way{"GET", "/api/v1/webhooks/", "/api/v1/webhooks"},
                    Way{"GET", "/api/v1/webhooks//", "404"}, Way{"GET", "/", "404"},
                    Way{"GET", "/livez/", "/livez"}));
INSTANTIATE_TEST_SUITE_P(
    IdInQuery, PathAliasTable,
    testing::Values(
        Way{"DELETE", "/api/webhooks/subscribe?id=wh_1", "/api/v1/webhooks/{id} wh_1 ?"},
        Way{"DELETE", "/api/webhooks/subscribe/?user_id=u&id=wh_1&x=2",
            "/api/v1/webhooks/{id} wh_1 ?user_id=u&x=2"},
        Way{"DELETE", "/api/webhooks/subscribe?id=a%2Fb+c", "/api/v1/webhooks/{id} a/b c ?"},
        Way{"DELETE", "/api/webhooks/subscribe?id=..%2Fevents",
            "/api/v1/webhooks/{id} ../events ?"},
        Way{"DELETE", "/api/webhooks/subscribe", "422"},
        Way{"DELETE", "/api/webhooks/subscribe?id=", "422"},
        Way{"DELETE", "/api/webhooks/subscribe?id=%zz", "422"},
        Way{"DELETE", "/api/webhooks/subscribe/wh_2", "/api/v1/webhooks/{id} wh_2"},
        Way{"GET", "/api/webhooks/subscribe?id=wh_1", "/api/v1/webhooks"}));
INSTANTIATE_TEST_SUITE_P(Actions, PathAliasTable,
                         testing::Values(Way{"POST", "/deliver", "by action"},
                                         Way{"POST", "/deliver/", "by action"},
                                         Way{"GET", "/deliver", "/api/v1/deliveries"},
                                         Way{"PUT", "/deliver", "405"},
                                         Way{"PUT", "/api/webhooks/subscribe", "405"}));

TEST(PathAliases, AWrongMethodIsToldEveryRightOne) {
  const auto subscribe = find("PUT", "/api/webhooks/subscribe");
  const auto deliver = find("PUT", "/deliver");
  const auto ours = find("PUT", "/api/v1/events");

  ASSERT_FALSE(subscribe || deliver || ours);
  EXPECT_THAT(subscribe.error().detail, HasSubstr("GET"));
  EXPECT_THAT(subscribe.error().detail, HasSubstr("POST"));
  EXPECT_THAT(subscribe.error().detail, HasSubstr("DELETE"));
  EXPECT_EQ(deliver.error().detail, "This path takes: POST, GET.");
  EXPECT_EQ(ours.error().detail, "This path takes: POST, GET.");
  EXPECT_EQ(ours.error().headers.at(0).first, "Allow");
}

TEST(PathAliases, ADeleteWithoutItsParameterIsToldItsName) {
  const auto refused = find("DELETE", "/api/webhooks/subscribe");

  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().errors.front().parameter, "id");
}

TEST(PathAliases, BeforeTheBodyChoosesEveryChoiceIsPossible) {
  const auto routed = find("POST", "/deliver");

  ASSERT_TRUE(routed);
  EXPECT_TRUE(routed->is_aliased);
  EXPECT_EQ(routed->roles(), kPublishers | kAdmins);
  EXPECT_EQ(routed->body_bytes_max(), limits::kBodyBytesMax);
}

TEST(PathAliases, OneForAdminsIsForNobodyElseWhateverItsRouteSays) {
  EXPECT_EQ(find("POST", "/tell")->roles(), kAdmins);
  EXPECT_EQ(find("POST", "/api/v1/events")->roles(), kPublishers);
  const auto by_action = find("POST", "/do");
  std::string body = R"({"action":"tell"})";
  EXPECT_EQ(choose_by_action(*by_action, body)->roles(), kAdmins);
  body = R"({"action":"list"})";
  EXPECT_EQ(choose_by_action(*by_action, body)->roles(), kWriters);
}

TEST(ChooseByAction, TakesTheMemberOutAndLeavesTheRestByteForByte) {
  const auto routed = find("POST", "/deliver");
  std::string body = R"({ "event_type" : "a.b","action":"deliver", "data" : { "n" : 1.50 } })";

  const auto chosen = choose_by_action(*routed, body);

  ASSERT_TRUE(chosen) << chosen.error().detail;
  EXPECT_EQ(chosen->match.route->pattern, "/api/v1/events");
  EXPECT_EQ(body, R"({"event_type":"a.b","data":{ "n" : 1.50 }})");
}

TEST(ChooseByAction, ABodyOfNothingElseIsEmpty) {
  const auto routed = find("POST", "/deliver");
  std::string body = R"({"\u0061ction": "retry"})";

  const auto chosen = choose_by_action(*routed, body);

  ASSERT_TRUE(chosen);
  EXPECT_EQ(chosen->path, "/api/v1/deliveries/retry-due");
  EXPECT_EQ(body, "{}");
}

TEST(ChooseByAction, AnUnknownOrMissingActionIsToldTheKnownOnes) {
  const auto routed = find("POST", "/deliver");
  for (std::string body : {"", "{}", R"({"action":"destroy"})", R"({"action":7})",
                           R"({"action":null})", R"({"data":{"action":"deliver"}})"}) {
    const auto chosen = choose_by_action(*routed, body);

    ASSERT_FALSE(chosen) << body;
    EXPECT_EQ(chosen.error().status(), 422) << body;
    EXPECT_EQ(chosen.error().errors.front().pointer, "/action");
    EXPECT_EQ(chosen.error().errors.front().detail, "must be \"deliver\" or \"retry\"");
  }
}

TEST(ChooseByAction, WhatIsNoJsonIsMalformed) {
  const auto routed = find("POST", "/deliver");
  std::string body = "action=retry";

  EXPECT_EQ(choose_by_action(*routed, body).error().status(), 400);
}

TEST(LeadsToRoute, OnlyWhatSomeRouteTakes) {
  EXPECT_TRUE(leads_to_route({"", "/a", "", "", "/api/v1/webhooks"}));
  EXPECT_TRUE(leads_to_route({"", "/a", "", "", "/api/v1"})) << "routes are below it";
  EXPECT_TRUE(leads_to_route({"DELETE", "/a", "id", "", "/api/v1/webhooks"}));
  EXPECT_TRUE(leads_to_route({"DELETE", "/a", "", "", "/api/v1/webhooks"})) << "below it";
  EXPECT_TRUE(leads_to_route({"POST", "/a", "", "x", "/api/v1/events"}));
  EXPECT_FALSE(leads_to_route({"", "/a", "", "", "/api/v1/webhook"}));
  EXPECT_FALSE(leads_to_route({"PUT", "/a", "", "", "/api/v1/events"}));
  EXPECT_FALSE(leads_to_route({"POST", "/a", "", "x", "/api/v1"}));
  EXPECT_FALSE(leads_to_route({"DELETE", "/a", "id", "", "/api/v1/events"}));
}

}  // namespace
}  // namespace fanfare
