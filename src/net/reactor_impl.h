// What is behind a Reactor, for the other files of net/ only: they need the io_context to make
// sockets on. Everything else of it belongs to reactor.cc.
#pragma once

#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "net/reactor.h"
#include "net/timer_wheel.h"

namespace fanfare::net {

struct Reactor::Impl {
  explicit Impl(const Clock& the_clock);

  void run_posted();
  void queue_turn();
  void arm(SteadyTime when);
  void on_timer();
  bool is_loop_thread() const;

  const Clock& clock;
  TimerWheel wheel;
  std::optional<SteadyTime> armed_for;  // when `timer` goes off; none while it does not run
  std::mutex mutex;
  std::vector<Loop::Task> posted;   // guarded by mutex
  bool is_turn_queued = false;      // guarded by mutex: run_posted() will run or is running
  std::vector<Loop::Task> running;  // loop thread; kept for its capacity
  std::thread::id loop_thread;      // none before run() and after it

  // Last, so gone first: the handlers that it drops may still cancel timers. Hint 1: one thread
  // runs it, but any thread may post to it, so its own locks stay on.
  boost::asio::io_context io{1};
  boost::asio::steady_timer timer{io};
};

}  // namespace fanfare::net
