#include "domain/outcome.h"

#include <set>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{Millis{1'772'366'400'000}};
constexpr ErrorKind kLastKind = ErrorKind::internal;

HttpOutcome answer(int status, HeaderList headers = {}) {
  HttpOutcome outcome;
  outcome.status = status;
  outcome.headers = std::move(headers);
  return outcome;
}

HttpOutcome no_answer(ErrorKind error, std::string text = "") {
  HttpOutcome outcome;
  outcome.error = error;
  outcome.error_text = std::move(text);
  return outcome;
}

std::vector<ErrorKind> all_kinds() {
  std::vector<ErrorKind> kinds;
  for (int kind = 0; kind <= static_cast<int>(kLastKind); ++kind)
    kinds.push_back(static_cast<ErrorKind>(kind));
  return kinds;
}

TEST(ErrorKind, EachHasOneNameThatReadsBack) {
  std::set<std::string_view> names;
  for (const ErrorKind kind : all_kinds()) {
    EXPECT_EQ(error_kind_named(name_of(kind)), kind);
    EXPECT_TRUE(names.insert(name_of(kind)).second) << name_of(kind);
  }
  EXPECT_EQ(names.size(), 22U);
  EXPECT_EQ(error_kind_named("Timeout"), std::nullopt);
  EXPECT_EQ(error_kind_named(""), std::nullopt);
}

TEST(Classify, EveryStatusHasItsVerdict) {
  for (int status = 100; status <= 599; ++status) {
    const Classified result = classify(answer(status), kNow);

    const Verdict expected = status / 100 == 2 ? Verdict::success
                             : status == 410   ? Verdict::disable_webhook
                                               : Verdict::retry;
    EXPECT_EQ(result.verdict, expected) << status;
    EXPECT_EQ(result.error.empty(), expected == Verdict::success) << status;
    EXPECT_EQ(result.kind == ErrorKind::none, expected == Verdict::success) << status;
  }
}

TEST(Classify, NamesTheKindOfAnAnswer) {
  const std::pair<int, ErrorKind> kinds[] = {
      {100, ErrorKind::http_status},  {102, ErrorKind::http_status}, {199, ErrorKind::http_status},
      {200, ErrorKind::none},         {204, ErrorKind::none},        {299, ErrorKind::none},
      {300, ErrorKind::redirect},     {304, ErrorKind::redirect},    {308, ErrorKind::redirect},
      {399, ErrorKind::redirect},     {400, ErrorKind::http_status}, {404, ErrorKind::http_status},
      {409, ErrorKind::http_status},  {410, ErrorKind::gone},        {411, ErrorKind::http_status},
      {429, ErrorKind::rate_limited}, {500, ErrorKind::http_status}, {503, ErrorKind::http_status},
      {599, ErrorKind::http_status},
  };
  for (const auto& [status, kind] : kinds)
    EXPECT_EQ(classify(answer(status), kNow).kind, kind) << status;
}

TEST(Classify, RetriesEveryFailureToAnswer) {
  for (const ErrorKind kind : all_kinds()) {
    if (kind == ErrorKind::none) continue;
    const Classified result = classify(no_answer(kind, "it did not work"), kNow);

    EXPECT_EQ(result.verdict, Verdict::retry) << name_of(kind);
    EXPECT_EQ(result.kind, kind);
    EXPECT_EQ(result.error, "it did not work");
    EXPECT_EQ(result.retry_after, std::nullopt);
  }
}

TEST(Classify, NeitherAnswerNorReasonIsAFaultOfOurs) {
  const Classified result = classify(HttpOutcome{}, kNow);

  EXPECT_EQ(result.verdict, Verdict::retry);
  EXPECT_EQ(result.kind, ErrorKind::internal);
  EXPECT_FALSE(result.error.empty());
}

TEST(Classify, AFailureWithoutWordsGetsSome) {
  EXPECT_FALSE(classify(no_answer(ErrorKind::dns), kNow).error.empty());
}

TEST(Classify, ASuccessWhoseBodyNeverEndsIsASuccess) {
  HttpOutcome outcome = answer(200);
  outcome.error = ErrorKind::timeout;
  outcome.is_truncated = true;

  EXPECT_EQ(classify(outcome, kNow).verdict, Verdict::success);
}

TEST(Classify, TakesRetryAfterFrom429And503Only) {
  for (int status = 100; status <= 599; ++status) {
    const Classified result = classify(answer(status, {{"Retry-After", "120"}}), kNow);

    EXPECT_EQ(result.retry_after.has_value(), status == 429 || status == 503) << status;
  }
}

TEST(Classify, FindsRetryAfterInAnyCaseAndForm) {
  EXPECT_EQ(classify(answer(429, {{"Date", "x"}, {"retry-after", "7"}}), kNow).retry_after, 7s);
  EXPECT_EQ(
      classify(answer(503, {{"RETRY-AFTER", "Sun, 01 Mar 2026 12:00:30 GMT"}}), kNow).retry_after,
      30s);
}

TEST(Classify, IgnoresARetryAfterThatCannotBeRead) {
  EXPECT_EQ(classify(answer(429, {{"Retry-After", "-7"}}), kNow).retry_after, std::nullopt);
  EXPECT_EQ(
      classify(answer(429, {{"Retry-After", "soon"}, {"Retry-After", "9"}}), kNow).retry_after, 9s);
  EXPECT_EQ(classify(answer(429, {{"X-Retry-After", "9"}}), kNow).retry_after, std::nullopt);
}

TEST(Classify, SaysWhatTheReceiverAnswered) {
  EXPECT_EQ(classify(answer(500), kNow).error, "the receiver answered 500");
  EXPECT_EQ(classify(answer(410), kNow).error,
            "the receiver answered 410, so the webhook was disabled");
  EXPECT_EQ(classify(answer(503, {{"Retry-After", "60"}}), kNow).error,
            "the receiver answered 503 and asked to wait 60 s");
  EXPECT_EQ(classify(answer(302, {{"location", "https://example.com/new"}}), kNow).error,
            "the receiver answered 302, a redirect to https://example.com/new; redirects are not "
            "followed");
}

TEST(Classify, NeverRepeatsAHostileLocation) {
  for (const std::string& location :
       {std::string("https://e.com/\nSet-Cookie"), std::string("\xFF\xFE"),
        std::string(10'000, 'x'), std::string("a b"), std::string("a\0b", 3), std::string()}) {
    EXPECT_EQ(classify(answer(301, {{"Location", location}}), kNow).error,
              "the receiver answered 301; redirects are not followed");
  }
}

TEST(Diagnosis, ExplainsEveryKindAndIsSilentOnSuccess) {
  EXPECT_EQ(diagnosis(ErrorKind::none, 200, ""), "");
  std::set<std::string> texts;
  for (const ErrorKind kind : all_kinds()) {
    if (kind == ErrorKind::none) continue;
    const std::string text = diagnosis(kind, 400, "");
    EXPECT_TRUE(text.ends_with('.')) << name_of(kind);
    EXPECT_TRUE(texts.insert(text).second) << "two kinds share: " << text;
  }
}

TEST(Diagnosis, SaysSomethingAboutEveryStatus) {
  for (int status = 100; status <= 999; ++status) {
    EXPECT_GT(diagnosis(ErrorKind::http_status, status, "").size(), 30U) << status;
  }
}

TEST(Diagnosis, NamesCauseAndFix) {
  struct Row {
    ErrorKind kind;
    int status;
    const char* error_text;
    const char* expected;
  };
  const Row rows[] = {
      {ErrorKind::http_status, 400, "", "expects"},
      {ErrorKind::http_status, 401, "", "secret"},
      {ErrorKind::http_status, 403, "", "firewall"},
      {ErrorKind::http_status, 404, "", "path"},
      {ErrorKind::http_status, 405, "", "POST"},
      {ErrorKind::http_status, 413, "", "larger"},
      {ErrorKind::http_status, 415, "", "application/json"},
      {ErrorKind::http_status, 418, "", "418"},
      {ErrorKind::http_status, 422, "", "refused its content"},
      {ErrorKind::http_status, 500, "", "own code"},
      {ErrorKind::http_status, 502, "", "proxy"},
      {ErrorKind::http_status, 504, "", "answer at once"},
      {ErrorKind::http_status, 521, "", "Cloudflare"},
      {ErrorKind::http_status, 599, "", "599"},
      {ErrorKind::http_status, 101, "", "not a final one"},
      {ErrorKind::tls, 0, "certificate has expired", "renew"},
      {ErrorKind::tls, 0, "CERTIFICATE HAS EXPIRED", "renew"},
      {ErrorKind::tls, 0, "self-signed certificate in certificate chain", "public authority"},
      {ErrorKind::tls, 0, "unable to get local issuer certificate", "intermediate"},
      {ErrorKind::tls, 0, "hostname mismatch", "another host name"},
      {ErrorKind::tls, 0, "unsupported protocol version", "TLS 1.2"},
      {ErrorKind::tls, 0, "wrong version number", "does not speak TLS"},
      {ErrorKind::tls, 0, "something new", "certificate and TLS settings"},
      {ErrorKind::dns, 0, "", "resolve"},
      {ErrorKind::egress_denied, 0, "", "operator"},
      {ErrorKind::timeout, 0, "", "deadline"},
  };
  for (const Row& row : rows) {
    const std::string text = diagnosis(row.kind, row.status, row.error_text);
    EXPECT_NE(text.find(row.expected), std::string::npos)
        << row.status << " " << row.error_text << ": " << text;
  }
}

}  // namespace
}  // namespace fanfare
