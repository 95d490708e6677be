// How the server behaves towards clients that send what they may not, too much of it, too slowly,
// or too many at once.
#include <fcntl.h>
#include <ostream>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server_fixture.h"

namespace fanfare::net {
namespace {

using namespace std::chrono_literals;
using std::string;

struct Refusal {
  string name;
  string bytes;
  int status;
};
std::ostream& operator<<(std::ostream& out, const Refusal& refusal) {
  return out << refusal.name;
}

string chunked(const string& body) {
  return "POST /e HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + body;
}

const std::vector<Refusal> kRefusals{
    {"Garbage", "\x16\x03\x01", 400},
    {"BareLf", "GET / HTTP/1.1\nHost: h\n\n", 400},
    {"NoHost", "GET / HTTP/1.1\r\n\r\n", 400},
    {"Http2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"UnknownMethod", "BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
    {"LongTarget", get("/" + string(9000, 'a')), 414},
    {"LargeHead", get("/", "A: " + string(17'000, 'a') + "\r\n"), 431},
    {"SmugglingClTe", post("hello", "Transfer-Encoding: chunked\r\n"), 400},
    {"BadChunk", chunked("zz\r\nhello\r\n0\r\n\r\n"), 400},
    {"LongTrailers", chunked("0\r\nA: " + string(20'000, 'a') + "\r\n\r\n"), 431},
    {"AnnouncedBodyTooLarge", "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n", 413},
    {"ChunkedBodyTooLarge", chunked("65\r\n" + string(101, 'a') + "\r\n0\r\n\r\n"), 413},
    {"UnknownExpectation", post("hello", "Expect: tea\r\n"), 417},
};

class HttpServerRefusal : public HttpServerTest, public testing::WithParamInterface<Refusal> {
 protected:
  void SetUp() override {
    handler_.head = [](const HttpRequest&) { return HeadVerdict{100, std::nullopt}; };
    handler_.request = [this](HttpRequest, Responder respond) {
      ++handled_;
      respond({200, {}, ""});
    };
    start();
  }
  int handled_ = 0;
};

TEST_P(HttpServerRefusal, AnswersThroughTheHandlerAndCloses) {
  TestClient client(port_);

  const auto answer = client.exchange(GetParam().bytes);

  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_TRUE(answer.has("X-Refused: yes"));
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_FALSE(answer.body.empty());
  EXPECT_TRUE(client.is_closed());
  on_loop([&] { EXPECT_EQ(handled_, 0); });
}

TEST_P(HttpServerRefusal, AnswersTheSameToBytesThatComeOneByOne) {
  TestClient client(port_);

  client.send_bytewise(GetParam().bytes);
  const auto answer = client.read_answer();

  EXPECT_EQ(answer.status, GetParam().status);
  EXPECT_TRUE(client.is_closed());
}

TEST_P(HttpServerRefusal, AnswersNothingThatFollows) {
  TestClient client(port_);

  EXPECT_EQ(client.exchange(GetParam().bytes + get("/smuggled")).status, GetParam().status);

  EXPECT_TRUE(client.is_closed());
  on_loop([&] { EXPECT_EQ(handled_, 0); });
}

INSTANTIATE_TEST_SUITE_P(Table, HttpServerRefusal, testing::ValuesIn(kRefusals),
                         [](const auto& param) { return param.param.name; });

// ---- sizes ----

TEST_F(HttpServerTest, TakesABodyAtItsLimit) {
  handler_.head = [](const HttpRequest&) { return HeadVerdict{100, std::nullopt}; };
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(post(string(100, 'a'))).status, 200);
  EXPECT_EQ(client.exchange(chunked("64\r\n" + string(100, 'a') + "\r\n0\r\n\r\n")).status, 200);
}

TEST_F(HttpServerTest, AClientThatStillSendsSeesWhyItWasRefused) {
  handler_.head = [](const HttpRequest&) { return HeadVerdict{100, std::nullopt}; };
  start();
  TestClient client(port_);

  client.send(post(string(50'000, 'a')));

  EXPECT_EQ(client.read_answer().status, 413);
  EXPECT_TRUE(client.is_closed());
}

// How most clients are made: the whole request first, then the answer.
TEST_F(HttpServerTest, AClientThatSendsAllOfALargeBodySeesWhyItWasRefused) {
  handler_.head = [](const HttpRequest&) { return HeadVerdict{1 << 20, std::nullopt}; };
  options_.limits.linger = 1h;
  start();
  for (const std::size_t bytes : {1'500'000, 5'500'000}) {
    TestClient announced(port_);
    TestClient in_chunks(port_);

    EXPECT_TRUE(announced.send(post(string(bytes, 'a'))));
    EXPECT_TRUE(in_chunks.send(chunked("600000\r\n" + string(bytes, 'a'))));

    EXPECT_EQ(announced.read_answer().status, 413) << bytes;
    EXPECT_EQ(in_chunks.read_answer().status, 413) << bytes;
    EXPECT_TRUE(announced.is_closed());
  }
}

TEST_F(HttpServerTest, LingersForSoManyBytesOnly) {
  handler_.head = [](const HttpRequest&) { return HeadVerdict{100, std::nullopt}; };
  options_.limits.linger = 1h;
  start();
  TestClient client(port_);

  client.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
  const string piece(16 * 1024, 'a');
  int pieces = 0;
  while (pieces < 10'000 && client.send(piece)) ++pieces;

  EXPECT_LT(pieces, 10'000);
  EXPECT_TRUE(holds_soon([&] { return server_->open_connections() == 0; }));
}

// ---- time ----

TEST_F(HttpServerTest, ClosesAnIdleConnectionWithoutAWord) {
  options_.limits.keep_alive_idle = 30ms;
  start();
  TestClient fresh(port_);
  TestClient used(port_);
  EXPECT_EQ(used.exchange(get("/")).status, 200);

  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(used.is_closed());
}

TEST_F(HttpServerTest, RefusesASlowHead) {
  options_.limits.head_timeout = 30ms;
  start();
  TestClient client(port_);
  client.send("GET / HTTP/1.1\r\n");

  const auto answer = client.read_answer();

  EXPECT_EQ(answer.status, 408);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, AHeadThatTricklesIsNoFaster) {
  options_.limits.head_timeout = 50ms;
  start();
  TestClient client(port_);
  client.send("GET / HTTP/1.1\r\n");
  bool is_open = true;
  for (int i = 0; i < 100 && is_open; ++i) {
    is_open = client.send("A: b\r\n");
    let_pass(10ms);
    on_loop([&] { is_open = is_open && server_->open_connections() == 1; });
  }

  EXPECT_EQ(client.read_answer().status, 408);
}

TEST_F(HttpServerTest, TheTimeForAHeadBeginsWithItsFirstByte) {
  options_.limits.head_timeout = 1h;
  options_.limits.keep_alive_idle = 30ms;
  start();
  TestClient client(port_);
  client.send("GET / HTTP/1.1\r\n");

  let_pass(60ms);

  EXPECT_EQ(client.exchange("Host: h\r\n\r\n").status, 200);
}

TEST_F(HttpServerTest, RefusesASlowBody) {
  options_.limits.body_timeout = 30ms;
  start();
  TestClient client(port_);
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n");

  EXPECT_EQ(client.read_answer().status, 408);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, GivesABodyThatKeepsComingMoreTime) {
  options_.limits.body_timeout = 30ms;
  options_.limits.body_bytes_per_second_min = 1;  // each byte earns a second
  start();
  TestClient client(port_);
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhell");

  let_pass(100ms);

  EXPECT_EQ(client.exchange("o").body, "POST /e hello");
}

TEST_F(HttpServerTest, DoesNotTimeTheHandler) {
  options_.limits.head_timeout = options_.limits.body_timeout = options_.limits.keep_alive_idle =
      options_.limits.write_stall = 20ms;
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));

  let_pass(80ms);
  answer_kept(0, {200, {}, "slow"});

  EXPECT_EQ(client.read_answer().body, "slow");
}

TEST_F(HttpServerTest, ClosesOnAReaderThatTakesNothing) {
  options_.limits.write_stall = 50ms;
  handler_.request = [](HttpRequest, Responder respond) {
    respond({200, {}, string(32 << 20, 'x')});
  };
  start();
  TestClient client;
  client.receive_buffer(4096);
  client.connect(port_);

  client.send(get("/"));

  EXPECT_TRUE(holds_soon([&] { return server_->open_connections() == 1; }));
  EXPECT_TRUE(holds_soon([&] { return server_->open_connections() == 0; }));
}

TEST_F(HttpServerTest, EndsLingeringInTime) {
  options_.limits.linger = 20ms;
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange("BREW / HTTP/1.1\r\nHost: h\r\n\r\n").status, 501);

  EXPECT_TRUE(holds_soon([&] { return server_->open_connections() == 0; }));
}

// ---- numbers ----

TEST_F(HttpServerTest, OneAddressHoldsOnlyItsShareOfConnections) {
  options_.limits.connections_per_ip_max = 2;
  start();
  TestClient first(port_);
  TestClient second(port_);
  EXPECT_EQ(first.exchange(get("/")).status, 200);
  EXPECT_EQ(second.exchange(get("/")).status, 200);
  TestClient third(port_);
  TestClient other;
  other.bind_to("127.0.0.2");
  other.connect(port_);

  EXPECT_TRUE(third.is_closed());
  EXPECT_EQ(other.exchange(get("/")).status, 200);

  first.close();
  ASSERT_TRUE(holds_soon([&] { return server_->open_connections() == 2; }));
  EXPECT_EQ(TestClient(port_).exchange(get("/")).status, 200);
}

TEST_F(HttpServerTest, AcceptsNoMoreThanItsConnectionsAndGoesOnWhenOneCloses) {
  options_.connections_max = 1;
  start();
  TestClient first(port_);
  EXPECT_EQ(first.exchange(get("/")).status, 200);
  TestClient second(port_);
  second.send(get("/second"));

  let_pass(30ms);
  on_loop([&] { EXPECT_EQ(server_->open_connections(), 1U); });
  first.close();

  EXPECT_EQ(second.read_answer().body, "GET /second ");
}

// While it lives no new descriptor can be made; those that are open stay.
class NoDescriptorsLeft {
 public:
  NoDescriptorsLeft() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    // The lowest free number: the limit is one past the highest number that may be given.
    const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    ::close(next);
    const rlimit none{static_cast<rlim_t>(next), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  NoDescriptorsLeft(const NoDescriptorsLeft&) = delete;
  NoDescriptorsLeft& operator=(const NoDescriptorsLeft&) = delete;
  ~NoDescriptorsLeft() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

class HttpServerWithoutDescriptors : public HttpServerTest {};

TEST_F(HttpServerWithoutDescriptors, ShedsAndGoesOnLater) {
  options_.limits.accept_pause = 20ms;
  start();
  TestClient open(port_);
  EXPECT_EQ(open.exchange(get("/")).status, 200);
  TestClient shed;
  TestClient later;
  {
    const NoDescriptorsLeft none;
    shed.connect(port_);

    EXPECT_TRUE(shed.is_closed()) << "told at once, through the reserve";
    EXPECT_EQ(open.exchange(get("/")).status, 200) << "the others go on";
  }
  later.connect(port_);

  EXPECT_EQ(later.exchange(get("/later")).body, "GET /later ");
}

TEST_F(HttpServerWithoutDescriptors, DoesNotSpin) {
  options_.limits.accept_pause = 20ms;
  start();
  std::vector<TestClient> waiting(8);
  const NoDescriptorsLeft none;
  for (TestClient& client : waiting) client.connect(port_);
  rusage before{};
  rusage after{};

  on_loop([&] { ::getrusage(RUSAGE_THREAD, &before); });
  let_pass(100ms);
  on_loop([&] { ::getrusage(RUSAGE_THREAD, &after); });

  const auto micros = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
  EXPECT_LT(micros(after.ru_utime) + micros(after.ru_stime) - micros(before.ru_utime) -
                micros(before.ru_stime),
            50'000);
}

}  // namespace
}  // namespace fanfare::net
