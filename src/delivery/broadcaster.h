// Broadcaster: expands broadcasts, one after the other, in bounded steps between other commits. A
// step stores the events of some tenants and how far it got in one transaction, so a crash repeats
// nothing and loses nothing: recovery adds what is not done. A tenant that was made after the
// broadcast gets none of it. Loop thread only, but for is_full().
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <vector>

#include "base/loop.h"
#include "delivery/directory.h"
#include "delivery/journal.h"

namespace fanfare {

class Broadcaster {
 public:
  // Hands stored events to their lanes.
  using Admit = std::function<void(PublishOp, const std::vector<Published>&)>;
  Broadcaster(const Directory& directory, Journal& journal, Loop& loop, Admit admit)
      : directory_(directory), journal_(journal), loop_(loop), admit_(std::move(admit)) {}

  // Begins, or queues behind what is under way.
  void add(std::vector<Broadcast> broadcasts);
  // Any thread: whether more would use too much memory; each holds its payload until it is done.
  bool is_full() const { return open_.load(std::memory_order_relaxed) >= kOpenMax; }
  // No further step; goes on after the restart.
  void stop() { is_stopped_ = true; }

 private:
  void begin();
  void step();
  ExpandOp next_step() const;
  void stepped(WriteAction& action, const Result<OpDone>& done);

  static constexpr std::size_t kOpenMax = 64;

  const Directory& directory_;
  Journal& journal_;
  Loop& loop_;
  const Admit admit_;
  std::deque<Broadcast> broadcasts_;  // the first is under way
  std::vector<TenantId> tenants_;     // that it is for, in order
  std::string fingerprint_;           // of its event, the same for all of them
  std::atomic<std::size_t> open_{0};  // how many those are
  bool is_stopped_ = false;
};

}  // namespace fanfare
