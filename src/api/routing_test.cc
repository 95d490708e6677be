// Routes, query strings and cursors.
#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "api/cursor.h"
#include "api/query.h"
#include "api/router.h"

namespace fanfare {
namespace {

const Router& router() {
  static const Router kRouter(api_routes());
  return kRouter;
}

TEST(Routes, EachMethodAndPatternIsThereOnce) {
  std::set<std::string> seen;
  for (const Route& route : api_routes()) {
    EXPECT_TRUE(seen.insert(std::string(route.method) + " " + std::string(route.pattern)).second)
        << route.pattern;
    EXPECT_NE(route.handler, nullptr);
  }
}

TEST(Routes, EachIsFoundByItsOwnPattern) {
  for (const Route& route : api_routes()) {
    std::string path(route.pattern);
    for (std::size_t at = path.find('{'); at != std::string::npos; at = path.find('{')) {
      path.replace(at, path.find('}') - at + 1, "x1");
    }
    const RouteMatch match = router().match(route.method, path);
    ASSERT_NE(match.route, nullptr) << route.pattern;
    EXPECT_EQ(match.route->pattern, route.pattern) << "another route hides it";
  }
}

TEST(Routes, OnlyTheHealthChecksNeedNoKey) {
  for (const Route& route : api_routes()) {
    const bool is_open = route.pattern == "/livez" || route.pattern == "/readyz";
    EXPECT_EQ(route.roles == kAnybody, is_open) << route.pattern;
  }
}

TEST(Routes, EachStandsBelowAPathThatNoProfileCanTake) {
  for (const Route& route : api_routes()) {
    EXPECT_TRUE(std::ranges::any_of(own_paths(), [&route](std::string_view own) {
      return route.pattern == own || route.pattern.starts_with(std::string(own) + "/");
    })) << route.pattern;
  }
}

TEST(Routes, NothingButGetsIsOpenToReadKeys) {
  for (const Route& route : api_routes()) {
    const bool is_closed = (route.roles & role_bit(Role::read)) == 0;
    EXPECT_TRUE(route.method == "GET" || is_closed) << route.pattern;
  }
}

TEST(Routes, PublishKeysMayOnlyPublish) {
  for (const Route& route : api_routes()) {
    const bool publishes = route.method == "POST" && route.pattern.starts_with("/api/v1/events");
    const bool is_for_all =
        publishes || route.pattern == "/api/v1/profile" || route.pattern == "/api/v1/health";
    EXPECT_EQ((route.roles & role_bit(Role::publish)) != 0, is_for_all) << route.pattern;
  }
}

TEST(Router, UnknownPathsHaveNeitherRouteNorMethods) {
  for (const std::string_view path :
       {"", "/", "*", "api/v1/events", "/api/v1", "/api/v1/events//", "//api/v1/events",
        "/api/v1/webhooks//pause", "/API/v1/events", "/api/v1/webhooks/a/b/c/d/e/f/g/h/i",
        "/api/v1/events/a%zz", "/api/v1/events/%00"}) {
    const RouteMatch match = router().match("GET", path);
    EXPECT_EQ(match.route, nullptr) << path;
    EXPECT_EQ(match.allow, "") << path;
  }
}

TEST(Router, ASlashAtTheEndIsNoDifference) {
  EXPECT_EQ(router().match("POST", "/api/v1/webhooks/").route->pattern, "/api/v1/webhooks");
  EXPECT_EQ(router().match("GET", "/api/v1/webhooks/wh_1/").parameters,
            std::vector<std::string>{"wh_1"});
}

TEST(Router, AWrongMethodNamesTheRightOnes) {
  const RouteMatch match = router().match("DELETE", "/api/v1/events");
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allow, "POST, GET");
  EXPECT_EQ(router().match("OPTIONS", "/api/v1/webhooks/x").allow, "GET, PATCH, PUT, DELETE");
}

TEST(Router, LiteralsComeBeforeParameters) {
  EXPECT_EQ(router().match("GET", "/api/v1/webhooks/events").route->pattern,
            "/api/v1/webhooks/events");
  EXPECT_EQ(router().match("POST", "/api/v1/deliveries/retry-due").route->pattern,
            "/api/v1/deliveries/retry-due");
}

TEST(Router, ParametersArePercentDecoded) {
  const RouteMatch match = router().match("GET", "/api/v1/tenants/org%3A17%2Fa+b");
  ASSERT_NE(match.route, nullptr);
  EXPECT_EQ(match.parameters, std::vector<std::string>{"org:17/a+b"});
}

TEST(PercentDecode, RefusesWhatIsNotValid) {
  EXPECT_EQ(percent_decode("a%20b+c", true), "a b c");
  for (const std::string_view text : {"%", "%2", "%g0", "%ff", "%c0%af", "a%00b"}) {
    EXPECT_EQ(percent_decode(text, true), std::nullopt) << text;
  }
}

TEST(Query, NamesWhatItDoesNotKnow) {
  QueryReader query("limt=5");
  query.integer("limit", 1, 250);
  const auto problem = query.finish();
  ASSERT_TRUE(problem);
  EXPECT_EQ(problem->errors[0].parameter, "limt");
  EXPECT_NE(problem->detail.find("\"limit\""), std::string::npos);
}

TEST(Query, RefusesParametersGivenTwice) {
  QueryReader query("limit=5&limit=6");
  query.integer("limit", 1, 250);
  EXPECT_TRUE(query.finish());
}

TEST(Query, ChecksNumbersAndTimes) {
  for (const std::string_view text :
       {"limit=0", "limit=251", "limit=5x", "limit=-1", "limit=+5", "limit=%205", "since=yesterday",
        "since=2026-02-30T00:00:00Z"}) {
    QueryReader query(text);
    query.integer("limit", 1, 250);
    query.time("since");
    EXPECT_TRUE(query.finish()) << text;
  }
  QueryReader query("limit=250&since=2026-03-01T12:00:00%2B02:00");
  EXPECT_EQ(query.integer("limit", 1, 250), 250);
  EXPECT_TRUE(query.time("since"));
  EXPECT_FALSE(query.finish());
}

TEST(Query, FilterTextTellsFiltersApartWhateverTheyHold) {
  const auto filter_of = [](std::string_view text) {
    QueryReader query(text);
    query.text("a");
    query.text("b");
    query.paging_text("cursor");
    return query.filter_text();
  };
  EXPECT_EQ(filter_of("a=1&b=2&cursor=x"), filter_of("b=2&a=1"));
  EXPECT_NE(filter_of("a=1%26b=2"), filter_of("a=1&b=2"));
  EXPECT_NE(filter_of("a=1"), filter_of("b=1"));
}

class Cursors : public ::testing::Test {
 protected:
  const CursorSigner signer{Secret("0123456789abcdef")};
  const CursorScope scope{"events", "tnt_a", "type=a&"};
  const std::string position = std::string("\x01\x00\xFFxyz", 6);
};

TEST_F(Cursors, OpenWhereTheyWereMade) {
  EXPECT_EQ(signer.open(scope, signer.make(scope, position)).value(), position);
}

TEST_F(Cursors, DoNotOpenForAnotherListTenantOrFilter) {
  const std::string cursor = signer.make(scope, position);
  for (const CursorScope& other :
       {CursorScope{"deliveries", "tnt_a", "type=a&"}, CursorScope{"events", "tnt_b", "type=a&"},
        CursorScope{"events", "tnt_a", ""}, CursorScope{"event", "stnt_a", "type=a&"}}) {
    const auto opened = signer.open(other, cursor);
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ProblemKind::invalid_cursor);
  }
}

TEST_F(Cursors, DoNotOpenOnceChanged) {
  const std::string cursor = signer.make(scope, position);
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(signer.open(scope, changed)) << i;
  }
}

TEST_F(Cursors, GarbageIsRefused) {
  for (const std::string_view text :
       {"", "x", "!!!!", "AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAAA"}) {
    EXPECT_FALSE(signer.open(scope, text)) << text;
  }
}

TEST_F(Cursors, AnotherServersKeyDoesNotOpenThem) {
  EXPECT_FALSE(CursorSigner(Secret("fedcba9876543210")).open(scope, signer.make(scope, position)));
}

}  // namespace
}  // namespace fanfare
