// The floor: the least code that does what a durable webhook sender must do for an event, as a
// yardstick for the real one. It accepts a POST, appends the body to a log, answers 202 once that
// is flushed, posts the body on, signed as Standard Webhooks asks, and logs the outcome. One I/O
// thread (this file) and one writer thread (floor_journal.h).
//
// What it leaves out is what the real server's other half of the time may be spent on:
// authentication, JSON, routing, retries, limits, deadlines, address policy, queries, recovery.
// Memory is not bounded either.
#include <charconv>
#include <deque>
#include <iostream>
#include <memory>
#include <signal.h>
#include <string>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#include "bench/floor_journal.h"
#include "bench/floor_signature.h"
#include "bench/support/http.h"
#include "bench/support/process.h"
#include "bench/support/socket.h"

namespace fanfare::bench {
namespace {

// Short rounds hand their events to the writer before all clients have had their turn, so that
// flushing and serving overlap: 12 % more at 64 connections than rounds of 256.
constexpr std::size_t kRoundMax = 32;
constexpr std::string_view kAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n";
constexpr std::string_view kSecret = "the floor signs with 32 bytes ok";

// Decimal digits on the stack: std::to_string allocates.
class Digits {
 public:
  explicit Digits(std::uint64_t value)
      : end_(std::to_chars(text_, text_ + sizeof text_, value).ptr) {}
  operator std::string_view() const { return {text_, static_cast<std::size_t>(end_ - text_)}; }

 private:
  char text_[20];
  char* end_;
};

// Composes signed requests into one string that is used again and again.
class RequestWriter {
 public:
  explicit RequestWriter(const Address& sink)
      : after_path_(" HTTP/1.1\r\nHost: " + sink.host + ":" + std::to_string(sink.port) +
                    "\r\nContent-Type: application/json\r\nUser-Agent: floor\r\nContent-Length: ") {
  }

  std::string_view write(std::uint64_t id, std::uint64_t webhook, std::string_view body) {
    const Digits id_text(id);
    const Digits seconds(static_cast<std::uint64_t>(time(nullptr)));
    text_.assign("POST /hook/").append(Digits(webhook)).append(after_path_);
    text_.append(Digits(body.size())).append("\r\nwebhook-id: ").append(id_text);
    text_.append("\r\nwebhook-timestamp: ").append(seconds).append("\r\nwebhook-signature: v1,");
    text_.append(key_.sign({id_text, ".", seconds, ".", body})).append("\r\n\r\n").append(body);
    return text_;
  }

 private:
  std::string after_path_;
  SignatureKey key_{kSecret};
  std::string text_;
};

// Keep-alive connections to the sink, one request on each at a time. The one that became idle last
// is used first: its memory is still in the cache.
class Pool {
 public:
  Pool(const Address& sink, std::size_t connections_max, Poller& poller, Journal& journal)
      : sink_(sink), max_(connections_max), poller_(poller), journal_(journal), writer_(sink) {}

  void deliver(std::uint64_t id, std::uint64_t webhook, std::string_view body) {
    if (idle_.empty() && connections_.size() < max_) open();
    if (idle_.empty()) {
      waiting_.push_back({.id = id, .webhook = webhook, .body = std::string(body)});
      return;
    }
    Connection& connection = *idle_.back();
    idle_.pop_back();
    connection.send(id, writer_.write(id, webhook, body));
  }

 private:
  struct Waiting {
    std::uint64_t id;
    std::uint64_t webhook;
    std::string body;
  };

  class Connection : public Watcher {
   public:
    Connection(int fd, Pool& pool) : fd_(fd), pool_(pool) {}

    void send(std::uint64_t id, std::string_view request) {
      id_ = id;
      if (!send_whole(fd_, request)) die("the sink has closed a connection");
    }

    void on_ready() override {
      if (!inbox_.fill(fd_)) die("the sink has closed a connection");
      const auto answer = frame(inbox_.bytes());
      if (!answer) return;
      const int status = status_of(*answer);
      inbox_.consume(answer->size());
      pool_.on_answer(*this, id_, status);
    }

   private:
    int fd_;
    Pool& pool_;
    std::uint64_t id_ = 0;
    Inbox inbox_;
  };

  void open() {
    const int fd = connect_to(sink_);
    connections_.push_back(std::make_unique<Connection>(fd, *this));
    poller_.watch(fd, *connections_.back());
    idle_.push_back(connections_.back().get());
  }

  void on_answer(Connection& connection, std::uint64_t id, int status) {
    journal_.add_outcome(id, status);
    if (waiting_.empty()) {
      idle_.push_back(&connection);
      return;
    }
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    connection.send(next.id, writer_.write(next.id, next.webhook, next.body));
  }

  const Address sink_;
  const std::size_t max_;
  Poller& poller_;
  Journal& journal_;
  RequestWriter writer_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::vector<Connection*> idle_;
  std::deque<Waiting> waiting_;
};

// A publisher's connection. It keeps its place in the list of clients after it has closed, because
// events in the journal name it by that place; a run has no more connections than the load
// generator opens.
class Client : public Watcher {
 public:
  Client(int fd, std::size_t index, std::uint64_t& next_id, Journal& journal)
      : fd_(fd), index_(index), next_id_(next_id), journal_(journal) {}

  void on_ready() override {
    if (!inbox_.fill(fd_)) {
      close(fd_);
      fd_ = -1;
    }
    while (const auto request = frame(inbox_.bytes())) {
      journal_.add_event(next_id_++, index_, request->body);
      inbox_.consume(request->size());
    }
  }

  void acknowledge() {
    if (fd_ >= 0) send_whole(fd_, kAccepted);
  }

 private:
  int fd_;
  std::size_t index_;
  std::uint64_t& next_id_;
  Journal& journal_;
  Inbox inbox_;
};

class Floor : public Watcher {
 public:
  explicit Floor(const Options& options)
      : fanout_(static_cast<std::uint64_t>(options.number("fanout"))),
        journal_(options.text("journal")),
        pool_(Address::parse(options.text("sink")),
              static_cast<std::size_t>(options.number("connections-max")), poller_, journal_) {
    const auto address = Address::parse(options.text("listen"));
    listener_ = listen_on(address);
    poller_.watch(listener_, *this);
    poller_.watch(journal_.flushed_fd(), flush_);
    std::cout << "listening on http://" << address.host << ":" << port_of(listener_) << std::endl;
  }

  // Everything that one round of readiness brought goes to the writer together.
  void run() {
    while (!end_.has_come()) {
      poller_.wait(-1);
      journal_.submit();
    }
  }

  void on_ready() override {
    for (int fd = accept_next(listener_); fd >= 0; fd = accept_next(listener_)) {
      clients_.push_back(std::make_unique<Client>(fd, clients_.size(), next_id_, journal_));
      poller_.watch(fd, *clients_.back());
    }
  }

 private:
  struct Flush : Watcher {
    explicit Flush(Floor& owner) : floor(owner) {}
    void on_ready() override { floor.on_flushed(); }
    Floor& floor;
  };

  void on_flushed() {
    journal_.take_flushed(flushed_);
    for (const auto& event : flushed_.events) {
      clients_[event.client]->acknowledge();
      for (std::uint64_t webhook = 0; webhook < fanout_; ++webhook) {
        pool_.deliver(event.id, webhook, flushed_.body_of(event));
      }
    }
  }

  const std::uint64_t fanout_;
  Poller poller_{kRoundMax};
  EndSignal end_{poller_};
  Journal journal_;
  Pool pool_;
  int listener_ = -1;
  Flush flush_{*this};
  std::uint64_t next_id_ = 1;
  std::vector<std::unique_ptr<Client>> clients_;
  Batch flushed_;
};

}  // namespace
}  // namespace fanfare::bench

int main(int argc, char** argv) {
  fanfare::bench::Floor floor({argc,
                               argv,
                               {{"listen", "127.0.0.1:0"},
                                {"sink", "127.0.0.1:8081"},
                                {"journal", "floor.log"},
                                {"fanout", "1"},
                                {"connections-max", "256"}}});
  floor.run();
}
