// The receiver: answers every POST with 204 over keep-alive and remembers which events have come,
// when, and how long after they were published. One thread, no work that a real receiver would not
// have, ~8 µs of CPU a request.
//
// Distinct deliveries are counted by the mark inside the body and, with --fanout N, the number that
// ends the path: nothing is trusted to be sent once. Talks to its driver over stdin and stdout: the
// line "report START END" asks for the report with the receipts between two monotonic times; the
// end of stdin or SIGTERM prints a last one and ends.
#include <algorithm>
#include <charconv>
#include <iostream>
#include <memory>
#include <numeric>
#include <signal.h>
#include <sstream>
#include <sys/signalfd.h>
#include <unistd.h>
#include <vector>

#include "bench/support/histogram.h"
#include "bench/support/http.h"
#include "bench/support/process.h"
#include "bench/support/report.h"
#include "bench/support/socket.h"

namespace fanfare::bench {
namespace {

constexpr std::string_view kAnswer = "HTTP/1.1 204 No Content\r\n\r\n";
constexpr std::string_view kSignatureHeader = "webhook-signature: v1,";

// What has been received. One thread.
class Receipts {
 public:
  explicit Receipts(std::uint64_t fanout) : fanout_(fanout), started_at_(monotonic_now()) {}

  void add(const Message& request) {
    ++requests_;
    if (request.head.find(kSignatureHeader) == std::string_view::npos) ++unsigned_requests_;
    const auto mark = Mark::find(request.body);
    if (!mark) {
      ++unmarked_requests_;
      return;
    }
    const auto now = monotonic_now();
    if (mark->is_measured) latency_us_.record((now - mark->published_at) / kMicrosecond);
    count_in_time(now);
    if (is_new(mark->sequence * fanout_ + copy_of(request.head))) ++distinct_;
  }

  Report report(Nanoseconds start, Nanoseconds end) const {
    Report report;
    report.add("requests", requests_)
        .add("distinct", distinct_)
        .add("duplicates", requests_ - unmarked_requests_ - distinct_)
        .add("unsigned", unsigned_requests_)
        .add("unmarked", unmarked_requests_)
        .add("in_window", received_between(start, end))
        .add("latency_p50_us", latency_us_.percentile(0.50))
        .add("latency_p99_us", latency_us_.percentile(0.99))
        .add("cpu_us", cpu_us())
        .add("peak_memory_kb", peak_memory_kb());
    return report;
  }

 private:
  // The number at the end of the path ("POST /hook/7 HTTP/1.1"), modulo the fan-out: which copy of
  // the event.
  std::uint64_t copy_of(std::string_view head) const {
    if (fanout_ == 1) return 0;
    const auto path_end = head.find(" HTTP/1.");
    const auto slash = head.rfind('/', path_end);
    std::uint64_t copy = 0;
    if (path_end == std::string_view::npos || slash == std::string_view::npos) return 0;
    std::from_chars(head.data() + slash + 1, head.data() + path_end, copy);
    return copy % fanout_;
  }

  bool is_new(std::uint64_t delivery) {
    if (delivery >= seen_.size()) seen_.resize(std::max(delivery + 1, seen_.size() * 2));
    if (seen_[delivery]) return false;
    seen_[delivery] = true;
    return true;
  }

  void count_in_time(Nanoseconds now) {
    const auto millisecond = millisecond_of(now);
    if (millisecond >= by_millisecond_.size()) by_millisecond_.resize(millisecond + 1);
    ++by_millisecond_[millisecond];
  }

  std::uint64_t received_between(Nanoseconds start, Nanoseconds end) const {
    const auto size = by_millisecond_.size();
    const auto first = by_millisecond_.begin() +
                       static_cast<std::ptrdiff_t>(std::min(size, millisecond_of(start)));
    const auto last =
        by_millisecond_.begin() + static_cast<std::ptrdiff_t>(std::min(size, millisecond_of(end)));
    return std::accumulate(first, std::max(first, last), std::uint64_t{0});
  }

  std::size_t millisecond_of(Nanoseconds time) const {
    return static_cast<std::size_t>(std::max<Nanoseconds>(time - started_at_, 0) / kMillisecond);
  }

  const std::uint64_t fanout_;
  const Nanoseconds started_at_;
  std::uint64_t requests_ = 0;
  std::uint64_t distinct_ = 0;
  std::uint64_t unsigned_requests_ = 0;
  std::uint64_t unmarked_requests_ = 0;
  std::vector<bool> seen_;
  std::vector<std::uint32_t> by_millisecond_;
  Histogram latency_us_;
};

class Connection : public Watcher {
 public:
  Connection(int fd, Receipts& receipts) : fd_(fd), receipts_(receipts) {}

  void on_ready() override {
    bool is_open = inbox_.fill(fd_);
    while (const auto request = frame(inbox_.bytes())) {
      receipts_.add(*request);
      is_open = send_whole(fd_, kAnswer) && is_open;
      inbox_.consume(request->size());
    }
    if (!is_open) close(fd_);
  }

 private:
  int fd_;
  Receipts& receipts_;
  Inbox inbox_;
};

// Closed connections stay in the list: there are at most as many as the server opens in one run.
class Listener : public Watcher {
 public:
  Listener(const Address& address, Poller& poller, Receipts& receipts)
      : fd_(listen_on(address)), poller_(poller), receipts_(receipts) {
    poller_.watch(fd_, *this);
    std::cout << "listening on http://" << address.host << ":" << port_of(fd_) << std::endl;
  }

  void on_ready() override {
    for (int fd = accept_next(fd_); fd >= 0; fd = accept_next(fd_)) {
      connections_.push_back(std::make_unique<Connection>(fd, receipts_));
      poller_.watch(fd, *connections_.back());
    }
  }

 private:
  int fd_;
  Poller& poller_;
  Receipts& receipts_;
  std::vector<std::unique_ptr<Connection>> connections_;
};

// The driver's questions on stdin, and SIGTERM.
class Driver : public Watcher {
 public:
  Driver(Poller& poller, const Receipts& receipts) : receipts_(receipts) {
    poller.watch(STDIN_FILENO, *this);
  }

  bool is_done() const { return is_done_; }

  void on_ready() override {
    char text[256];
    const auto count = read(STDIN_FILENO, text, sizeof text);
    if (count <= 0) {
      is_done_ = true;
      return;
    }
    std::istringstream line(std::string(text, static_cast<std::size_t>(count)));
    std::string verb;
    Nanoseconds start = 0;
    Nanoseconds end = 0;
    if (!(line >> verb >> start >> end) || verb != "report") {
      die("stdin takes lines of: report START END");
    }
    receipts_.report(start, end).print();
  }

 private:
  const Receipts& receipts_;
  bool is_done_ = false;
};

void run(const Options& options) {
  Poller poller;
  EndSignal end(poller);
  Receipts receipts(static_cast<std::uint64_t>(options.number("fanout")));
  Listener listener(Address::parse(options.text("listen")), poller, receipts);
  Driver driver(poller, receipts);
  while (!driver.is_done() && !end.has_come()) poller.wait(-1);
  receipts.report(0, monotonic_now()).print();
}

}  // namespace
}  // namespace fanfare::bench

int main(int argc, char** argv) {
  fanfare::bench::run({argc, argv, {{"listen", "127.0.0.1:0"}, {"fanout", "1"}}});
}
