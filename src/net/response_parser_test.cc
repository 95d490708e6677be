#include "net/response_parser.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace fanfare::net {
namespace {

using State = ResponseParser::State;

struct Parsed {
  State state = State::more;
  ClientResponse response;
  bool is_reusable = false;
  std::string failure;
};

Parsed parse_in_pieces(std::string_view bytes, std::size_t piece, bool ends = false) {
  ResponseParser parser;
  Parsed parsed;
  for (std::size_t at = 0; at < bytes.size() && parsed.state == State::more; at += piece) {
    parsed.state = parser.feed(bytes.substr(at, piece));
  }
  if (parsed.state == State::more && ends) parsed.state = parser.finish();
  parsed.is_reusable = parser.is_reusable();
  parsed.failure = parser.failure();
  parsed.response = parser.take();
  return parsed;
}

Parsed parse(std::string_view bytes, bool ends = false) {
  return parse_in_pieces(bytes, bytes.size() + 1, ends);
}

std::string repeated(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

TEST(ResponseParser, ReadsABodyByContentLength) {
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b c \r\n\r\nhello");

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_EQ(parsed.response.status, 200);
  EXPECT_EQ(parsed.response.body, "hello");
  EXPECT_EQ(parsed.response.headers, (HeaderList{{"Content-Length", "5"}, {"X-A", "b c"}}));
  EXPECT_FALSE(parsed.response.is_truncated);
  EXPECT_TRUE(parsed.is_reusable);
}

TEST(ResponseParser, ReadsAChunkedBodyAndDropsTrailers) {
  const Parsed parsed = parse(
      "HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n");

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_EQ(parsed.response.body, "abcde");
  EXPECT_EQ(parsed.response.headers.size(), 1U) << "trailers are dropped";
  EXPECT_TRUE(parsed.is_reusable);
}

TEST(ResponseParser, ReadsABodyWithoutLengthToTheEnd) {
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\n\r\nall of it", true);

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_EQ(parsed.response.body, "all of it");
  EXPECT_FALSE(parsed.response.is_truncated);
  EXPECT_FALSE(parsed.is_reusable);
}

TEST(ResponseParser, NoContentIsCompleteWithItsHead) {
  const Parsed parsed = parse("HTTP/1.1 204 No Content\r\n\r\n");

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_TRUE(parsed.is_reusable);
}

TEST(ResponseParser, BytesBeyondTheResponseForbidReuse) {
  for (const std::string_view response :
       {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"}) {
    EXPECT_TRUE(parse(response).is_reusable) << response;
    const Parsed pushed = parse(std::string(response) + "H");
    EXPECT_EQ(pushed.state, State::complete) << response;
    EXPECT_FALSE(pushed.is_reusable) << response;
  }
}

TEST(ResponseParser, ReuseFollowsVersionAndConnectionHeader) {
  EXPECT_FALSE(parse("HTTP/1.1 204 x\r\nConnection: close\r\n\r\n").is_reusable);
  EXPECT_FALSE(parse("HTTP/1.0 204 x\r\n\r\n").is_reusable);
  EXPECT_TRUE(parse("HTTP/1.0 204 x\r\nConnection: keep-alive\r\n\r\n").is_reusable);
}

TEST(ResponseParser, AnySplitGivesTheSameResult) {
  const std::vector<std::string> inputs = {
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\nabc\r\n0\r\nT: 1\r\n\r\n",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.1 500 Oh\r\nA: b\r\n c\r\n\r\n",
      "HTTP/1.1 101 Switching Protocols\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2p1\r\n",
      "HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n" + std::string(20000, 'x'),
  };
  for (const std::string& input : inputs) {
    const Parsed whole = parse(input, true);
    for (const std::size_t piece : {1U, 2U, 3U, 7U, 64U}) {
      const Parsed split = parse_in_pieces(input, piece, true);
      EXPECT_EQ(split.state, whole.state) << piece << ": " << input.substr(0, 80);
      EXPECT_EQ(split.response.status, whole.response.status);
      EXPECT_EQ(split.response.headers, whole.response.headers);
      EXPECT_EQ(split.response.body, whole.response.body);
      EXPECT_EQ(split.response.is_truncated, whole.response.is_truncated);
    }
  }
}

TEST(ResponseParser, RefusesBadStatusLines) {
  for (const std::string_view line :
       {"HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 20 x", "HTTP/1.1 2000 x", "HTTP/2.0 200 x",
        "HTTP/1.2 200 x", "HTTP/1.1 200x", "HTTP/1.1  200 x", "http/1.1 200 x", "HTTP/1.1 +20 x",
        "HTTP/1.1", "ICY 200 OK", "HTTP/0.9 200 x"}) {
    const Parsed parsed = parse(std::string(line) + "\r\nContent-Length: 0\r\n\r\n");
    EXPECT_EQ(parsed.state, State::failed) << line;
    EXPECT_FALSE(parsed.failure.empty()) << line;
  }
}

TEST(ResponseParser, TakesTheEdgesOfTheStatusRange) {
  EXPECT_EQ(parse("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n").response.status, 200);
  EXPECT_EQ(parse("HTTP/1.1 599 x\r\nContent-Length: 0\r\n\r\n").response.status, 599);
}

TEST(ResponseParser, RefusesSmugglingShapes) {
  for (const std::string_view fields :
       {"Content-Length: 1\r\nTransfer-Encoding: chunked", "Content-Length: 1\r\nContent-Length: 1",
        "Content-Length: 1, 1", "Content-Length: +1", "Content-Length: 0x1",
        "Content-Length: ", "Content-Length: 9999999999999", "Transfer-Encoding: gzip",
        "Transfer-Encoding: xchunked", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "A : b", "A: b\r\n folded", ": x", "A: b\rc", "A: b\nC: d"}) {
    const Parsed parsed = parse("HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\nx");
    EXPECT_EQ(parsed.state, State::failed) << fields;
  }
}

TEST(ResponseParser, GarbageFailsAtOnceAndNotAtTheDeadline) {
  EXPECT_EQ(parse("SSH-2.0-OpenSSH_9.2p1 Debian\r\n").state, State::failed);
  EXPECT_EQ(parse("\x15\x03\x01").state, State::failed);
  EXPECT_EQ(parse("HTTP/2").state, State::failed);
  EXPECT_EQ(parse("HTT").state, State::more);
}

TEST(ResponseParser, HeadIsBoundedInBytesLinesAndFields) {
  const std::string start = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";

  EXPECT_EQ(parse(start + repeated("A: b\r\n", 99) + "\r\n").state, State::complete);
  EXPECT_EQ(parse(start + repeated("A: b\r\n", 100) + "\r\n").state, State::failed);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\nA: " + std::string(100'000, 'x')).state, State::failed);
  EXPECT_EQ(parse("HTTP/1.1 200 " + std::string(9000, 'x')).state, State::failed);
  EXPECT_EQ(parse(start + "A: " + std::string(9000, 'x')).state, State::failed);
  EXPECT_EQ(parse(start + "A: " + std::string(9000, 'x') + "\r\n\r\n").state, State::failed);
  EXPECT_EQ(parse(start + "A: " + std::string(8000, 'x') + "\r\n\r\n").state, State::complete);
  const std::string field = "A: " + std::string(1000, 'x') + "\r\n";
  EXPECT_EQ(parse(start + repeated(field, 15) + "\r\n").state, State::complete);
  EXPECT_EQ(parse(start + repeated(field, 17) + "\r\n").state, State::failed);
}

TEST(ResponseParser, InterimResponsesAreCounted) {
  const std::string final = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";

  const Parsed eight = parse(repeated(interim, 8) + final);
  EXPECT_EQ(eight.state, State::complete);
  EXPECT_EQ(eight.response.status, 200);
  EXPECT_EQ(eight.response.headers.size(), 1U) << "interim fields are dropped";
  EXPECT_EQ(parse(repeated(interim, 9)).state, State::failed);
}

TEST(ResponseParser, SwitchingProtocolsIsAFailure) {
  EXPECT_EQ(parse("HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n").state,
            State::failed);
}

TEST(ResponseParser, EndlessBodyIsKeptToTheLimitAndTheStatusCounts) {
  const std::string chunk = "1000\r\n" + std::string(0x1000, 'x') + "\r\n";
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  const Parsed parsed = parse_in_pieces(head + repeated(chunk, 100), 4000);

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_EQ(parsed.response.status, 200);
  EXPECT_EQ(parsed.response.body.size(), limits::kResponseBodyKept);
  EXPECT_TRUE(parsed.response.is_truncated);
  EXPECT_FALSE(parsed.is_reusable);
}

TEST(ResponseParser, BodyOfExactlyTheLimitIsWhole) {
  const std::string size = std::to_string(limits::kResponseBodyKept);
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: " + size + "\r\n\r\n" +
                              std::string(limits::kResponseBodyKept, 'x'));

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_FALSE(parsed.response.is_truncated);
  EXPECT_TRUE(parsed.is_reusable);
}

TEST(ResponseParser, DoesNotWaitForBytesThatItWouldNotKeep) {
  const Parsed parsed = parse("HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" +
                              std::string(limits::kResponseBodyKept, 'x'));

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_TRUE(parsed.response.is_truncated);
}

TEST(ResponseParser, TinyChunksStopAtTheWireLimit) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

  const Parsed parsed = parse_in_pieces(head + repeated("1\r\nx\r\n", 20'000), 1000);

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_TRUE(parsed.response.is_truncated);
  EXPECT_LT(parsed.response.body.size(), limits::kResponseWireBytesMax / 6);
}

TEST(ResponseParser, LongChunkExtensionEndsTheBody) {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string tail = "\r\nx\r\n0\r\n\r\n";

  EXPECT_FALSE(parse(head + "1;a=" + std::string(200, 'y') + tail).response.is_truncated);
  const Parsed parsed = parse(head + "1;a=" + std::string(300, 'y') + tail);
  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_TRUE(parsed.response.is_truncated);
  EXPECT_TRUE(parsed.response.body.empty());
}

TEST(ResponseParser, LongTrailersAreCutByTheWireLimit) {
  const Parsed parsed =
      parse_in_pieces("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nT: " +
                          std::string(1'000'000, 'x'),
                      16384);

  EXPECT_EQ(parsed.state, State::complete);
  EXPECT_EQ(parsed.response.body, "ok");
  EXPECT_TRUE(parsed.response.is_truncated);
}

TEST(ResponseParser, BrokenOrCutBodyKeepsTheStatus) {
  const Parsed broken =
      parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\nzz\r\n");
  EXPECT_EQ(broken.state, State::complete);
  EXPECT_EQ(broken.response.body, "ok");
  EXPECT_TRUE(broken.response.is_truncated);

  const Parsed cut = parse("HTTP/1.1 503 x\r\nContent-Length: 10\r\n\r\nabc", true);
  EXPECT_EQ(cut.state, State::complete);
  EXPECT_EQ(cut.response.status, 503);
  EXPECT_TRUE(cut.response.is_truncated);
}

TEST(ResponseParser, EndWithoutAHeadIsAFailure) {
  EXPECT_EQ(parse("", true).state, State::failed);
  EXPECT_EQ(parse("HTTP/1.1 200 OK\r\n", true).state, State::failed);
}

TEST(ResponseParser, ResetReadsTheNextResponse) {
  ResponseParser parser;
  ASSERT_EQ(parser.feed("HTTP/1.1 500 x\r\nContent-Length: 1\r\n\r\na"), State::complete);
  parser.reset();

  ASSERT_EQ(parser.feed("HTTP/1.1 200 x\r\nContent-Length: 1\r\n\r\nb"), State::complete);

  const ClientResponse response = parser.take();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, "b");
  EXPECT_EQ(response.headers.size(), 1U);
}

}  // namespace
}  // namespace fanfare::net
