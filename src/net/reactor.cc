#include "net/reactor.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "net/reactor_impl.h"

namespace fanfare::net {

namespace {

// Unwinding further would leave half-done work behind; the journal makes a restart safe.
[[noreturn]] void die_of(const char* what) {
  std::fprintf(stderr, "fanfare: an exception reached the event loop: %s\n", what);
  std::abort();
}

}  // namespace

Reactor::Impl::Impl(const Clock& the_clock) : clock(the_clock), wheel(the_clock.steady_now()) {}

bool Reactor::Impl::is_loop_thread() const {
  return loop_thread == std::thread::id{} || loop_thread == std::this_thread::get_id();
}

void Reactor::Impl::run_posted() {
  {
    const std::lock_guard lock(mutex);
    running.swap(posted);
  }
  // Tasks posted from here on wait for the next turn, so that a task that posts itself does not
  // starve the sockets.
  for (Loop::Task& task : running) {
    Loop::Task once = std::move(task);
    once();
  }
  running.clear();
  // What was posted meanwhile needs no wake-up: this thread is awake and takes another turn.
  // Without this every completion of a commit would cost a system call, since the queue is empty
  // again each time.
  const std::lock_guard lock(mutex);
  is_turn_queued = !posted.empty();
  if (is_turn_queued) queue_turn();
}

void Reactor::Impl::queue_turn() {
  boost::asio::post(io, [this] { run_posted(); });
}

void Reactor::Impl::arm(SteadyTime when) {
  if (armed_for && *armed_for <= when) return;
  armed_for = when;
  timer.expires_after(std::max(when - clock.steady_now(), SteadyTime::duration::zero()));
  timer.async_wait([this](const boost::system::error_code& error) {
    if (!error) on_timer();
  });
}

void Reactor::Impl::on_timer() {
  armed_for.reset();
  wheel.advance(clock.steady_now());
  if (const auto next = wheel.next_wake()) arm(*next);
}

Reactor::Reactor(const Clock& clock) : impl_(std::make_unique<Impl>(clock)) {}

// Tasks own sockets and may post or set timers as they go, so they are dropped while everything
// still stands.
Reactor::~Reactor() {
  impl_->wheel.clear();
  std::vector<Task> dropped;
  {
    const std::lock_guard lock(impl_->mutex);
    dropped.swap(impl_->posted);
  }
}

void Reactor::run() {
  FANFARE_ASSERT(impl_->loop_thread == std::thread::id{});
  impl_->loop_thread = std::this_thread::get_id();
  const auto work = boost::asio::make_work_guard(impl_->io);
  try {
    impl_->io.run();
  } catch (const std::exception& error) {
    die_of(error.what());
  } catch (...) {
    die_of("not a std::exception");
  }
  impl_->loop_thread = {};
}

void Reactor::stop() {
  impl_->io.stop();
}

void Reactor::post(Task task) {
  bool needs_turn = false;
  {
    const std::lock_guard lock(impl_->mutex);
    needs_turn = !std::exchange(impl_->is_turn_queued, true);
    impl_->posted.push_back(std::move(task));
  }
  if (needs_turn) impl_->queue_turn();
}

Loop::TimerId Reactor::after(Millis delay, Task task) {
  FANFARE_ASSERT(impl_->is_loop_thread());
  const SteadyTime now = impl_->clock.steady_now();
  // Read before add(): afterwards it would be the same tick, but this says that nothing else is
  // being armed for.
  const SteadyTime due = impl_->wheel.due_time(now, delay);
  const TimerId id = impl_->wheel.add(now, delay, std::move(task));
  impl_->arm(due);
  return id;
}

void Reactor::cancel(TimerId timer) {
  FANFARE_ASSERT(impl_->is_loop_thread());
  impl_->wheel.cancel(
      timer);  // the wake-up stays armed: one needless turn is cheaper than a system call each
}

const Clock& Reactor::clock() const {
  return impl_->clock;
}

}  // namespace fanfare::net
