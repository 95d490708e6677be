#include "net/http_parser.h"

#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server.h"

namespace fanfare::net {
namespace {

using std::string;
using Progress = RequestParser::Progress;

// What came of a stream of bytes: each request's body, then how it ended.
struct Outcome {
  std::vector<string> bodies;
  int refused = 0;
  string detail;
  bool operator==(const Outcome&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Outcome& o) {
  for (const string& body : o.bodies) out << '[' << body.substr(0, 80) << ']';
  return out << " refused " << o.refused << ' ' << o.detail;
}

// A connection without a socket: keeps what is unread and feeds it on, `step` bytes at a time.
Outcome run(const string& stream, std::size_t step, std::size_t body_bytes_max = 1 << 20) {
  RequestParser parser;
  Outcome outcome;
  string unread;
  string body;
  bool is_in_body = false;
  const auto consume = [&]() -> bool {
    auto progress = Progress::complete;
    if (!is_in_body) {
      if (unread.empty()) return false;
      progress = parser.read_head(unread);
      if (progress == Progress::complete) {
        is_in_body = true;
        unread.erase(0, parser.head_bytes());
        return true;
      }
    } else {
      std::size_t used = 0;
      progress = parser.read_body(unread, body_bytes_max, body, used);
      unread.erase(0, used);
      if (progress == Progress::complete) {
        outcome.bodies.push_back(std::exchange(body, {}));
        is_in_body = false;
        parser.next_request();
        return true;
      }
    }
    if (progress == Progress::refused) {
      outcome.refused = parser.refusal().status;
      outcome.detail = parser.refusal().detail;
    }
    return false;
  };
  for (std::size_t at = 0; at < stream.size() && outcome.refused == 0; at += step) {
    unread += stream.substr(at, step);
    while (outcome.refused == 0 && consume()) {
    }
  }
  return outcome;
}

string chunked(const string& body) {
  return "POST /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}
string sized(const string& body) {
  return "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\n\r\n" + body;
}
const string kGet = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const string kUpgrade =
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
const string kClosing =
    "POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";

struct Case {
  string name;
  string stream;
  Outcome expected;
};
std::ostream& operator<<(std::ostream& out, const Case& c) {
  return out << c.name;
}

Outcome taken(std::vector<string> bodies) {
  return {std::move(bodies), 0, ""};
}
Outcome refused(int status, string detail, std::vector<string> bodies = {}) {
  return {std::move(bodies), status, std::move(detail)};
}
Outcome malformed() {
  return refused(400, "The chunked body is malformed.");
}

const std::vector<Case> kCases{
    {"NoBody", kGet, taken({""})},
    {"ContentLength", sized("hello"), taken({"hello"})},
    {"EmptyBody", sized(""), taken({""})},
    {"OneChunk", chunked("5\r\nhello\r\n0\r\n\r\n"), taken({"hello"})},
    {"ManyChunks", chunked("1\r\na\r\n2\r\nbc\r\nA\r\n0123456789\r\n0\r\n\r\n"),
     taken({"abc0123456789"})},
    {"NoChunks", chunked("0\r\n\r\n"), taken({""})},
    {"CapitalAndSmallHex", chunked("b\r\n01234567890\r\nB\r\n01234567890\r\n00\r\n\r\n"),
     taken({"0123456789001234567890"})},
    {"DataThatLooksLikeFraming", chunked("a\r\n\r\n0\r\n\r\n \n\r\r\n0\r\n\r\n"),
     taken({"\r\n0\r\n\r\n \n\r"})},
    {"Extension", chunked("5;a=b\r\nhello\r\n0;last\r\n\r\n"), taken({"hello"})},
    {"Trailers", chunked("5\r\nhello\r\n0\r\nA: b\r\nC: d\r\n\r\n"), taken({"hello"})},
    {"Pipelined", kGet + sized("one") + chunked("3\r\ntwo\r\n0\r\nX: y\r\n\r\n") + kGet,
     taken({"", "one", "two", ""})},
    {"UpgradeIsIgnored", kUpgrade + kGet, taken({"", ""})},
    {"CloseLeavesTheRestToTheConnection", kClosing + kGet, taken({"x", ""})},
    {"GoodThenBad", kGet + "GET / HTTP/1.1\r\n\r\n", refused(400, "There is no Host.", {""})},
    {"SmuggledSecondHead", sized("") + "X", taken({""})},
    // ---- chunks that are refused ----
    {"NoSize", chunked("\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"SizeNotHex", chunked("g\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"SignedSize", chunked("+5\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"NegativeSize", chunked("-5\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"PrefixedSize", chunked("0x5\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"SpaceBeforeSize", chunked(" 5\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"SizeOverflow", chunked("ffffffffffffffff1\r\nhello\r\n"), malformed()},
    {"SizeEndsWithLf", chunked("5\nhello\r\n0\r\n\r\n"), malformed()},
    {"SizeEndsWithCr", chunked("5\rhello\r\n0\r\n\r\n"), malformed()},
    {"DataWithoutCrlf", chunked("5\r\nhello0\r\n\r\n"), malformed()},
    {"DataEndsWithLf", chunked("5\r\nhello\n0\r\n\r\n"), malformed()},
    {"DataLongerThanSize", chunked("3\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"LfInExtension", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"LfInQuotedExtension", chunked("5;a=\"x\ny\"\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"CrInExtension", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"NulInExtension", chunked(string("5;a") + '\0' + "\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"FoldedTrailer", chunked("0\r\nA: b\r\n c\r\n\r\n"), malformed()},
    {"TrailerEndsWithLf", chunked("0\r\nA: b\n\r\n"), malformed()},
    {"TrailerWithBareCr", chunked("0\r\nA: b\rc\r\n\r\n"), malformed()},
    {"TrailerWithNul", chunked(string("0\r\nA: b") + '\0' + "\r\n\r\n"), malformed()},
    {"TrailerWithSpaceInName", chunked("0\r\nA B: c\r\n\r\n"), malformed()},
    {"EndsWithLf", chunked("0\r\n\n"), malformed()},
    {"ExtensionTooLong", chunked("5;" + string(300, 'a') + "\r\nhello\r\n0\r\n\r\n"), malformed()},
    {"ExtensionFarTooLong", chunked("5;" + string(40'000, 'a')), malformed()},
    {"TrailersTooLarge", chunked("0\r\nA: " + string(40'000, 'b') + "\r\n\r\n"),
     refused(431, "The trailers are too large.")},
    {"TooManyLeadingZeros", chunked(string(40'000, '0')),
     refused(431, "The trailers are too large.")},
};

class RequestStream : public testing::TestWithParam<Case> {};

TEST_P(RequestStream, ComesOutAsExpectedAtOnce) {
  EXPECT_EQ(run(GetParam().stream, GetParam().stream.size()), GetParam().expected);
}

TEST_P(RequestStream, ComesOutTheSameByteByByte) {
  EXPECT_EQ(run(GetParam().stream, 1), GetParam().expected);
}

TEST_P(RequestStream, ComesOutTheSameInPiecesOfEverySize) {
  for (std::size_t step = 2; step < 80; ++step) {
    EXPECT_EQ(run(GetParam().stream, step), GetParam().expected) << "pieces of " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Table, RequestStream, testing::ValuesIn(kCases),
                         [](const auto& param) { return param.param.name; });

TEST(RequestParser, CountsChunkedBytesAgainstTheLimit) {
  const string stream = chunked("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n");

  EXPECT_EQ(run(stream, 1, 10), taken({"helloworld"}));
  EXPECT_EQ(run(stream, 1, 9), refused(413, "The body is too large."));
  EXPECT_EQ(run(stream, stream.size(), 9), refused(413, "The body is too large."));
}

TEST(RequestParser, RefusesABodyWhereNoneIsAllowed) {
  EXPECT_EQ(run(chunked("1\r\na\r\n"), 1, 0), refused(413, "The body is too large."));
  EXPECT_EQ(run(chunked("0\r\n\r\n"), 1, 0), taken({""}));
}

TEST(RequestParser, AllowsAnExtensionAtTheLimitAndNoByteMore) {
  const auto with_extension = [](std::size_t bytes) {
    return chunked("1;" + string(bytes, 'a') + "\r\nx\r\n0\r\n\r\n");
  };

  EXPECT_EQ(run(with_extension(limits::kChunkExtensionBytesMax), 1), taken({"x"}));
  EXPECT_EQ(run(with_extension(limits::kChunkExtensionBytesMax + 1), 1), malformed());
}

TEST(RequestParser, LimitsExtensionsForEachChunk) {
  string body;
  for (int i = 0; i < 10; ++i) body += "1;" + string(200, 'a') + "\r\nx\r\n";

  EXPECT_EQ(run(chunked(body + "0\r\n\r\n"), 7), taken({string(10, 'x')}));
}

TEST(RequestParser, FindsAHeaderByNameInAnyCase) {
  HttpRequest request;
  request.headers = {{"X-One", "1"}, {"x-ONE", "2"}};

  EXPECT_EQ(request.header("x-one"), "1");
  EXPECT_EQ(request.header("x-two"), std::nullopt);
}

}  // namespace
}  // namespace fanfare::net
