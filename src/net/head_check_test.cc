#include "net/head_check.h"

#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare::net {
namespace {

using std::string;

// Scans and parses a whole head; 0 = accepted.
int request_status(const string& raw, RequestHead* out = nullptr) {
  HeadScanner scanner;
  const auto scanned = scanner.scan(raw);
  if (scanned.refusal) return scanned.refusal->status;
  if (scanned.head_bytes == 0) return -1;
  RequestHead head;
  const auto refusal =
      parse_request_head(std::string_view(raw).substr(0, scanned.head_bytes), out ? *out : head);
  return refusal ? refusal->status : 0;
}

struct Case {
  string name;
  string raw;
  int status;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

string post(const string& fields) {
  return "POST /e HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
string line(const string& first) {
  return first + "\r\nHost: h\r\n\r\n";
}

const std::vector<Case> kRequests{
    // ---- the smuggling shapes that parsers have let pass ----
    {"ContentLengthThenChunked", post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"ChunkedThenContentLength", post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), 400},
    {"GzipThenContentLength", post("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n"), 400},
    {"ContentLengthThenGzip", post("Content-Length: 5\r\nTransfer-Encoding: gzip\r\n"), 400},
    {"Identity", post("Transfer-Encoding: identity\r\n"), 400},
    {"ChunkedGzip", post("Transfer-Encoding: chunked, gzip\r\n"), 400},
    {"GzipChunked", post("Transfer-Encoding: gzip, chunked\r\n"), 400},
    {"Xchunked", post("Transfer-Encoding: xchunked\r\n"), 400},
    {"ChunkedTwice", post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), 400},
    {"ChunkedChunked", post("Transfer-Encoding: chunked, chunked\r\n"), 400},
    {"ChunkedWithParameter", post("Transfer-Encoding: chunked;a=b\r\n"), 400},
    {"ChunkedInCapitals", post("Transfer-Encoding: Chunked\r\n"), 400},
    {"ChunkedWithVerticalTab", post("Transfer-Encoding: \vchunked\r\n"), 400},
    {"EmptyTransferEncoding", post("Transfer-Encoding:\r\n"), 400},
    {"QuotedChunked", post("Transfer-Encoding: \"chunked\"\r\n"), 400},
    {"ChunkedInHttp10", "POST /e HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"EqualContentLengths", post("Content-Length: 5\r\nContent-Length: 5\r\n"), 400},
    {"ListOfContentLengths", post("Content-Length: 5, 5\r\n"), 400},
    {"DifferentContentLengths", post("Content-Length: 5\r\nContent-Length: 6\r\n"), 400},
    {"SignedContentLength", post("Content-Length: +5\r\n"), 400},
    {"HexContentLength", post("Content-Length: 0x5\r\n"), 400},
    {"NegativeContentLength", post("Content-Length: -1\r\n"), 400},
    {"EmptyContentLength", post("Content-Length: \r\n"), 400},
    {"ContentLengthWithSpaceInside", post("Content-Length: 1 2\r\n"), 400},
    {"ContentLengthWithPoint", post("Content-Length: 5.0\r\n"), 400},
    {"ContentLengthOfThirteenDigits", post("Content-Length: 1000000000000\r\n"), 400},
    {"ContentLengthOverflow", post("Content-Length: 18446744073709551621\r\n"), 400},
    {"Folded", post("A: b\r\n c\r\n"), 400},
    {"FoldedWithTab", post("A: b\r\n\tc\r\n"), 400},
    {"FoldedTransferEncoding", post("Transfer-Encoding:\r\n chunked\r\n"), 400},
    {"FoldBeforeAnyField", "GET / HTTP/1.1\r\n Host: h\r\n\r\n", 400},
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
    {"TwoHosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"TwoEqualHosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: a\r\n\r\n", 400},
    {"TwoHostsInHttp10", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", 400},
    {"AbsoluteForm", line("GET http://h/ HTTP/1.1"), 400},
    {"FragmentInTarget", line("GET /a#b HTTP/1.1"), 400},
    {"LowerCaseMethod", line("get / HTTP/1.1"), 400},
    {"MixedCaseMethod", line("Get / HTTP/1.1"), 400},
    {"SpaceBeforeColon", post("A : b\r\n"), 400},
    {"SpaceBeforeColonOfHost", "GET / HTTP/1.1\r\nHost : h\r\n\r\n", 400},
    {"TabBeforeColon", post("Content-Length\t: 5\r\n"), 400},
    {"BareLf", "GET / HTTP/1.1\nHost: h\n\n", 400},
    {"BareLfAfterAField", "GET / HTTP/1.1\r\nHost: h\n\r\n", 400},
    {"BareLfAtTheEnd", "GET / HTTP/1.1\r\nHost: h\r\n\n", 400},
    {"BareCrInAValue", post("A: b\rc\r\n"), 400},
    {"BareCrAtTheEnd", "GET / HTTP/1.1\r\nHost: h\r\n\rA\r\n", 400},
    {"CrCrLf", "GET / HTTP/1.1\r\nHost: h\r\r\n\r\n", 400},
    {"NulInAValue", post(string("A: b") + '\0' + "c\r\n"), 400},
    {"NulInAName", post(string("A") + '\0' + ": c\r\n"), 400},
    {"NulInTheTarget", line(string("GET /a") + '\0' + " HTTP/1.1"), 400},
    // ---- names and values ----
    {"EmptyName", post(": b\r\n"), 400},
    {"NoColon", post("Accept\r\n"), 400},
    {"NameWithSpace", post("A B: c\r\n"), 400},
    {"NameWithHighByte", post("A\xc3\xa9: c\r\n"), 400},
    {"NameWithSlash", post("A/B: c\r\n"), 400},
    {"NameWithParenthesis", post("(A): c\r\n"), 400},
    {"ValueWithEscape", post("A: \x1b[0m\r\n"), 400},
    {"ValueWithDelete", post("A: \x7f\r\n"), 400},
    {"ValueWithBackspace", post("A: \b\r\n"), 400},
    {"ValueWithTab", post("A: b\tc\r\n"), 0},
    {"ValueWithHighBytes", post("A: caf\xc3\xa9\r\n"), 0},
    {"EmptyValue", post("A:\r\n"), 0},
    {"NoSpaceAfterColon", post("A:b\r\n"), 0},
    {"EveryTokenByte", post("!#$%&'*+-.^_`|~09azAZ: b\r\n"), 0},
    // ---- the first line ----
    {"Get", line("GET / HTTP/1.1"), 0},
    {"Options", line("OPTIONS /a HTTP/1.1"), 0},
    {"Delete", line("DELETE /a?b=c&d=%20 HTTP/1.1"), 0},
    {"DoubleSlash", line("GET //a HTTP/1.1"), 0},
    {"Trace", line("TRACE / HTTP/1.1"), 501},
    {"Connect", line("CONNECT /a HTTP/1.1"), 501},
    {"UnknownMethod", line("BREW /pot HTTP/1.1"), 501},
    {"MethodWithDigit", line("GET2 / HTTP/1.1"), 400},
    {"MethodWithColon", line("GET: / HTTP/1.1"), 400},
    {"NoMethod", line(" / HTTP/1.1"), 400},
    {"NoTarget", line("GET HTTP/1.1"), 400},
    {"EmptyTarget", line("GET  HTTP/1.1"), 400},
    {"TwoSpaces", line("GET  / HTTP/1.1"), 400},
    {"SpaceInTarget", line("GET /a b HTTP/1.1"), 400},
    {"TabInsteadOfSpace", line("GET\t/\tHTTP/1.1"), 400},
    {"TrailingSpace", line("GET / HTTP/1.1 "), 400},
    {"LeadingSpace", line(" GET / HTTP/1.1"), 400},
    {"Asterisk", line("OPTIONS * HTTP/1.1"), 400},
    {"AuthorityForm", line("GET h:80 HTTP/1.1"), 400},
    {"HighByteInTarget", line("GET /\xc3\xa9 HTTP/1.1"), 400},
    {"DeleteByteInTarget", line("GET /\x7f HTTP/1.1"), 400},
    {"Http09", "GET /\r\n\r\n", 400},
    {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", 0},
    {"Http12", line("GET / HTTP/1.2"), 505},
    {"Http20", line("GET / HTTP/2.0"), 505},
    {"Http2Preface", "PRI * HTTP/2.0\r\n\r\n", 505},
    {"Http00", line("GET / HTTP/0.9"), 505},
    {"LowerCaseVersion", line("GET / http/1.1"), 400},
    {"VersionWithoutMinor", line("GET / HTTP/1"), 400},
    {"VersionWithMoreDigits", line("GET / HTTP/1.10"), 400},
    {"VersionWithLeadingZero", line("GET / HTTP/01.1"), 400},
    {"OtherProtocol", line("GET / RTSP/1.0"), 400},
    {"EmptyFirstLine", "\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", 400},
    {"TlsClientHello", string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
    // ---- Host ----
    {"HostWithPort", "GET / HTTP/1.1\r\nHost: example.com:8080\r\n\r\n", 0},
    {"HostOfIpv6", "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", 0},
    {"EmptyHost", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
    {"HostWithUser", "GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
    {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
    {"HostWithSpace", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    // ---- Expect ----
    {"ExpectContinue", post("Content-Length: 5\r\nExpect: 100-Continue\r\n"), 0},
    {"ExpectOther", post("Content-Length: 5\r\nExpect: tea\r\n"), 417},
    {"ExpectBoth", post("Expect: 100-continue\r\nExpect: tea\r\n"), 417},
    {"ExpectOtherInHttp10", "POST / HTTP/1.0\r\nExpect: tea\r\n\r\n", 0},
    // ---- bodies that are fine ----
    {"Chunked", post("Transfer-Encoding: chunked\r\n"), 0},
    {"ContentLength", post("Content-Length: 512\r\n"), 0},
    {"ContentLengthOfTwelveDigits", post("Content-Length: 999999999999\r\n"), 0},
    {"ContentLengthWithSpaceAround", post("Content-Length: \t 5 \t\r\n"), 0},
};

class RequestHeadCheck : public testing::TestWithParam<Case> {};

TEST_P(RequestHeadCheck, AnswersWithTheStatus) {
  EXPECT_EQ(request_status(GetParam().raw), GetParam().status) << GetParam().raw;
}

TEST_P(RequestHeadCheck, AnswersTheSameWhereverTheBytesAreSplit) {
  const string& raw = GetParam().raw;
  HeadScanner whole;
  const auto expected = whole.scan(raw);
  HeadScanner bytewise;
  HeadScanner::Outcome last;

  for (std::size_t size = 1; size <= raw.size(); ++size) {
    last = bytewise.scan(raw.substr(0, size));
    if (last.refusal || last.head_bytes > 0) break;
  }

  EXPECT_EQ(last.head_bytes, expected.head_bytes);
  EXPECT_EQ(last.refusal.has_value(), expected.refusal.has_value());
  if (last.refusal && expected.refusal) {
    EXPECT_EQ(last.refusal->detail, expected.refusal->detail);
  }
}

INSTANTIATE_TEST_SUITE_P(Table, RequestHeadCheck, testing::ValuesIn(kRequests),
                         [](const auto& param) { return param.param.name; });

TEST(RequestHead, HoldsWhatTheClientSent) {
  RequestHead head;
  const string raw =
      "PATCH /a/b?c=d?e HTTP/1.1\r\nHost: h\r\nX-One:  two words \r\nContent-Length: 7\r\n\r\n";

  ASSERT_EQ(request_status(raw, &head), 0);

  EXPECT_EQ(head.method, "PATCH");
  EXPECT_EQ(head.path, "/a/b");
  EXPECT_EQ(head.query, "c=d?e");
  EXPECT_EQ(head.minor_version, 1);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[1].name, "X-One");
  EXPECT_EQ(head.fields[1].value, "two words");
  EXPECT_EQ(head.framing.content_length, 7U);
  EXPECT_TRUE(head.has_body());
}

TEST(RequestHead, ForgetsTheRequestBefore) {
  RequestHead head;
  ASSERT_EQ(request_status(post("Content-Length: 7\r\nConnection: close\r\n"), &head), 0);

  ASSERT_EQ(request_status(line("GET / HTTP/1.1"), &head), 0);

  EXPECT_EQ(head.framing.content_length, std::nullopt);
  EXPECT_FALSE(head.framing.has_close);
  EXPECT_EQ(head.fields.size(), 1U);
  EXPECT_EQ(head.query, "");
}

TEST(RequestHead, ReadsConnectionAsAList) {
  RequestHead head;

  ASSERT_EQ(request_status(post("Connection: upgrade , Keep-Alive,,CLOSE\r\n"), &head), 0);

  EXPECT_TRUE(head.framing.has_close);
  EXPECT_TRUE(head.framing.has_keep_alive);
}

TEST(RequestHead, TakesNoWordThatOnlyContainsClose) {
  RequestHead head;

  ASSERT_EQ(request_status(post("Connection: not-close, closed\r\n"), &head), 0);

  EXPECT_FALSE(head.framing.has_close);
}

TEST(RequestHeadLimits, AllowsARequestLineAtTheLimitAndNoByteMore) {
  const auto with_line_of = [](std::size_t bytes) {
    const string around = "GET / HTTP/1.1";
    return line("GET /" + string(bytes - around.size(), 'a') + " HTTP/1.1");
  };

  EXPECT_EQ(request_status(with_line_of(limits::kRequestLineBytesMax)), 0);
  EXPECT_EQ(request_status(with_line_of(limits::kRequestLineBytesMax + 1)), 414);
}

TEST(RequestHeadLimits, AllowsAHeadAtTheLimitAndNoByteMore) {
  const auto with_head_of = [](std::size_t bytes) {
    const string around = post("A: \r\n");
    return post("A: " + string(bytes - around.size(), 'a') + "\r\n");
  };

  EXPECT_EQ(request_status(with_head_of(limits::kRequestHeadBytesMax)), 0);
  EXPECT_EQ(request_status(with_head_of(limits::kRequestHeadBytesMax + 1)), 431);
}

TEST(RequestHeadLimits, AllowsAsManyFieldsAsTheLimitAndNotOneMore) {
  const auto with_fields = [](std::size_t count) {
    string fields;
    for (std::size_t i = 1; i < count; ++i) fields += "A: b\r\n";  // and Host
    return post(fields);
  };

  EXPECT_EQ(request_status(with_fields(limits::kRequestHeadersMax)), 0);
  EXPECT_EQ(request_status(with_fields(limits::kRequestHeadersMax + 1)), 431);
}

TEST(RequestHeadLimits, RefusesAnEndlessRequestLineBeforeItEnds) {
  EXPECT_EQ(request_status(string(limits::kRequestLineBytesMax + 2, 'a')), 414);
}

TEST(RequestHeadLimits, RefusesAnEndlessFieldBeforeItEnds) {
  EXPECT_EQ(request_status("GET / HTTP/1.1\r\nA: " + string(limits::kRequestHeadBytesMax, 'a')),
            431);
}

TEST(RequestHeadLimits, LooksAtNoBytePastTheLimit) {
  const string raw = string(limits::kRequestLineBytesMax + 2, 'a') + '\0';

  EXPECT_EQ(request_status(raw), 414);
}

TEST(HeadScanner, StopsAtTheEndOfTheHead) {
  HeadScanner scanner;

  const auto outcome = scanner.scan("GET / HTTP/1.1\r\n\r\n\x01 what follows is not a head");

  EXPECT_EQ(outcome.head_bytes, 18U);
  EXPECT_FALSE(outcome.refusal);
}

TEST(HeadScanner, WaitsForTheRest) {
  HeadScanner scanner;

  const auto outcome = scanner.scan("GET / HTTP/1.1\r\nHost: h\r\n\r");

  EXPECT_EQ(outcome.head_bytes, 0U);
  EXPECT_FALSE(outcome.refusal);
}

bool response_is_taken(const string& raw, ResponseHead* out = nullptr) {
  HeadScanner scanner(kResponseHeadLimits);
  const auto scanned = scanner.scan(raw);
  ResponseHead head;
  return scanned.head_bytes > 0 &&
         !parse_response_head(std::string_view(raw).substr(0, scanned.head_bytes),
                              out ? *out : head);
}

TEST(ResponseHead, HoldsWhatTheServerSent) {
  ResponseHead head;
  const string raw =
      "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 7\r\nConnection: close\r\n"
      "Content-Length: 0\r\n\r\n";

  ASSERT_TRUE(response_is_taken(raw, &head));

  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.minor_version, 1);
  EXPECT_EQ(head.fields[0].value, "7");
  EXPECT_TRUE(head.framing.has_close);
  EXPECT_EQ(head.framing.content_length, 0U);
}

TEST(ResponseHead, TakesWhatServersSend) {
  EXPECT_TRUE(response_is_taken("HTTP/1.1 200 OK\r\n\r\n"));
  EXPECT_TRUE(response_is_taken("HTTP/1.1 200\r\n\r\n"));
  EXPECT_TRUE(response_is_taken("HTTP/1.1 200 \r\n\r\n"));
  EXPECT_TRUE(response_is_taken("HTTP/1.0 404 Not\tFound \xc3\xa9\r\n\r\n"));
  EXPECT_TRUE(response_is_taken("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n"));
  EXPECT_TRUE(response_is_taken("HTTP/1.1 200 OK\r\nHost: a\r\nHost: b\r\n\r\n"));
}

class ResponseHeadRefusal : public testing::TestWithParam<string> {};

TEST_P(ResponseHeadRefusal, RefusesIt) {
  EXPECT_FALSE(response_is_taken(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(
    Table, ResponseHeadRefusal,
    testing::Values("HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.2 200 OK\r\n\r\n", "http/1.1 200 OK\r\n\r\n",
                    "HTTP/1.1 99 Low\r\n\r\n", "HTTP/1.1 600 High\r\n\r\n",
                    "HTTP/1.1 20 Short\r\n\r\n", "HTTP/1.1 2000 Long\r\n\r\n",
                    "HTTP/1.1  200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 200OK\r\n\r\n",
                    "ICY 200 OK\r\n\r\n", "\r\n", "H\r\n\r\n", "HTTP/1.1 200 OK\n\n",
                    "HTTP/1.1 200 O\rK\r\n\r\n", "HTTP/1.1 200 \x01\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nA : b\r\n\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
                    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
                    "HTTP/1.1 200 OK\r\n: empty\r\n\r\n", "HTTP/1.1 200 OK\r\nnothing\r\n\r\n"));

TEST(ResponseHeadLimits, AllowsAsManyFieldsAsTheLimitAndNotOneMore) {
  const auto with_fields = [](std::size_t count) {
    string raw = "HTTP/1.1 200 OK\r\n";
    for (std::size_t i = 0; i < count; ++i) raw += "A: b\r\n";
    return raw + "\r\n";
  };

  EXPECT_TRUE(response_is_taken(with_fields(limits::kResponseHeadersMax)));
  EXPECT_FALSE(response_is_taken(with_fields(limits::kResponseHeadersMax + 1)));
}

}  // namespace
}  // namespace fanfare::net
