// Reactor: one event loop on one thread (Asio io_context, epoll). It accepts connections, speaks
// HTTP on both sides and runs lanes. Timeouts come from one coarse timer wheel, not from a timer
// for each operation (which costs 4–8 µs). Nothing of Asio shows in this header.
#pragma once

#include <memory>

#include "base/loop.h"

namespace fanfare::net {

class Reactor final : public Loop {
 public:
  explicit Reactor(const Clock& clock);
  ~Reactor() override;

  // Runs until stop(); called once, by the thread that becomes the loop's. An exception that
  // reaches here ends the process.
  void run();
  void stop();  // any thread

  void post(Task task) override;
  TimerId after(Millis delay, Task task) override;
  void cancel(TimerId timer) override;
  const Clock& clock() const override;

  struct Impl;
  Impl& impl() { return *impl_; }  // for net/ only

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare::net
