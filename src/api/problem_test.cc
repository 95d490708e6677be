#include "api/problem.h"

#include <set>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "base/limits.h"

namespace fanfare {
namespace {

boost::json::value body_of(const Problem& problem) {
  return boost::json::parse(response_of(problem, "req_1").body);
}
std::string header_of(const net::HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(Problem, EveryKindHasItsOwnSlugAndAnErrorStatus) {
  std::set<std::string_view> slugs;
  for (const ProblemFacts& facts : problem_table()) {
    EXPECT_TRUE(slugs.insert(facts.code).second) << facts.code;
    EXPECT_GE(facts.status, 400);
    EXPECT_LT(facts.status, 600);
    EXPECT_EQ(facts_of(facts.kind).code, facts.code);
  }
}

TEST(Problem, EachErrcHasItsStatus) {
  const std::pair<Errc, int> table[] = {
      {Errc::invalid, 422},          {Errc::not_found, 404},
      {Errc::conflict, 409},         {Errc::event_id_conflict, 409},
      {Errc::version_mismatch, 412}, {Errc::idempotency_conflict, 409},
      {Errc::overloaded, 503},       {Errc::unavailable, 503},
      {Errc::corrupt, 500},          {Errc::internal, 500},
  };
  for (const auto& [code, status] : table) EXPECT_EQ(Problem(Error{code, "x"}).status(), status);
}

TEST(Problem, WhatBrokeInsideIsNotShown) {
  const Problem problem(Error{Errc::corrupt, "row 7 of /var/lib/fanfare.db"});
  EXPECT_EQ(response_of(problem, "req_1").body.find("fanfare.db"), std::string::npos);
}

TEST(Problem, WhatTheStoreSaysIsNotShown) {
  const Problem problem(Error{Errc::unavailable, "disk full: /var/lib/fanfare.db"});
  const std::string body = response_of(problem, "req_1").body;
  EXPECT_EQ(body.find("fanfare.db"), std::string::npos);
  EXPECT_NE(body.find("nothing was stored"), std::string::npos);
}

TEST(Problem, TellsHowManyErrorsItLeavesOut) {
  FieldErrors errors;
  for (std::size_t i = 0; i < limits::kFieldErrorsMax + 5; ++i)
    errors.push_back({"/a", "required", "is required", ""});
  const auto body = body_of(validation_problem(std::move(errors)));
  EXPECT_EQ(body.at("errors").as_array().size(), limits::kFieldErrorsMax);
  EXPECT_EQ(body.at("more_errors"), 5);
  EXPECT_EQ(body.at("detail"), "/a: is required (and 24 more)");
}

TEST(Problem, HasTheMembersOfRfc9457AndOurOwn) {
  const auto body = body_of(Problem(ProblemKind::not_found, "No \"such\" thing."));
  EXPECT_EQ(body.at("type"), "urn:fanfare:problem:not_found");
  EXPECT_EQ(body.at("title"), "Not found");
  EXPECT_EQ(body.at("status"), 404);
  EXPECT_EQ(body.at("detail"), "No \"such\" thing.");
  EXPECT_EQ(body.at("code"), "not_found");
  EXPECT_EQ(body.at("request_id"), "req_1");
  EXPECT_FALSE(body.as_object().contains("errors"));
}

TEST(Problem, ListsFieldErrorsWithPointersAndParameters) {
  const auto body = body_of(validation_problem(
      {{"/url", "required", "is required", ""}, {"", "out_of_range", "too large", "limit"}}));
  EXPECT_EQ(body.at("status"), 422);
  EXPECT_EQ(body.at("detail"), "/url: is required (and 1 more)");
  EXPECT_EQ(body.at("errors").at(0).at("pointer"), "/url");
  EXPECT_EQ(body.at("errors").at(1).at("parameter"), "limit");
}

TEST(Problem, SaysWhenToComeBackWhereWaitingHelps) {
  for (const ProblemFacts& facts : problem_table()) {
    const auto response = response_of(Problem(facts.kind, "x"), "req_1");
    const bool waits = facts.status == 503 || facts.kind == ProblemKind::idempotency_key_in_use;
    EXPECT_EQ(header_of(response, "Retry-After").empty(), !waits) << facts.code;
    EXPECT_EQ(header_of(response, "Content-Type"), "application/problem+json");
    EXPECT_EQ(header_of(response, "Request-Id"), "req_1");
  }
}

TEST(Problem, StatusesOfTheServerKeepTheirNumber) {
  for (const int status : {400, 408, 413, 414, 431, 500, 501, 503, 505}) {
    EXPECT_EQ(facts_of(kind_of_status(status)).status, status);
  }
}

}  // namespace
}  // namespace fanfare
