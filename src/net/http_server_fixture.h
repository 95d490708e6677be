// What the tests of the server share: a server on a free loopback port, its loop on a thread, and a
// handler that a test teaches with two functions. Tests only.
#pragma once

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "net/http_server.h"
#include "net/http_test_client.h"

namespace fanfare::net {

// Answers with what it was asked, unless a test says otherwise.
class TestHandler final : public HttpHandler {
 public:
  std::function<HeadVerdict(const HttpRequest&)> head = [](const HttpRequest&) {
    return HeadVerdict{1 << 20, std::nullopt};
  };
  std::function<void(HttpRequest, Responder)> request = [](HttpRequest asked, Responder respond) {
    std::string text = asked.method + " " + asked.path;
    if (!asked.query.empty()) text += "?" + asked.query;
    respond({200, {{"X-Peer", asked.peer_ip}}, text + " " + asked.body});
  };

  HeadVerdict on_head(const HttpRequest& asked) override { return head(asked); }
  void on_request(HttpRequest asked, Responder respond) override {
    request(std::move(asked), std::move(respond));
  }
  HttpResponse on_refused(int status, std::string_view detail) override {
    return {status, {{"X-Refused", "yes"}}, std::string(detail)};
  }
};

// Real steady time, so that timers run; a wall time that answers can be compared with.
class TestClock final : public Clock {
 public:
  Timestamp wall_now() const override { return timestamp_of_ms(784111777000); }
  SteadyTime steady_now() const override { return system_.steady_now(); }

 private:
  SystemClock system_;
};

class HttpServerTest : public testing::Test {
 protected:
  ~HttpServerTest() override {
    reactor_.stop();
    if (thread_.joinable()) thread_.join();
  }

  void start() {
    auto listening = HttpServer::listen(reactor_, options_, handler_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
    port_ = server_->port();
    thread_ = std::jthread([this] { reactor_.run(); });
  }
  // Runs `task` on the loop and waits for it.
  void on_loop(const std::function<void()>& task) {
    std::promise<void> done;
    reactor_.post([&] {
      task();
      done.set_value();
    });
    done.get_future().get();
  }
  // Turns the loop until `condition` holds there; false if it never does.
  bool holds_soon(const std::function<bool()>& condition) {
    const SteadyTime deadline = clock_.steady_now() + Millis{10'000};
    bool holds = false;
    while (!holds && clock_.steady_now() < deadline) {
      on_loop([&] { holds = condition(); });
      std::this_thread::yield();
    }
    return holds;
  }
  // Lets the loop's own time pass.
  void let_pass(Millis time) {
    std::promise<void> done;
    on_loop([&] { reactor_.after(time, [&] { done.set_value(); }); });
    done.get_future().get();
  }
  // Makes the handler keep its responders for the test to answer; filled on the loop.
  void keep_responders() {
    handler_.request = [this](HttpRequest asked, Responder respond) {
      kept_.emplace_back(std::move(asked), std::move(respond));
    };
  }
  void answer_kept(std::size_t index, HttpResponse response) {
    on_loop([&] { kept_.at(index).second(std::move(response)); });
  }

  TestClock clock_;
  Reactor reactor_{clock_};
  TestHandler handler_;
  ListenOptions options_;
  std::vector<std::pair<HttpRequest, Responder>> kept_;
  std::unique_ptr<HttpServer> server_;
  std::uint16_t port_ = 0;
  std::jthread thread_;
};

inline std::string get(const std::string& target, const std::string& fields = "") {
  return "GET " + target + " HTTP/1.1\r\nHost: h\r\n" + fields + "\r\n";
}
inline std::string post(const std::string& body, const std::string& fields = "") {
  return "POST /e HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" +
         fields + "\r\n" + body;
}

}  // namespace fanfare::net
