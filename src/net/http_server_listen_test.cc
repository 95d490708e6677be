// How a server comes by its port: for its process alone, and shared among the reactors of that.
#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <functional>
#include <future>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "net/http_server_fixture.h"

namespace fanfare::net {
namespace {

using std::string;

TEST_F(HttpServerTest, HasItsPortForItself) {
  start();
  Reactor other_reactor(clock_);
  ListenOptions options;
  options.port = port_;

  const auto listening = HttpServer::listen(other_reactor, options, handler_);

  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Errc::unavailable);
  EXPECT_EQ(listening.error().message,
            "127.0.0.1 port " + std::to_string(port_) + " is in use by another process");
}

// As a process would that sets every option which lets it share: only the first one decides.
TEST_F(HttpServerTest, SharesItsPortWithNobodyWhoAsks) {
  start();
  const int intruder = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(intruder, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ::setsockopt(intruder, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);

  EXPECT_NE(::bind(intruder, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);

  EXPECT_EQ(errno, EADDRINUSE);
  ::close(intruder);
}

TEST_F(HttpServerTest, ListensWhereConnectionsOfAnEarlierOneAreStillInTimeWait) {
  start();
  TestClient client(port_);
  client.exchange(get("/", "Connection: close\r\n"));
  ASSERT_TRUE(client.is_closed()) << "the server closes first, so TIME_WAIT is on its side";
  client.close();
  ASSERT_TRUE(holds_soon([&] { return server_->open_connections() == 0; }));
  on_loop([&] { server_.reset(); });
  Reactor other_reactor(clock_);
  ListenOptions options;
  options.port = port_;

  const auto listening = HttpServer::listen(other_reactor, options, handler_);

  EXPECT_TRUE(listening) << listening.error().message;
}

// ---- several reactors on one port ----

// A second server on the port of the first, its loop on a thread of its own.
class HttpServerPair : public HttpServerTest {
 protected:
  ~HttpServerPair() override {
    other_reactor_.stop();
    if (other_thread_.joinable()) other_thread_.join();
  }
  void start_both() {
    auto first = HttpServer::listen(reactor_, options_, handler_);
    ASSERT_TRUE(first) << first.error().message;
    server_ = std::move(*first);
    auto second = HttpServer::join(*server_, other_reactor_, handler_);
    ASSERT_TRUE(second) << second.error().message;
    other_ = std::move(*second);
    port_ = server_->port();
    thread_ = std::jthread([this] { reactor_.run(); });
    other_thread_ = std::jthread([this] { other_reactor_.run(); });
  }
  void on_other_loop(const std::function<void()>& task) {
    std::promise<void> done;
    other_reactor_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().get();
  }
  std::pair<std::size_t, std::size_t> shares() {
    std::pair<std::size_t, std::size_t> open;
    on_loop([&] { open.first = server_->open_connections(); });
    on_other_loop([&] { open.second = other_->open_connections(); });
    return open;
  }

  Reactor other_reactor_{clock_};
  std::unique_ptr<HttpServer> other_;
  std::jthread other_thread_;
};

TEST_F(HttpServerPair, ListensOnOnePort) {
  start_both();

  EXPECT_EQ(other_->port(), port_);
}

TEST_F(HttpServerPair, EachGetsAShareOfTheConnections) {
  start_both();
  std::vector<TestClient> clients;
  for (int i = 0; i < 100; ++i) clients.emplace_back(port_);

  for (TestClient& client : clients) EXPECT_EQ(client.exchange(get("/")).status, 200);

  const auto [first, second] = shares();
  EXPECT_EQ(first + second, 100U);
  EXPECT_GE(std::min(first, second), 15U) << first << " and " << second;
}

TEST_F(HttpServerPair, NoOtherListenerGetsIn) {
  start_both();
  Reactor third_reactor(clock_);
  ListenOptions options;
  options.port = port_;

  EXPECT_FALSE(HttpServer::listen(third_reactor, options, handler_));
}

TEST_F(HttpServerPair, OneGoesOnWhenTheOtherHasDrained) {
  start_both();
  TestClient(port_).exchange(get("/"));
  std::promise<void> done;

  on_loop([&] { server_->drain([&] { done.set_value(); }); });
  done.get_future().get();
  on_loop([&] { server_.reset(); });

  for (int i = 0; i < 20; ++i) EXPECT_EQ(TestClient(port_).exchange(get("/")).status, 200);
}

TEST_F(HttpServerPair, ThePortIsFreeOnceBothHaveDrained) {
  start_both();
  std::promise<void> done;
  std::promise<void> other_done;

  on_loop([&] { server_->drain([&] { done.set_value(); }); });
  on_other_loop([&] { other_->drain([&] { other_done.set_value(); }); });
  done.get_future().get();
  other_done.get_future().get();

  EXPECT_FALSE(TestClient().connect(port_));
}

TEST_F(HttpServerTest, SaysWhyItCannotListen) {
  options_.address = "203.0.113.1";  // not ours

  const auto listening = HttpServer::listen(reactor_, options_, handler_);

  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error().code, Errc::unavailable);
  EXPECT_NE(listening.error().message.find("203.0.113.1"), string::npos);
}

TEST_F(HttpServerTest, RefusesAnAddressThatIsNone) {
  options_.address = "localhost.example";

  EXPECT_FALSE(HttpServer::listen(reactor_, options_, handler_));
}

}  // namespace
}  // namespace fanfare::net
