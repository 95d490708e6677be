// For tests: an HttpSender on a running reactor, with a resolver that answers from a list and a
// policy that allows loopback unless the test says otherwise.
#pragma once

#include <algorithm>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "egress/http_sender.h"
#include "net/scripted_server.h"

namespace fanfare {

// Gives the answers of a name one after the other; the last one stays.
class StubResolver final : public net::Resolver {
 public:
  void add(const std::string& name, net::Resolution resolution) {
    answers_[name].push_back(std::move(resolution));
  }
  void add(const std::string& name, const std::vector<std::string>& addresses) {
    net::Resolution resolution{.status = net::Resolution::Status::found, .addresses = {}};
    for (const std::string& text : addresses) resolution.addresses.push_back(*parse_ip(text));
    add(name, std::move(resolution));
  }
  void resolve(const std::string& name, const TenantId& /*tenant*/, Done done) override {
    if (is_silent) return waiting_.push_back(std::move(done));
    std::deque<net::Resolution>& answers = answers_[name];
    if (answers.empty())
      return done({.status = net::Resolution::Status::not_found, .addresses = {}});
    const net::Resolution answer = answers.front();
    if (answers.size() > 1) answers.pop_front();
    done(answer);
  }
  bool is_silent = false;

 private:
  std::map<std::string, std::deque<net::Resolution>> answers_;
  std::vector<Done> waiting_;
};

inline EgressPolicy loopback_policy() {
  return {.allows_http = true, .allowed = {*parse_cidr("127.0.0.0/8")}};
}

inline std::unique_ptr<net::TlsClient> make_tls(const std::string& ca_file = {}) {
  auto tls = net::TlsClient::create({.ca_file = ca_file});
  EXPECT_TRUE(tls) << (tls ? "" : tls.error().message);
  return *std::move(tls);
}

class RunningSender {
 public:
  explicit RunningSender(EgressPolicy policy = loopback_policy(), HttpSenderOptions options = {},
                         const std::string& ca_file = {})
      : tls_(make_tls(ca_file)),
        sender_(
            std::make_unique<HttpSender>(reactor_, resolver, *tls_, std::move(policy), options)),
        thread_([this] { reactor_.run(); }) {}
  ~RunningSender() {
    reactor_.stop();
    thread_.join();
  }

  static SendRequest request(const std::string& url) {
    SendRequest made;
    made.url = url;
    made.headers = {{"Content-Type", "application/json"}, {"webhook-id", "evt_1"}};
    made.body = R"({"type":"invoice.paid"})";
    made.timeout = std::chrono::seconds{15};
    return made;
  }
  std::future<HttpOutcome> start(SendRequest request) {
    auto promise = std::make_shared<std::promise<HttpOutcome>>();
    reactor_.post([this, promise, request = std::move(request)]() mutable {
      sender_->send(std::move(request),
                    [promise](HttpOutcome outcome) { promise->set_value(std::move(outcome)); });
    });
    return promise->get_future();
  }
  HttpOutcome send(SendRequest request) { return start(std::move(request)).get(); }
  HttpOutcome send(const std::string& url) { return send(request(url)); }
  // Runs on the loop and waits for it.
  template <class Call>
  auto on_loop(Call call) {
    std::promise<decltype(call(*sender_))> promise;
    reactor_.post([&] {
      if constexpr (std::is_void_v<decltype(call(*sender_))>) {
        call(*sender_);
        promise.set_value();
      } else {
        promise.set_value(call(*sender_));
      }
    });
    return promise.get_future().get();
  }

  net::TlsClient& tls() { return *tls_; }

  StubResolver resolver;

 private:
  SystemClock clock_;
  net::Reactor reactor_{clock_};
  std::unique_ptr<net::TlsClient> tls_;
  std::unique_ptr<HttpSender> sender_;
  std::thread thread_;
};

}  // namespace fanfare
