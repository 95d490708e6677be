#include <future>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits.h"
#include "egress/http_sender.h"
#include "egress/sender_fixture.h"
#include "net/scripted_server.h"

namespace fanfare {
namespace {

using testing::HasSubstr;

// ---- what the receiver may answer ----

struct AnswerCase {
  std::string name;
  std::string answer;
  ErrorKind error;
  int status;
  bool is_truncated;
};

class HostileAnswer : public testing::TestWithParam<AnswerCase> {};

TEST_P(HostileAnswer, HasOneOutcome) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send(GetParam().answer);
    // The connection stays open: what ends the attempt must be the limit, not the end of the
    // stream.
    peer.wait_for_end();
  });
  RunningSender sender;

  const HttpOutcome outcome = sender.send(server.url());

  EXPECT_EQ(outcome.error, GetParam().error) << outcome.error_text;
  EXPECT_EQ(outcome.status, GetParam().status);
  EXPECT_EQ(outcome.is_truncated, GetParam().is_truncated);
  EXPECT_EQ(outcome.error_text.empty(), outcome.error == ErrorKind::none);
  EXPECT_LE(outcome.body.size(), limits::kResponseBodyKept);
}

std::string times(std::string_view text, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += text;
  return out;
}

INSTANTIATE_TEST_SUITE_P(
    HttpSender, HostileAnswer,
    testing::Values(
        AnswerCase{"NoContent", "HTTP/1.1 204 No Content\r\n\r\n", ErrorKind::none, 204, false},
        AnswerCase{"ServerError", "HTTP/1.1 500 x\r\nContent-Length: 0\r\n\r\n", ErrorKind::none,
                   500, false},
        AnswerCase{"LongBody",
                   "HTTP/1.1 200 x\r\nContent-Length: 1000000\r\n\r\n" + std::string(900'000, 'x'),
                   ErrorKind::none, 200, true},
        AnswerCase{"EndlessChunks",
                   "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n" +
                       times("400\r\n" + std::string(1024, 'x') + "\r\n", 500),
                   ErrorKind::none, 200, true},
        AnswerCase{
            "TinyChunks",
            "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n" + times("1\r\nx\r\n", 50'000),
            ErrorKind::none, 200, true},
        AnswerCase{"ChunkExtension",
                   "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n1;a=" +
                       std::string(1'000'000, 'x'),
                   ErrorKind::none, 200, true},
        AnswerCase{"HugeTrailer",
                   "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: " +
                       std::string(1'000'000, 'x'),
                   ErrorKind::none, 200, true},
        AnswerCase{"HugeHead",
                   "HTTP/1.1 200 x\r\n" + times("A: " + std::string(500, 'x') + "\r\n", 200),
                   ErrorKind::bad_response, 0, false},
        AnswerCase{"ManyFields", "HTTP/1.1 200 x\r\n" + times("A: b\r\n", 101) + "\r\n",
                   ErrorKind::bad_response, 0, false},
        AnswerCase{"LongLine", "HTTP/1.1 200 x\r\nA: " + std::string(9000, 'x'),
                   ErrorKind::bad_response, 0, false},
        AnswerCase{"InterimFlood", times("HTTP/1.1 100 Continue\r\n\r\n", 1000),
                   ErrorKind::bad_response, 0, false},
        AnswerCase{"InterimThenFinal",
                   "HTTP/1.1 103 x\r\n\r\nHTTP/1.1 201 x\r\nContent-Length: 0\r\n\r\n",
                   ErrorKind::none, 201, false},
        AnswerCase{"Upgrade", "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", ErrorKind::bad_response, 0,
                   false},
        AnswerCase{"Status099", "HTTP/1.1 099 x\r\n\r\n", ErrorKind::bad_response, 0, false},
        AnswerCase{"Status600", "HTTP/1.1 600 x\r\n\r\n", ErrorKind::bad_response, 0, false},
        AnswerCase{"Http2", "HTTP/2.0 200 x\r\n\r\n", ErrorKind::bad_response, 0, false},
        AnswerCase{"Ssh", "SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::bad_response, 0, false},
        AnswerCase{"LengthAndChunked",
                   "HTTP/1.1 200 x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                   ErrorKind::bad_response, 0, false},
        AnswerCase{"BadChunk", "HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
                   ErrorKind::none, 200, true}),
    [](const auto& tested) { return tested.param.name; });

TEST(HttpSender, BodyWithoutLengthRunsToTheEnd) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
  });
  RunningSender sender;

  const HttpOutcome outcome = sender.send(server.url());

  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body, "until the end");
  EXPECT_FALSE(outcome.is_truncated);
}

TEST(HttpSender, CodedBodyIsKeptAsItCame) {
  const std::string gzip("\x1f\x8b\x08\0\0\0\0\0", 8);
  ScriptedServer server(
      always("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 8\r\n\r\n" + gzip));
  RunningSender sender;

  EXPECT_EQ(sender.send(server.url()).body, gzip);
}

TEST(HttpSender, RedirectIsAnAnswerAndNotFollowed) {
  ScriptedServer elsewhere(always(std::string(kOk)));
  for (const int status : {301, 302, 303, 307, 308}) {
    ScriptedServer server(always("HTTP/1.1 " + std::to_string(status) + " x\r\nLocation: " +
                                 elsewhere.url() + "\r\nContent-Length: 0\r\n\r\n"));
    RunningSender sender;

    EXPECT_EQ(sender.send(server.url()).status, status);
    EXPECT_EQ(server.accepted(), 1);
  }
  EXPECT_EQ(elsewhere.accepted(), 0);
}

TEST(HttpSender, EarlyAnswerCountsThoughTheBodyWasNotTaken) {
  std::promise<void> is_judged;  // until then the peer takes no more of the body
  ScriptedServer server([&is_judged](ScriptedPeer& peer) {
    peer.receive(10);
    peer.send("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    is_judged.get_future().wait();
  });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.body.assign(50'000'000, 'x');

  EXPECT_EQ(sender.send(std::move(request)).status, 413);
  EXPECT_EQ(sender.on_loop([](HttpSender& s) { return s.idle_connections(); }), 0U);
  is_judged.set_value();
}

TEST(HttpSender, ConnectionClosedWithoutAnAnswerIsLost) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send("HTTP/1.1 200");
    if (peer.index() == 1) peer.reset_on_close();
  });
  RunningSender sender;

  EXPECT_THAT(sender.send(server.url()).error_text, HasSubstr("the receiver closed"));
  EXPECT_THAT(sender.send(server.url()).error_text, HasSubstr("the receiver broke off"));
  EXPECT_EQ(server.accepted(), 2) << "a fresh connection is not tried again";
}

// ---- in words ----

struct WordsCase {
  std::string name;
  std::string answer;  // then the connection ends
  ErrorKind error;
  std::string sentence;   // a part of the error's sentence
  std::string diagnosis;  // a part of what is told to do about it
};

class PlainWords : public testing::TestWithParam<WordsCase> {};

TEST_P(PlainWords, NameCauseAndFix) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send(GetParam().answer);
  });
  RunningSender sender;

  const HttpOutcome outcome = sender.send(server.url());

  EXPECT_EQ(outcome.error, GetParam().error) << outcome.error_text;
  EXPECT_THAT(outcome.error_text, HasSubstr(GetParam().sentence));
  EXPECT_THAT(diagnosis(outcome.error, 0, outcome.error_text), HasSubstr(GetParam().diagnosis));
}

INSTANTIATE_TEST_SUITE_P(
    HttpSender, PlainWords,
    testing::Values(
        WordsCase{"HungUp", "", ErrorKind::connection_lost, "without an answer", "hung up"},
        WordsCase{"HalfAHead", "HTTP/1.1 200 OK\r\nX: ", ErrorKind::connection_lost,
                  "in the middle of its answer's head", "in the middle"},
        WordsCase{"InterimOnly", "HTTP/1.1 102 Processing\r\n\r\n", ErrorKind::connection_lost,
                  "interim answers (1xx) only", "a final one"},
        WordsCase{"InterimAndHalfAHead", "HTTP/1.1 102 x\r\n\r\nHTTP/1.1",
                  ErrorKind::connection_lost, "in the middle of its answer's head", "proxy limit"},
        WordsCase{"InterimFlood", times("HTTP/1.1 100 Continue\r\n\r\n", 1000),
                  ErrorKind::bad_response, "interim responses (1xx) without end", "never a final"},
        WordsCase{"NotHttp", "SSH-2.0-OpenSSH_9.2\r\n", ErrorKind::bad_response,
                  "is not HTTP/1.0 or HTTP/1.1", "an HTTP server"},
        WordsCase{"TlsAlert", std::string("\x15\x03\x01\0\x02\x02\x46", 7), ErrorKind::bad_response,
                  "speaks TLS on this port", "with https://"},
        WordsCase{"Status600", "HTTP/1.1 600 x\r\n\r\n", ErrorKind::bad_response,
                  "head is not valid: the status line has no status", "proper status"},
        WordsCase{"HugeHead",
                  "HTTP/1.1 200 x\r\n" + times("A: " + std::string(500, 'x') + "\r\n", 200),
                  ErrorKind::bad_response, "head is too large", "fewer and shorter headers"},
        WordsCase{"ManyFields", "HTTP/1.1 200 x\r\n" + times("A: b\r\n", 101) + "\r\n",
                  ErrorKind::bad_response, "too many header", "fewer and shorter headers"},
        WordsCase{"LongLine", "HTTP/1.1 200 x\r\nA: " + std::string(9000, 'x'),
                  ErrorKind::bad_response, "line of the answer's head is too long",
                  "fewer and shorter headers"},
        WordsCase{"LongFirstLine", "HTTP/1.1 200 " + std::string(9000, 'x'),
                  ErrorKind::bad_response, "line of the answer's head is too long",
                  "fewer and shorter headers"},
        WordsCase{"Upgrade", "HTTP/1.1 101 x\r\nUpgrade: h2c\r\n\r\n", ErrorKind::bad_response,
                  "switch to another protocol (101)", "the webhook handler"},
        WordsCase{"BareLineFeed", "HTTP/1.1 200 x\nA: b\n\n", ErrorKind::bad_response,
                  "a line ends without a carriage return", "rules of HTTP/1.1"}),
    [](const auto& tested) { return tested.param.name; });

}  // namespace
}  // namespace fanfare
