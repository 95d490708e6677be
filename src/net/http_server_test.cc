// What the server promises for requests that are in order; refusals, limits and time are in
// http_server_limits_test.cc.
#include "net/http_server.h"

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server_fixture.h"

namespace fanfare::net {
namespace {

using namespace std::chrono_literals;
using std::string;

TEST_F(HttpServerTest, AnswersARequest) {
  start();
  TestClient client(port_);

  const auto answer = client.exchange(post("hello"));

  EXPECT_EQ(answer.head,
            "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Peer: 127.0.0.1\r\n"
            "Content-Length: 13\r\n\r\n");
  EXPECT_EQ(answer.body, "POST /e hello");
}

TEST_F(HttpServerTest, GivesTheHandlerWhatTheClientSent) {
  keep_responders();
  start();
  TestClient client(port_);

  client.send("PUT /a/b%20c?d=e&f HTTP/1.1\r\nHost: h\r\nX-One: 1\r\nx-one: 2\r\n\r\n");

  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));
  const HttpRequest& request = kept_[0].first;
  EXPECT_EQ(request.method, "PUT");
  EXPECT_EQ(request.path, "/a/b%20c");
  EXPECT_EQ(request.query, "d=e&f");
  EXPECT_EQ(request.headers, (HeaderList{{"Host", "h"}, {"X-One", "1"}, {"x-one", "2"}}));
  EXPECT_EQ(request.header("X-ONE"), "1");
  EXPECT_EQ(request.body, "");
}

TEST_F(HttpServerTest, KeepsTheConnection) {
  start();
  TestClient client(port_);

  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client.exchange(get("/" + std::to_string(i))).body,
              "GET /" + std::to_string(i) + " ");
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  start();
  TestClient client(port_);
  string stream;
  for (int i = 0; i < 2000; ++i) stream += post(std::to_string(i));

  std::jthread sender([&] { client.send(stream); });

  for (int i = 0; i < 2000; ++i) {
    ASSERT_EQ(client.read_answer().body, "POST /e " + std::to_string(i));
  }
}

TEST_F(HttpServerTest, WaitsWithTheNextRequestUntilThisOneIsAnswered) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));

  let_pass(20ms);
  on_loop([&] { EXPECT_EQ(kept_.size(), 1U); });
  answer_kept(0, {200, {}, "one"});

  EXPECT_EQ(client.read_answer().body, "one");
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 2; }));
  answer_kept(1, {200, {}, "two"});
  EXPECT_EQ(client.read_answer().body, "two");
}

TEST_F(HttpServerTest, AnswersTheSameToBytesThatComeOneByOne) {
  start();
  TestClient client(port_);
  const string stream = post("hello") +
                        "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "2;x=y\r\nhe\r\n3\r\nllo\r\n0\r\nA: b\r\n\r\n" +
                        get("/last");

  client.send_bytewise(stream);

  EXPECT_EQ(client.read_answer().body, "POST /e hello");
  EXPECT_EQ(client.read_answer().body, "POST /c hello");
  EXPECT_EQ(client.read_answer().body, "GET /last ");
}

TEST_F(HttpServerTest, TakesALargeBody) {
  start();
  TestClient client(port_);
  const string body(1 << 20, 'x');

  EXPECT_EQ(client.exchange(post(body)).body, "POST /e " + body);
  EXPECT_EQ(client.exchange(get("/after")).body, "GET /after ");
}

TEST_F(HttpServerTest, TakesAHeadAtTheLimit) {
  start();
  TestClient client(port_);
  const string padding(limits::kRequestHeadBytesMax - get("/", "A: \r\n").size(), 'a');

  EXPECT_EQ(client.exchange(get("/", "A: " + padding + "\r\n")).status, 200);
  EXPECT_EQ(client.exchange(get("/after")).status, 200);
}

TEST_F(HttpServerTest, SendsALargeAnswerToASlowReader) {
  const string body(8 << 20, 'y');
  handler_.request = [&](HttpRequest, Responder respond) { respond({200, {}, body}); };
  start();
  TestClient client;
  client.receive_buffer(4096);
  client.connect(port_);

  client.send(get("/1") + get("/2"));

  EXPECT_TRUE(client.read_answer().body == body);
  EXPECT_TRUE(client.read_answer().body == body);
}

TEST_F(HttpServerTest, AnswersHeadLikeGetWithoutTheBody) {
  start();
  TestClient client(port_);

  client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = client.read_answer(/*has_body=*/false);

  EXPECT_TRUE(answer.has("Content-Length: 7"));  // "GET /a "
  EXPECT_EQ(client.exchange(get("/b")).body, "GET /b ");
}

TEST_F(HttpServerTest, SendsNoBodyWith204) {
  handler_.request = [](HttpRequest, Responder respond) { respond({204, {}, "not sent"}); };
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(get("/a")).status, 204);
  EXPECT_EQ(client.exchange(get("/b")).status, 204);
}

TEST_F(HttpServerTest, ClosesWhenAsked) {
  start();
  TestClient client(port_);

  const auto answer = client.exchange(get("/", "Connection: close\r\n"));

  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, AnswersNothingAfterTheRequestThatCloses) {
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(get("/", "Connection: close\r\n") + get("/more")).status, 200);

  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, ClosesAfterHttp10) {
  start();
  TestClient client(port_);

  const auto answer = client.exchange("GET / HTTP/1.0\r\n\r\n");

  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, KeepsAnHttp10ConnectionWhenAsked) {
  start();
  TestClient client(port_);
  const string request = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";

  EXPECT_TRUE(client.exchange(request).has("Connection: keep-alive"));
  EXPECT_TRUE(client.exchange(request).has("Connection: keep-alive"));
}

TEST_F(HttpServerTest, AnswersAClientThatHasFinishedSending) {
  start();
  TestClient client(port_);
  client.send(get("/"));
  client.finish_sending();

  EXPECT_EQ(client.read_answer().status, 200);
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, AnswersLongAfterTheRequest) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));

  answer_kept(0, {201, {}, "late"});

  EXPECT_EQ(client.read_answer().status, 201);
}

TEST_F(HttpServerTest, AnswersADroppedRequestWith500AndGoesOn) {
  handler_.request = [](HttpRequest, const Responder&) {};
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(get("/1")).status, 500);
  EXPECT_EQ(client.exchange(get("/2")).status, 500);
}

TEST_F(HttpServerTest, AnswersARequestDroppedLaterWith500) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));

  on_loop([&] { kept_.clear(); });

  const auto answer = client.read_answer();
  EXPECT_EQ(answer.status, 500);
  EXPECT_TRUE(answer.has("X-Refused: yes"));
}

TEST_F(HttpServerTest, ForgetsAClientThatWentAwayBeforeItsAnswer) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));

  client.close();
  answer_kept(0, {200, {}, string(1 << 20, 'x')});

  EXPECT_TRUE(holds_soon([&] { return server_->open_connections() == 0; }));
}

TEST_F(HttpServerTest, SwallowsAnAnswerAfterTheServerHasGone) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));
  reactor_.stop();
  thread_.join();

  server_.reset();
  kept_.at(0).second({200, {}, "nobody"});

  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, NeverSendsAFieldThatSplitsTheAnswer) {
  handler_.request = [](HttpRequest, Responder respond) {
    respond({200, {{"Location", "/a\r\nSet-Cookie: b"}}, ""});
  };
  start();
  TestClient client(port_);

  const auto answer = client.exchange(get("/"));

  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.head.find("Set-Cookie"), string::npos);
}

TEST_F(HttpServerTest, AsksForTheBodyOnlyWhenAllowed) {
  start();
  TestClient client(port_);
  client.send("POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

  EXPECT_EQ(client.read_answer().head, "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hello");

  EXPECT_EQ(client.read_answer().body, "POST /e hello");
}

TEST_F(HttpServerTest, DoesNotAskForABodyThatIsOnItsWay) {
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(post("hello", "Expect: 100-continue\r\n")).status, 200);
}

TEST_F(HttpServerTest, RefusesBeforeTheBodyIsSent) {
  handler_.head = [](const HttpRequest&) {
    return HeadVerdict{0, HttpResponse{401, {}, "who are you"}};
  };
  start();
  TestClient client(port_);

  const auto answer = client.exchange(
      "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");

  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.body, "who are you");
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, KeepsTheConnectionOfARefusedRequestWithoutABody) {
  handler_.head = [](const HttpRequest& request) {
    if (request.path == "/in") return HeadVerdict{};
    return HeadVerdict{0, HttpResponse{401, {}, ""}};
  };
  start();
  TestClient client(port_);

  EXPECT_EQ(client.exchange(get("/out")).status, 401);
  EXPECT_EQ(client.exchange(get("/in")).status, 200);
}

// ---- drain ----

TEST_F(HttpServerTest, DrainClosesIdleConnectionsAndIsDone) {
  start();
  TestClient client(port_);
  client.exchange(get("/"));
  std::promise<void> done;

  on_loop([&] { server_->drain([&] { done.set_value(); }); });

  done.get_future().get();
  EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, DrainWithoutConnectionsIsDoneAtOnce) {
  start();
  std::promise<void> done;

  on_loop([&] { server_->drain([&] { done.set_value(); }); });

  done.get_future().get();
  EXPECT_FALSE(TestClient().connect(port_));
}

TEST_F(HttpServerTest, DrainAnswersARequestThatArrivedBeforeIt) {
  start();
  TestClient known(port_);
  known.exchange(get("/"));
  TestClient fresh;
  on_loop([&] {
    // The loop is busy here, so it has seen neither of these.
    fresh.connect(port_);
    fresh.send(get("/fresh"));
    known.send(get("/known"));
    server_->drain([] {});
  });

  EXPECT_EQ(fresh.read_answer().body, "GET /fresh ");
  EXPECT_EQ(known.read_answer().body, "GET /known ");
  EXPECT_TRUE(fresh.is_closed());
  EXPECT_TRUE(known.is_closed());
}

TEST_F(HttpServerTest, DrainWaitsForTheAnswerUnderWay) {
  keep_responders();
  start();
  TestClient client(port_);
  client.send(get("/1") + get("/2"));
  ASSERT_TRUE(holds_soon([&] { return kept_.size() == 1; }));
  bool is_done = false;

  on_loop([&] { server_->drain([&] { is_done = true; }); });
  on_loop([&] { EXPECT_FALSE(is_done); });
  answer_kept(0, {200, {}, "last"});

  const auto answer = client.read_answer();
  EXPECT_EQ(answer.body, "last");
  EXPECT_TRUE(answer.has("Connection: close"));
  EXPECT_TRUE(client.is_closed());
  client.close();
  EXPECT_TRUE(holds_soon([&] { return is_done; }));
  EXPECT_EQ(kept_.size(), 1U);
}

TEST_F(HttpServerTest, DrainAnswersARequestThatIsHalfThere) {
  start();
  TestClient client(port_);
  client.send("GET / HTTP/1.1\r\n");
  ASSERT_TRUE(holds_soon([&] { return server_->open_connections() == 1; }));
  let_pass(20ms);  // the bytes are read, or wait in the socket: both count
  on_loop([&] { server_->drain([] {}); });

  const auto answer = client.exchange("Host: h\r\n\r\n");

  EXPECT_EQ(answer.status, 200);
  EXPECT_TRUE(answer.has("Connection: close"));
}

}  // namespace
}  // namespace fanfare::net
