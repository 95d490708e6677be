// ReadPool: the few threads that read the store, so that no loop ever waits for the disk. Each has
// a Reader of its own.
//
// Reads are of three kinds. A refill of a lane is taken first. Points (one row, or a few) come
// next. Scans (lists) may walk far, so they never take the last thread: one tenant's lists hold up
// other lists, never a publish or a delivery.
//
// submit() from any thread; run() once on each reader thread (made in app/). Queues are bounded:
// beyond them a job is told so at once, and the API answers 503.
#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/function.h"
#include "storage/store.h"

namespace fanfare {

enum class ReadKind { refill, point, scan };  // in the order in which they are taken

class ReadPool {
 public:
  // Called with a reader on a reader thread, or with null on the caller's thread when the queue is
  // full or closed.
  using Job = UniqueFunction<void(Reader*)>;

  // `threads`: how many will call run(). With one alone, scans take it all the same.
  explicit ReadPool(std::size_t threads = 2) : scans_max_(threads > 1 ? threads - 1 : 1) {}

  void submit(ReadKind kind, Job job);
  // Works until `stop`; jobs that still wait then are called with null.
  void run(Reader& reader, const std::stop_token& stop);

 private:
  struct Next {
    ReadKind kind;
    Job job;
  };
  bool has_next() const;
  std::optional<Next> take_next(const std::stop_token& stop);
  std::deque<Job>& queue(ReadKind kind) { return queues_[static_cast<std::size_t>(kind)]; }
  const std::deque<Job>& queue(ReadKind kind) const {
    return queues_[static_cast<std::size_t>(kind)];
  }

  const std::size_t scans_max_;
  std::mutex mu_;  // everything below
  std::condition_variable_any wake_;
  std::array<std::deque<Job>, 3> queues_;
  std::size_t scans_running_ = 0;
  bool is_closed_ = false;
};

}  // namespace fanfare
