#include "domain/outcome.h"

#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kNow{Millis{1'772'366'400'000}};
constexpr ErrorKind kLastKind = ErrorKind::tls_certificate;

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
  EXPECT_EQ(names.size(), 24U);
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

TEST(Classify, NeverRepeatsTheSecretsOfALocation) {
  const std::pair<const char*, const char*> rows[] = {
      {"https://a.com/b?token=s3cret", "https://a.com/b?***"},
      {"https://a.com/b#s3cret", "https://a.com/b?***"},
      {"https://a.com/b;jsessionid=s3cret?x", "https://a.com/b?***"},
      {"https://user:s3cret@a.com/b", "https://***@a.com/b"},
      {"//user:s3cret@a.com?x", "//***@a.com?***"},
      {"https://u@s3cret@a.com", "https://***@a.com"},
      {"https://a.com/@b", "https://a.com/@b"},
      {"/login?next=s3cret", "/login?***"},
      {"elsewhere", "elsewhere"},
  };
  for (const auto& [location, shown] : rows) {
    EXPECT_EQ(classify(answer(302, {{"Location", location}}), kNow).error,
              "the receiver answered 302, a redirect to " + std::string(shown) +
                  "; redirects are not followed");
  }
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
      {ErrorKind::http_status, 408, "", "overloaded"},
      {ErrorKind::http_status, 409, "", "repeated webhook-id"},
      {ErrorKind::http_status, 405, "", "POST"},
      {ErrorKind::http_status, 413, "", "larger"},
      {ErrorKind::http_status, 415, "", "application/json"},
      {ErrorKind::http_status, 418, "", "418"},
      {ErrorKind::http_status, 422, "", "refused its content"},
      {ErrorKind::http_status, 500, "", "own code"},
      {ErrorKind::http_status, 501, "", "does not implement"},
      {ErrorKind::http_status, 502, "", "proxy"},
      {ErrorKind::http_status, 503, "", "maintenance"},
      {ErrorKind::http_status, 504, "", "answer at once"},
      {ErrorKind::http_status, 521, "", "Cloudflare"},
      {ErrorKind::http_status, 599, "", "599"},
      {ErrorKind::http_status, 101, "", "not a final one"},
      {ErrorKind::tls_certificate, 0, "the receiver's certificate has expired", "renew"},
      {ErrorKind::tls_certificate, 0, "THE CERTIFICATE HAS EXPIRED", "renew"},
      {ErrorKind::tls_certificate, 0, "certificate is not valid yet", "clock"},
      {ErrorKind::tls_certificate, 0, "certificate is self-signed", "public authority"},
      {ErrorKind::tls_certificate, 0, "issued by an unknown authority", "intermediate"},
      {ErrorKind::tls_certificate, 0, "certificate is for another host", "names the URL's host"},
      {ErrorKind::tls_certificate, 0, "certificate is not made for servers", "serverAuth"},
      {ErrorKind::tls_certificate, 0, "by one that may not issue any", "proper authority"},
      {ErrorKind::tls_certificate, 0, "certificate is too weak", "2048 bits"},
      {ErrorKind::tls_certificate, 0, "something new", "replace it"},
      {ErrorKind::tls, 0, "the receiver asked for a client certificate", "without one"},
      {ErrorKind::tls, 0, "does not know this host name", "configured for it"},
      {ErrorKind::tls, 0, "the receiver speaks no version of TLS from 1.2 on", "TLS 1.2"},
      {ErrorKind::tls, 0, "it has nothing in common with this server", "ciphers"},
      {ErrorKind::tls, 0, "the handshake is too weak", "current ciphers and keys"},
      {ErrorKind::tls, 0, "the receiver does not speak TLS on this port", "check the port"},
      {ErrorKind::tls, 0, "the receiver closed the connection during the", "hung up"},
      {ErrorKind::tls, 0, "something new", "certificate and TLS settings"},
      {ErrorKind::tls_timeout, 0, "", "overloaded"},
      {ErrorKind::dns, 0, "the host name does not exist (a.com)", "typing error"},
      {ErrorKind::dns, 0, "the host name has no address (a.com)", "A or AAAA record"},
      {ErrorKind::dns, 0, "the host name has too many addresses", "fewer address records"},
      {ErrorKind::dns, 0, "too many host names are being looked up", "did not look this one up"},
      {ErrorKind::dns, 0, "name servers gave no usable answer", "paid for"},
      {ErrorKind::dns_timeout, 0, "", "did not answer in time"},
      {ErrorKind::connect_refused, 0, "", "listens on the URL's port"},
      {ErrorKind::connect_timeout, 0, "", "firewall"},
      {ErrorKind::connect_failed, 0, "there is no route to the receiver", "no way through"},
      {ErrorKind::connect_failed, 0, "the receiver reset the connection attempt", "rejects"},
      {ErrorKind::connect_failed, 0, "this server has no free sockets", "not the receiver's doing"},
      {ErrorKind::connect_failed, 0, "", "could not be reached"},
      {ErrorKind::timeout, 0, "the receiver took the connection, but sent no answer",
       "2xx at once"},
      {ErrorKind::timeout, 0, "the receiver began its answer, but", "stalled"},
      {ErrorKind::connection_lost, 0, "closed the connection without an answer", "https://"},
      {ErrorKind::connection_lost, 0, "in the middle of its answer's head", "in the middle"},
      {ErrorKind::connection_lost, 0, "after interim answers (1xx) only", "interim"},
      {ErrorKind::connection_lost, 0, "", "before it answered"},
      {ErrorKind::bad_response, 0, "the receiver speaks TLS on this port", "with https://"},
      {ErrorKind::bad_response, 0, "the answer is not HTTP/1.0 or HTTP/1.1", "HTTP server"},
      {ErrorKind::bad_response, 0, "not valid: the status line has no status", "proper status"},
      {ErrorKind::bad_response, 0, "not valid: the head is too large", "fewer and shorter"},
      {ErrorKind::bad_response, 0, "a line of the answer's head is too long", "fewer and shorter"},
      {ErrorKind::bad_response, 0, "there are too many header fields", "fewer and shorter"},
      {ErrorKind::bad_response, 0, "wants to switch to another protocol (101)", "WebSocket"},
      {ErrorKind::bad_response, 0, "interim responses (1xx) without end", "never a final one"},
      {ErrorKind::bad_response, 0, "there are both", "rules of HTTP/1.1"},
      {ErrorKind::egress_denied, 0, "this destination is not allowed", "use a public address"},
      {ErrorKind::egress_denied, 0, "the URL must begin with https://", "plain http"},
      {ErrorKind::egress_denied, 0, "not allowed: port 6379 is not allowed", "443"},
      {ErrorKind::rate_limited, 429, "answered 429 and asked to wait 7 s", "how long to wait;"},
      {ErrorKind::rate_limited, 429, "the receiver answered 429", "(Retry-After)"},
      {ErrorKind::redirect, 302, "answered 302, a redirect to https://a.com/b; r",
       "to https://a.com/b, and redirects are not followed; register that URL"},
      {ErrorKind::redirect, 302, "answered 302; redirects", "register the URL that it leads to"},
      {ErrorKind::gone, 410, "", "enable it again"},
      {ErrorKind::webhook_disabled, 0, "disabled when the event arrived", "nothing was sent"},
      {ErrorKind::webhook_disabled, 0, "", "before the delivery was done"},
      {ErrorKind::internal, 0, "a header cannot be sent; correct the custom headers", "webhook's"},
      {ErrorKind::internal, 0, "", "operator finds the reason"},
  };
  for (const Row& row : rows) {
    const std::string text = diagnosis(row.kind, row.status, row.error_text);
    EXPECT_NE(text.find(row.expected), std::string::npos)
        << row.status << " " << row.error_text << ": " << text;
  }
}

TEST(Diagnosis, TheGuideToTroubleKnowsEveryKind) {
  std::ifstream file(FANFARE_SOURCE_DIR "/docs/troubleshooting.md");
  std::ostringstream guide;
  guide << file.rdbuf();

  for (const ErrorKind kind : all_kinds()) {
    if (kind == ErrorKind::none) continue;
    EXPECT_NE(guide.str().find("| `" + std::string(name_of(kind)) + "`"), std::string::npos)
        << name_of(kind);
  }
}

}  // namespace
}  // namespace fanfare
