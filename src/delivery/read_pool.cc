#include "delivery/read_pool.h"

#include <utility>

#include "base/limits.h"

namespace fanfare {

void ReadPool::submit(Job job) {
  {
    const std::lock_guard lock(mu_);
    if (!is_closed_ && jobs_.size() < limits::kReadQueueMax) {
      jobs_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job(nullptr);
}

void ReadPool::submit_urgent(Job job) {
  {
    const std::lock_guard lock(mu_);
    if (!is_closed_) {
      urgent_.push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job(nullptr);
}

void ReadPool::run(Reader& reader, const std::stop_token& stop) {
  while (true) {
    Job job;
    {
      std::unique_lock lock(mu_);
      wake_.wait(lock, stop, [this] { return !jobs_.empty() || !urgent_.empty(); });
      if (stop.stop_requested()) is_closed_ = true;
      std::deque<Job>& next = urgent_.empty() ? jobs_ : urgent_;
      if (next.empty()) return;
      job = std::move(next.front());
      next.pop_front();
    }
    job(stop.stop_requested() ? nullptr : &reader);
  }
}

}  // namespace fanfare
