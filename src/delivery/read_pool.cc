#include "delivery/read_pool.h"

#include <utility>

#include "base/limits.h"

namespace fanfare {

void ReadPool::submit(ReadKind kind, Job job) {
  {
    const std::lock_guard lock(mu_);
    // Refills are not counted: each lane has one at most.
    const bool has_room = kind == ReadKind::refill || queue(kind).size() < limits::kReadQueueMax;
    if (!is_closed_ && has_room) {
      queue(kind).push_back(std::move(job));
      wake_.notify_one();
      return;
    }
  }
  job(nullptr);
}

bool ReadPool::has_next() const {
  return !queue(ReadKind::refill).empty() || !queue(ReadKind::point).empty() ||
         (!queue(ReadKind::scan).empty() && scans_running_ < scans_max_);
}

// None when stopping and nothing is left.
std::optional<ReadPool::Next> ReadPool::take_next(const std::stop_token& stop) {
  std::unique_lock lock(mu_);
  wake_.wait(lock, stop, [this] { return has_next(); });
  if (stop.stop_requested()) is_closed_ = true;
  for (const ReadKind kind : {ReadKind::refill, ReadKind::point, ReadKind::scan}) {
    const bool may_run = kind != ReadKind::scan || scans_running_ < scans_max_ || is_closed_;
    if (queue(kind).empty() || !may_run) continue;
    Next next{kind, std::move(queue(kind).front())};
    queue(kind).pop_front();
    if (kind == ReadKind::scan) ++scans_running_;
    return next;
  }
  return std::nullopt;
}

void ReadPool::run(Reader& reader, const std::stop_token& stop) {
  while (std::optional<Next> next = take_next(stop)) {
    next->job(stop.stop_requested() ? nullptr : &reader);
    if (next->kind != ReadKind::scan) continue;
    const std::lock_guard lock(mu_);
    --scans_running_;
    wake_.notify_one();
  }
}

}  // namespace fanfare
