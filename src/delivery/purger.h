// Purger: takes away what deletes leave behind, in small steps between other commits, one purge
// after the other. What is to be done is remembered by the store (PurgeOp), so a crash or a stop
// only delays it: recovery adds what was begun. Loop thread only.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "base/loop.h"
#include "delivery/journal.h"

namespace fanfare {

class Purger {
 public:
  // `on_done` is told of each purge that is over.
  Purger(Journal& journal, Loop& loop, std::function<void(const Purge&)> on_done)
      : journal_(journal), loop_(loop), on_done_(std::move(on_done)) {}

  // Begins, or queues behind what is under way.
  void add(const std::vector<Purge>& purges);
  // No further step; goes on after the restart.
  void stop() { is_stopped_ = true; }

 private:
  void begin();
  void step_after(Millis wait);
  void step();
  void stepped(const Result<OpDone>& done);

  Journal& journal_;
  Loop& loop_;
  const std::function<void(const Purge&)> on_done_;
  struct Queued {
    Purge purge;
    SteadyTime ready_at;
  };
  std::deque<Queued> purges_;  // the first is under way
  bool is_stopped_ = false;
};

}  // namespace fanfare
