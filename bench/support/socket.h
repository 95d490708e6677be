// Sockets and readiness for the benchmark programs: raw epoll, edge-triggered, one thread each.
// Edge-triggered because a level-triggered socket is polled a second time after each event, which
// costs 5 % here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/epoll.h>
#include <vector>

#include "bench/support/clock.h"

namespace fanfare::bench {

struct Address {
  std::string host;  // an IPv4 address
  std::uint16_t port = 0;
  // From "127.0.0.1:8080"; ends the program on anything else.
  static Address parse(std::string_view text);
};

int listen_on(const Address& address);
std::uint16_t port_of(int listener);
// A connected, non-blocking socket. Connecting itself blocks: on loopback it is done at once.
int connect_to(const Address& address);
// The next waiting connection, non-blocking, or -1.
int accept_next(int listener);
// Sends all of `bytes`, or nothing to a peer that has gone: false. A message here is far smaller
// than a socket buffer, so a partial send is a fault of the harness and ends the program.
bool send_whole(int fd, std::string_view bytes);

// Bytes received and not yet used up.
class Inbox {
 public:
  // Reads all that is there. False when the peer has closed.
  bool fill(int fd);
  std::string_view bytes() const { return {buffer_.data() + begin_, end_ - begin_}; }
  void consume(std::size_t count);

 private:
  std::vector<char> buffer_ = std::vector<char>(8192);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

// Something that wants to know when its descriptor is readable. It may close its descriptor in
// on_ready(), but must outlive the Poller::wait() that called it.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_ready() = 0;
};

class Poller {
 public:
  // Calls at most `round_max` watchers in one round.
  explicit Poller(std::size_t round_max = 256);
  void watch(int fd, Watcher& watcher);
  // Waits until a watcher is ready, or `timeout_ms` have passed (-1: for ever), and calls all that
  // are ready.
  void wait(int timeout_ms);
  // The same, to the microsecond, until a monotonic time.
  void wait_until(Nanoseconds time);

 private:
  void call_ready(int count);

  int epoll_;
  std::vector<epoll_event> events_;
};

// SIGTERM or SIGINT as a readable descriptor. Make it before the first thread: a thread that was
// started earlier does not have the signals blocked and would end the process.
class EndSignal : public Watcher {
 public:
  explicit EndSignal(Poller& poller);
  void on_ready() override { has_come_ = true; }
  bool has_come() const { return has_come_; }

 private:
  bool has_come_ = false;
};

}  // namespace fanfare::bench
