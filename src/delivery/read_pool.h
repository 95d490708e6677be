// ReadPool: the few threads that read the store, so that no loop ever waits for the disk. Each has
// a Reader of its own.
//
// submit() from any thread; run() once on each reader thread (made in app/). The queue is bounded:
// beyond it a job is told so at once, and the API answers 503.
#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/function.h"
#include "storage/store.h"

namespace fanfare {

class ReadPool {
 public:
  // Called with a reader on a reader thread, or with null on the caller's thread when the queue is
  // full or closed.
  using Job = UniqueFunction<void(Reader*)>;

  void submit(Job job);
  // For the engine's own reads: taken before all others and not counted, since each lane has one at
  // most.
  void submit_urgent(Job job);
  // Works until `stop`; jobs that still wait then are called with null.
  void run(Reader& reader, const std::stop_token& stop);

 private:
  std::mutex mu_;
  std::condition_variable_any wake_;
  std::deque<Job> urgent_;
  std::deque<Job> jobs_;
  bool is_closed_ = false;
};

}  // namespace fanfare
