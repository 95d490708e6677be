// The load generator: `connections` clients in a closed loop, each publishing its next event as
// soon as the last one is answered. Closed loop measures capacity; it does not show the latency of
// a server that is offered more than it can take (no correction for coordinated omission). One
// thread, ~10 µs of CPU an event.
//
// With --rate N it is an open loop instead: events are due at fixed times, whatever the server
// does, and latency counts from the time an event was due.
//
// An event that is refused keeps its sequence number and is tried again, so the numbers below
// `acknowledged` are exactly the events that were promised to be delivered, plus at most one for
// each connection at the end.
#include <algorithm>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include "bench/support/histogram.h"
#include "bench/support/http.h"
#include "bench/support/process.h"
#include "bench/support/report.h"
#include "bench/support/socket.h"

namespace fanfare::bench {
namespace {

constexpr Nanoseconds kAnswerTimeout = 30 * kSecond;

// A whole request for each event type, with a gap for the mark.
class Requests {
 public:
  explicit Requests(const Options& options) {
    for (std::int64_t type = 0; type < options.number("types"); ++type) {
      texts_.push_back(compose(options, type));
    }
    if (texts_.empty()) die("--types must be at least 1");
  }

  // Valid until the next call for the same type.
  std::string_view with(const Mark& mark) {
    auto& text = texts_[mark.sequence % texts_.size()];
    mark.write(text.data() + text.find(Mark::kKey) + Mark::kKey.size());
    return text;
  }

 private:
  static std::string compose(const Options& options, std::int64_t type) {
    const auto body = "{\"event_type\":\"bench.event." + std::to_string(type) + "\",\"data\":" +
                      data_of(static_cast<std::size_t>(options.number("payload"))) +
                      tenant_member(options.text("tenant")) + "}";
    auto head = "POST " + options.text("path") + " HTTP/1.1\r\nHost: " + options.text("server") +
                "\r\nContent-Type: application/json\r\n";
    if (const auto& value = options.text("authorization"); !value.empty()) {
      head += "Authorization: " + value + "\r\n";
    }
    return head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }

  static std::string data_of(std::size_t size) {
    const auto start =
        "{" + std::string(Mark::kKey) + std::string(Mark::kTextLength, '0') + "\",\"text\":\"";
    if (size < start.size() + 2) die("--payload is too small for the mark");
    return start + std::string(size - start.size() - 2, 'x') + "\"}";
  }

  static std::string tenant_member(const std::string& tenant) {
    return tenant.empty() ? "" : ",\"tenant_id\":\"" + tenant + "\"";
  }

  std::vector<std::string> texts_;
};

// Counts and times of the whole run; the window lies between warm-up and end.
struct Tally {
  Nanoseconds window_start = 0;
  Nanoseconds window_end = 0;
  std::uint64_t next_sequence = 0;
  std::uint64_t acknowledged = 0;
  std::uint64_t acknowledged_in_window = 0;
  std::uint64_t refused = 0;
  std::uint64_t last_refusal = 0;
  std::uint64_t in_flight = 0;
  Histogram latency_us;

  bool is_in_window(Nanoseconds time) const { return time >= window_start && time < window_end; }
};

class Client : public Watcher {
 public:
  Client(int fd, Requests& requests, Tally& tally, bool is_closed_loop)
      : fd_(fd), requests_(requests), tally_(tally), is_closed_loop_(is_closed_loop) {}

  bool is_idle() const { return !is_waiting_; }

  // Publishes the next event, or the refused one again.
  void publish(Nanoseconds due) {
    if (!was_refused_) mark_.sequence = tally_.next_sequence++;
    mark_.published_at = due;
    mark_.is_measured = tally_.is_in_window(due);
    is_waiting_ = true;
    ++tally_.in_flight;
    if (!send_whole(fd_, requests_.with(mark_))) die("the server has closed a connection");
  }

  void on_ready() override {
    const bool is_open = inbox_.fill(fd_);
    while (const auto answer = frame(inbox_.bytes())) {
      on_answer(*answer);
      inbox_.consume(answer->size());
    }
    if (!is_open) die("the server has closed a connection");
  }

 private:
  void on_answer(const Message& answer) {
    const auto now = monotonic_now();
    const int status = status_of(answer);
    is_waiting_ = false;
    --tally_.in_flight;
    was_refused_ = status != 202;
    if (was_refused_) {
      ++tally_.refused;
      tally_.last_refusal = static_cast<std::uint64_t>(status);
    } else {
      ++tally_.acknowledged;
      if (tally_.is_in_window(now)) ++tally_.acknowledged_in_window;
      if (mark_.is_measured) {
        tally_.latency_us.record((now - mark_.published_at) / kMicrosecond);
      }
    }
    if (is_closed_loop_ && now < tally_.window_end) publish(now);
  }

  int fd_;
  Requests& requests_;
  Tally& tally_;
  bool is_closed_loop_;
  bool is_waiting_ = false;
  bool was_refused_ = false;
  Mark mark_;
  Inbox inbox_;
};

using Clients = std::vector<std::unique_ptr<Client>>;

Clients connect_all(const Options& options, Requests& requests, Tally& tally, Poller& poller) {
  Clients clients;
  const auto server = Address::parse(options.text("server"));
  for (std::int64_t count = options.number("connections"); count > 0; --count) {
    const int fd = connect_to(server);
    clients.push_back(std::make_unique<Client>(fd, requests, tally, options.number("rate") == 0));
    poller.watch(fd, *clients.back());
  }
  return clients;
}

// Publishes at fixed times. An event that finds no idle connection waits for one; its latency keeps
// counting.
void run_open_loop(Clients& clients, Tally& tally, Poller& poller, std::int64_t rate) {
  const Nanoseconds interval = kSecond / rate;
  auto due = monotonic_now();
  while (due < tally.window_end) {
    auto now = monotonic_now();
    for (auto& client : clients) {
      if (due > now) break;
      if (!client->is_idle()) continue;
      client->publish(due);
      due += interval;
    }
    const bool is_late = due <= monotonic_now();
    poller.wait_until(is_late ? monotonic_now() + kMillisecond : due);
  }
}

void run_closed_loop(Clients& clients, const Tally& tally, Poller& poller) {
  for (auto& client : clients) client->publish(monotonic_now());
  while (monotonic_now() < tally.window_end) poller.wait(100);
}

void wait_for_answers(const Tally& tally, Poller& poller) {
  const auto deadline = tally.window_end + kAnswerTimeout;
  while (tally.in_flight > 0) {
    if (monotonic_now() > deadline) {
      die(std::to_string(tally.in_flight) + " requests were never answered");
    }
    poller.wait(100);
  }
}

void print_report(const Tally& tally) {
  Report report;
  report.add("acknowledged", tally.acknowledged)
      .add("acknowledged_in_window", tally.acknowledged_in_window)
      .add("refused", tally.refused)
      .add("last_refusal", tally.last_refusal)
      .add("window_start_ns", tally.window_start)
      .add("window_end_ns", tally.window_end)
      .add("ack_p50_us", tally.latency_us.percentile(0.50))
      .add("ack_p99_us", tally.latency_us.percentile(0.99))
      .add("cpu_us", cpu_us())
      .add("peak_memory_kb", peak_memory_kb())
      .print();
}

void run(const Options& options) {
  Poller poller;
  Requests requests(options);
  Tally tally;
  auto clients = connect_all(options, requests, tally, poller);
  tally.window_start = monotonic_now() + options.number("warmup-ms") * kMillisecond;
  tally.window_end = tally.window_start + options.number("measure-ms") * kMillisecond;
  if (const auto rate = options.number("rate"); rate > 0) {
    run_open_loop(clients, tally, poller, rate);
  } else {
    run_closed_loop(clients, tally, poller);
  }
  wait_for_answers(tally, poller);
  print_report(tally);
}

}  // namespace
}  // namespace fanfare::bench

int main(int argc, char** argv) {
  fanfare::bench::run({argc,
                       argv,
                       {{"server", "127.0.0.1:8080"},
                        {"path", "/api/v1/events"},
                        {"authorization", ""},
                        {"tenant", ""},
                        {"types", "8"},
                        {"payload", "512"},
                        {"connections", "64"},
                        {"rate", "0"},
                        {"warmup-ms", "1000"},
                        {"measure-ms", "5000"}}});
}
