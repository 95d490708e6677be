// SimLoop: an event loop cranked by hand on a simulated clock. Posts may come from any thread;
// everything runs in the thread that cranks.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>

#include "base/loop.h"

namespace fanfare::testing {

class SimLoop final : public Loop {
 public:
  explicit SimLoop(SimClock& clock) : clock_(clock) {}

  void post(Task task) override {
    {
      const std::lock_guard lock(mu_);
      tasks_.push_back(std::move(task));
    }
    arrived_.notify_all();
  }
  TimerId after(Millis delay, Task task) override {
    const TimerId id = ++last_timer_;
    timers_.emplace(std::pair{clock_.wall_now() + delay, id}, std::move(task));
    return id;
  }
  void cancel(TimerId timer) override {
    std::erase_if(timers_, [timer](const auto& entry) { return entry.first.second == timer; });
  }
  const Clock& clock() const override { return clock_; }

  // Runs everything posted so far and whatever that posts; true if there was anything.
  bool run_posted() {
    bool ran = false;
    while (true) {
      Task task;
      {
        const std::lock_guard lock(mu_);
        if (tasks_.empty()) return ran;
        task = std::move(tasks_.front());
        tasks_.pop_front();
      }
      task();
      ran = true;
    }
  }
  // Moves the clock, stopping at each timer on the way.
  void advance(Millis by) {
    const Timestamp end = clock_.wall_now() + by;
    run_posted();
    while (!timers_.empty() && timers_.begin()->first.first <= end) {
      const Timestamp at = timers_.begin()->first.first;
      if (at > clock_.wall_now()) clock_.advance(at - clock_.wall_now());
      Task task = std::move(timers_.begin()->second);
      timers_.erase(timers_.begin());
      task();
      run_posted();
    }
    if (end > clock_.wall_now()) clock_.advance(end - clock_.wall_now());
  }
  std::size_t timers() const { return timers_.size(); }
  // What a loop that ends drops: nothing set or posted so far runs any more.
  void drop_all() {
    timers_.clear();
    const std::lock_guard lock(mu_);
    tasks_.clear();
  }

 private:
  SimClock& clock_;
  std::mutex mu_;
  std::condition_variable arrived_;
  std::deque<Task> tasks_;
  std::map<std::pair<Timestamp, TimerId>, Task> timers_;
  TimerId last_timer_ = 0;
};

}  // namespace fanfare::testing
