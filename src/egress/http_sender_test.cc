#include "egress/http_sender.h"

#include <atomic>
#include <future>
#include <mutex>
#include <string>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "egress/sender_fixture.h"
#include "net/scripted_server.h"

namespace fanfare {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

WebhookId webhook(std::uint8_t number) {
  WebhookId id;
  id.value.bytes[0] = number;
  return id;
}

// ---- the request on the wire ----

TEST(HttpSender, PostsTheRequestAndReadsTheAnswer) {
  std::promise<std::string> seen;
  ScriptedServer server([&](ScriptedPeer& peer) {
    seen.set_value(peer.receive_request());
    peer.send("HTTP/1.1 202 Accepted\r\nContent-Length: 4\r\nX-Id: 7\r\n\r\ndone");
    peer.wait_for_end();
  });
  RunningSender sender;

  const HttpOutcome outcome = sender.send(server.url("/hook?a=%20b"));

  EXPECT_EQ(outcome.error, ErrorKind::none);
  EXPECT_EQ(outcome.status, 202);
  EXPECT_EQ(outcome.body, "done");
  EXPECT_EQ(outcome.headers, (HeaderList{{"Content-Length", "4"}, {"X-Id", "7"}}));
  EXPECT_EQ(outcome.peer, "127.0.0.1:" + std::to_string(server.port()));
  EXPECT_TRUE(outcome.timing.connect_ms && outcome.timing.first_byte_ms);
  EXPECT_FALSE(outcome.timing.dns_ms || outcome.timing.tls_ms);
  EXPECT_EQ(seen.get_future().get(),
            "POST /hook?a=%20b HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(server.port()) +
                "\r\nContent-Type: application/json\r\nwebhook-id: evt_1"
                "\r\nContent-Length: 23\r\n\r\n{\"type\":\"invoice.paid\"}");
}

TEST(HttpSender, SendsAnEmptyBodyWithItsLength) {
  std::promise<std::string> seen;
  ScriptedServer server([&](ScriptedPeer& peer) {
    seen.set_value(peer.receive_request());
    peer.send(kOk);
    peer.wait_for_end();
  });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.body.clear();

  EXPECT_EQ(sender.send(std::move(request)).status, 200);
  EXPECT_THAT(seen.get_future().get(), HasSubstr("Content-Length: 0\r\n"));
}

TEST(HttpSender, LargeBodyArrivesWhole) {
  std::promise<std::size_t> seen;
  ScriptedServer server([&](ScriptedPeer& peer) {
    const std::string request = peer.receive_request();
    seen.set_value(request.size() - request.find("\r\n\r\n") - 4);
    peer.send(kOk);
    peer.wait_for_end();
  });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.body.assign(20'000'000, 'x');

  EXPECT_EQ(sender.send(std::move(request)).status, 200);
  EXPECT_EQ(seen.get_future().get(), 20'000'000U);
}

TEST(HttpSender, HeaderThatCouldSplitTheRequestIsNeverSent) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;
  const std::vector<std::pair<std::string, std::string>> bad = {{"X-A", "b\r\nX-Injected: 1"},
                                                                {"X-A", "b\nc"},
                                                                {"X-A", std::string("b\0c", 3)},
                                                                {"X-A", "b\rc"},
                                                                {"X-A", "\x7f"},
                                                                {"X A", "b"},
                                                                {"X-A:", "b"},
                                                                {"", "b"},
                                                                {"Host", "evil.example"},
                                                                {"content-length", "5"},
                                                                {"Connection", "x"},
                                                                {"Transfer-Encoding", "chunked"},
                                                                {"Accept-Encoding", "gzip"},
                                                                {"X-A\r\nX-B", "1"}};
  for (const auto& header : bad) {
    SendRequest request = RunningSender::request(server.url());
    request.headers.push_back(header);

    EXPECT_EQ(sender.send(std::move(request)).error, ErrorKind::internal) << header.first;
  }
  EXPECT_EQ(server.accepted(), 0);
}

// ---- reuse ----

TEST(HttpSender, NextRequestOfAWebhookUsesTheSameConnection) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;

  for (int i = 0; i < 5; ++i) EXPECT_EQ(sender.send(server.url()).status, 200);

  EXPECT_EQ(server.accepted(), 1);
  EXPECT_FALSE(sender.send(server.url()).timing.connect_ms) << "no connect took place";
}

TEST(HttpSender, ConnectionsAreNotSharedBetweenTenantsWebhooksOrVersions) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;
  const SendRequest base = RunningSender::request(server.url());
  SendRequest other_webhook = base;
  other_webhook.webhook = webhook(2);
  SendRequest other_version = base;
  other_version.webhook_version = 2;
  SendRequest other_tenant = base;
  other_tenant.tenant.value.bytes[3] = 9;

  for (const SendRequest& request : {base, other_webhook, other_version, other_tenant}) {
    EXPECT_EQ(sender.send(request).status, 200);
  }

  EXPECT_EQ(server.accepted(), 4);
  EXPECT_EQ(sender.on_loop([](HttpSender& s) { return s.idle_connections(); }), 4U);
}

TEST(HttpSender, ConnectionIsGivenUpAfterItsShareOfRequests) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender(loopback_policy(), {.pool = {.requests_max = 2}});

  for (int i = 0; i < 5; ++i) EXPECT_EQ(sender.send(server.url()).status, 200);

  EXPECT_EQ(server.accepted(), 3);
}

TEST(HttpSender, AnswerPushedInAdvanceReachesNobody) {
  std::promise<void> pushed;
  ScriptedServer server([&](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send(kOk);
    if (peer.index() == 0) {
      // Only once the first answer has been taken can this be a second one.
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
      pushed.set_value();
    }
    peer.wait_for_end();
  });
  RunningSender sender;

  const std::string first = sender.send(server.url()).body;
  pushed.get_future().wait();
  const std::string second = sender.send(server.url()).body;

  EXPECT_EQ(first, "ok");
  EXPECT_EQ(second, "ok");
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpSender, RequestThatMeetsAClosingPooledConnectionIsSentAgainOnce) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send(kOk);
    if (peer.index() == 0) {
      peer.receive_request();  // the second request is taken and the connection closed in its face
      peer.reset_on_close();
      return;
    }
    peer.wait_for_end();
  });
  RunningSender sender;

  EXPECT_EQ(sender.send(server.url()).status, 200);
  EXPECT_EQ(sender.send(server.url()).status, 200);
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpSender, RequestIsNotSentAThirdTime) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    if (peer.index() > 0) return;
    peer.send(kOk);
    peer.receive_request();
  });
  RunningSender sender;

  EXPECT_EQ(sender.send(server.url()).status, 200);
  EXPECT_EQ(sender.send(server.url()).error, ErrorKind::connection_lost);
  EXPECT_EQ(server.accepted(), 2);
}

TEST(HttpSender, RequestIsNotSentAgainOnceAByteOfTheAnswerCame) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send(kOk);
    peer.receive_request();
    peer.send("H");
  });
  RunningSender sender;

  EXPECT_EQ(sender.send(server.url()).status, 200);
  EXPECT_EQ(sender.send(server.url()).error, ErrorKind::connection_lost);
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpSender, ConnectionIsNotReusedWhenTheReceiverSaysClose) {
  ScriptedServer server(
      always("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  RunningSender sender;

  sender.send(server.url());
  sender.send(server.url());

  EXPECT_EQ(server.accepted(), 2);
}

// ---- time ----

TEST(HttpSender, SilentReceiverTimesOut) {
  ScriptedServer server([](ScriptedPeer& peer) { peer.wait_for_end(); });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.timeout = Millis{60};

  const HttpOutcome outcome = sender.send(std::move(request));

  EXPECT_EQ(outcome.error, ErrorKind::timeout);
  EXPECT_THAT(outcome.error_text, HasSubstr("sent no answer within 60ms"));
  EXPECT_EQ(outcome.status, 0);
  EXPECT_GE(outcome.timing.total_ms, 60);
}

TEST(HttpSender, DeadlineHoldsAgainstAReceiverThatDribbles) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send("HTTP/1.1 200 OK\r\nX-A: ");
    while (peer.send("x")) {
      timeval pause{0, 5000};
      ::select(0, nullptr, nullptr, nullptr, &pause);  // the dribble itself, not synchronisation
    }
  });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.timeout = Millis{100};

  const HttpOutcome outcome = sender.send(std::move(request));

  EXPECT_EQ(outcome.error, ErrorKind::timeout);
  EXPECT_THAT(outcome.error_text, HasSubstr("did not finish its head within 100ms"));
}

TEST(HttpSender, WholeHeadCountsAtTheDeadline) {
  ScriptedServer server([](ScriptedPeer& peer) {
    peer.receive_request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    peer.wait_for_end();
  });
  RunningSender sender;
  SendRequest request = RunningSender::request(server.url());
  request.timeout = Millis{100};

  const HttpOutcome outcome = sender.send(std::move(request));

  EXPECT_EQ(outcome.error, ErrorKind::none);
  EXPECT_EQ(outcome.status, 200);
  EXPECT_EQ(outcome.body, "half");
  EXPECT_TRUE(outcome.is_truncated);
  EXPECT_EQ(sender.on_loop([](HttpSender& s) { return s.idle_connections(); }), 0U);
}

TEST(HttpSender, RefusedPortIsNamed) {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone(always(std::string(kOk)));
    port = gone.port();
  }
  RunningSender sender;

  const HttpOutcome outcome = sender.send("http://127.0.0.1:" + std::to_string(port) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::connect_refused);
  EXPECT_TRUE(outcome.peer.empty());
  EXPECT_THAT(outcome.error_text, Not(HasSubstr("127.")));
}

// A listener whose queue is full drops SYNs: the connection attempt meets silence.
class FullListener {
 public:
  FullListener() {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    for (int i = 0; i < 4; ++i) {
      fillers_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(fillers_.back(), reinterpret_cast<sockaddr*>(&address), size);
    }
  }
  ~FullListener() {
    for (const int filler : fillers_) ::close(filler);
    ::close(fd_);
  }
  std::uint16_t port = 0;

 private:
  int fd_ = -1;
  std::vector<int> fillers_;
};

TEST(HttpSender, SilentAddressHasItsOwnDeadline) {
  const FullListener listener;
  RunningSender sender(loopback_policy(), {.connect_timeout = Millis{80}});

  const HttpOutcome outcome =
      sender.send("http://127.0.0.1:" + std::to_string(listener.port) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::connect_timeout);
  EXPECT_THAT(outcome.error_text, HasSubstr("connection attempt within 80ms"));
  EXPECT_LT(outcome.timing.total_ms, 5000);
}

TEST(HttpSender, SilentAddressLeavesTimeForTheNext) {
  ScriptedServer server(always(std::string(kOk)));
  const FullListener listener;
  RunningSender sender(loopback_policy(), {.connect_timeout = Millis{400}});
  // Both listeners have other ports, so the silent one is met on its own port first.
  sender.resolver.add("two.example.com", {"127.0.0.1", "127.0.0.2"});

  const HttpOutcome outcome =
      sender.send("http://two.example.com:" + std::to_string(listener.port) + "/");

  EXPECT_EQ(outcome.error, ErrorKind::connect_refused) << "the second address was tried";
  EXPECT_LT(outcome.timing.total_ms, 400);
}

// ---- names and policy ----

TEST(HttpSender, TriesTheNextAddressWhenOneRefuses) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;
  sender.resolver.add("two.example.com", {"127.0.0.2", "127.0.0.1"});

  const HttpOutcome outcome =
      sender.send("http://two.example.com:" + std::to_string(server.port()) + "/");

  EXPECT_EQ(outcome.status, 200);
  EXPECT_THAT(outcome.peer, HasSubstr("127.0.0.1:"));
  EXPECT_TRUE(outcome.timing.dns_ms);
}

TEST(HttpSender, FailedLookUpIsNamedAndNothingIsOpened) {
  using Status = net::Resolution::Status;
  RunningSender sender;
  for (const Status status : {Status::not_found, Status::no_address, Status::failed,
                              Status::timed_out, Status::too_many, Status::overloaded}) {
    const std::string name = "s" + std::to_string(static_cast<int>(status)) + ".example.com";
    sender.resolver.add(name, net::Resolution{.status = status, .addresses = {}});

    const HttpOutcome outcome = sender.send("http://" + name + "/");

    const bool is_late = status == Status::timed_out;
    EXPECT_EQ(outcome.error, is_late ? ErrorKind::dns_timeout : ErrorKind::dns) << name;
    EXPECT_EQ(outcome.error_text, std::string(net::describe(status)) + " (" + name + ")");
  }
}

TEST(HttpSender, LookUpThatNeverEndsIsCutOff) {
  RunningSender sender(loopback_policy(), {.dns_timeout = Millis{50}});
  sender.resolver.is_silent = true;

  EXPECT_EQ(sender.send("http://slow.example.com/").error, ErrorKind::dns_timeout);
}

void expect_denied(const HttpOutcome& outcome, const std::string& what_of_the_url = "") {
  EXPECT_EQ(outcome.error, ErrorKind::egress_denied);
  EXPECT_THAT(outcome.error_text, StartsWith("this destination is not allowed"));
  if (what_of_the_url.empty()) {
    EXPECT_EQ(outcome.error_text, "this destination is not allowed");
  } else {
    EXPECT_THAT(outcome.error_text, HasSubstr(what_of_the_url));
  }
  EXPECT_TRUE(outcome.peer.empty());
  EXPECT_EQ(outcome.status, 0);
  EXPECT_FALSE(outcome.timing.connect_ms);
}

TEST(HttpSender, DeniedDestinationOpensNoConnectionAndSaysNothingElse) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender(EgressPolicy{.allows_http = true});
  const std::string port = ":" + std::to_string(server.port()) + "/";
  sender.resolver.add("loop.example.com", {"127.0.0.1"});
  sender.resolver.add("mixed.example.com", {"93.184.216.34", "127.0.0.1"});
  sender.resolver.add("mixed2.example.com", {"127.0.0.1", "93.184.216.34"});
  sender.resolver.add("mapped.example.com", {"::ffff:127.0.0.1"});

  for (const std::string host : {"127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "loop.example.com",
                                 "mixed.example.com", "mixed2.example.com", "mapped.example.com"}) {
    expect_denied(sender.send("http://" + host + port));
  }
  for (const std::string host : {"localhost", "2130706433", "0x7f.1"}) {
    expect_denied(sender.send("http://" + host + port), ": ");
  }
  expect_denied(sender.send("http://example.com:6379/"), "port 6379");
  expect_denied(sender.send("ftp://example.com/"), "must begin with https://");

  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpSender, PlainHttpIsDeniedWhenItIsSwitchedOff) {
  ScriptedServer server(always(std::string(kOk)));
  EgressPolicy policy = loopback_policy();
  policy.allows_http = false;
  RunningSender sender(policy);

  expect_denied(sender.send(server.url()), "plain http is switched off");
  EXPECT_EQ(server.accepted(), 0);
}

TEST(HttpSender, NameThatIsReboundToLoopbackIsDenied) {
  ScriptedServer server(always(std::string(kOk)));
  // 127.0.0.1 stands for the public address that the name had when it was first looked at.
  EgressPolicy policy{.allows_http = true, .allowed = {*parse_cidr("127.0.0.1")}};
  RunningSender sender(policy);
  sender.resolver.add("rebind.example.com", {"127.0.0.1"});
  sender.resolver.add("rebind.example.com", {"127.0.0.2"});
  const std::string url = "http://rebind.example.com:" + std::to_string(server.port()) + "/";

  EXPECT_EQ(sender.send(url).status, 200);
  expect_denied(sender.send(url));
  EXPECT_EQ(server.accepted(), 1);
}

TEST(HttpSender, NewPolicyHoldsForPooledConnectionsToo) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;
  EXPECT_EQ(sender.send(server.url()).status, 200);

  sender.on_loop([](HttpSender& s) { s.set_policy(EgressPolicy{.allows_http = true}); });

  expect_denied(sender.send(server.url()));
  EXPECT_EQ(sender.on_loop([](HttpSender& s) { return s.idle_connections(); }), 0U);
}

// ---- the end ----

TEST(HttpSender, AbortEndsEveryRequestOnceWithShutdown) {
  std::promise<void> received;
  ScriptedServer server([&](ScriptedPeer& peer) {
    peer.receive_request();
    received.set_value();
    peer.wait_for_end();
  });
  RunningSender sender;
  sender.resolver.is_silent = true;
  auto exchanging = sender.start(RunningSender::request(server.url()));
  auto resolving = sender.start(RunningSender::request("http://slow.example.com/"));
  received.get_future().wait();

  const std::size_t left = sender.on_loop([](HttpSender& s) {
    s.abort_all();
    return s.in_flight();
  });

  EXPECT_EQ(exchanging.get().error, ErrorKind::shutdown);
  EXPECT_EQ(resolving.get().error, ErrorKind::shutdown);
  EXPECT_EQ(left, 0U);
}

TEST(HttpSender, CompletionMaySendAgainDuringAbort) {
  ScriptedServer server(always(std::string(kOk)));
  RunningSender sender;
  sender.resolver.is_silent = true;
  std::promise<HttpOutcome> second;

  sender.on_loop([&](HttpSender& s) {
    s.send(RunningSender::request("http://slow.example.com/"), [&](HttpOutcome /*aborted*/) {
      s.send(RunningSender::request(server.url()),
             [&](HttpOutcome outcome) { second.set_value(std::move(outcome)); });
    });
    s.abort_all();
  });

  EXPECT_EQ(second.get_future().get().status, 200);
}

TEST(HttpSender, SenderMayGoWhileRequestsAreInFlight) {
  std::promise<void> received;
  std::atomic<bool> was_called{false};
  ScriptedServer server([&](ScriptedPeer& peer) {
    peer.receive_request();
    received.set_value();
    peer.wait_for_end();
  });
  {
    RunningSender sender;
    sender.on_loop([&](HttpSender& s) {
      s.send(RunningSender::request(server.url()), [&](HttpOutcome) { was_called = true; });
    });
    received.get_future().wait();
  }
  EXPECT_FALSE(was_called);
}

// Nothing new can be opened in this process while it lives.
class NoDescriptors {
 public:
  NoDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const rlimit none{0, before_.rlim_max};
    EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(HttpSenderWithoutDescriptors, WaitsForOneWithinTheSameAttempt) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval patience{20, 0};
  ::setsockopt(listener, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener, 4), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  RunningSender running(loopback_policy(), {.exhausted_wait = Millis{10}});
  std::future<HttpOutcome> pending;
  {
    const NoDescriptors none;
    pending = running.start(RunningSender::request(
        "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/"));
    running.on_loop([](HttpSender&) {});  // the first try has been made
  }

  const int fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
  ASSERT_GE(fd, 0);
  {
    ScriptedPeer peer(fd, 0);
    EXPECT_FALSE(peer.receive_request().empty());
    peer.send(kOk);
  }

  EXPECT_EQ(pending.get().status, 200);
  ::close(fd);
  ::close(listener);
}

TEST(HttpSenderWithoutDescriptors, FailsAtTheDeadlineOfTheAttempt) {
  RunningSender running(loopback_policy(), {.exhausted_wait = Millis{10}});
  SendRequest request = RunningSender::request("http://127.0.0.1:9/");
  request.timeout = Millis{60};
  const NoDescriptors none;

  const HttpOutcome outcome = running.send(std::move(request));

  EXPECT_EQ(outcome.error, ErrorKind::connect_failed);
  EXPECT_GE(outcome.timing.total_ms, 60);
}

}  // namespace
}  // namespace fanfare
