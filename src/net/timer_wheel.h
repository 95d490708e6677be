// TimerWheel: many coarse timers at O(1) each. A hierarchical wheel of 3 x 256 slots with ticks of
// 10 ms, like the hands of a clock: a timer sits in the slot of its tick when it is near, else in a
// slot of a slower wheel, and moves down when that slot's turn comes. It has no clock: `now` is
// always an argument, so tests turn it by hand.
//
// Invariant: a timer never runs early, and at most one tick after it is due, counted at the next
// advance(). Ids are never reused: an id holds the node's generation, and a node whose generations
// are used up is retired.
//
// One thread. Timers may be added and cancelled from inside the callbacks that advance() makes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/loop.h"

namespace fanfare::net {

class TimerWheel {
 public:
  using Task = Loop::Task;
  using TimerId = Loop::TimerId;
  static constexpr Millis kTick{10};

  explicit TimerWheel(SteadyTime origin);

  // Any delay; those past 46 hours are looked at once in between. A negative one counts as 0.
  TimerId add(SteadyTime now, Millis delay, Task task);
  // False if the timer has run, is running, or was cancelled before. The task is destroyed at once.
  bool cancel(TimerId id);

  // Runs every timer due at `now`, in the order of their ticks. A time before the last one does
  // nothing.
  void advance(SteadyTime now);

  // When advance() has to be called again at the latest for timers to be on time; may be earlier
  // than the first timer (a slot of a slower wheel only knows its beginning). None while empty.
  std::optional<SteadyTime> next_wake() const;
  // When a timer added now with this delay is due.
  SteadyTime due_time(SteadyTime now, Millis delay) const { return time_of(due_tick(now, delay)); }

  // Drops every timer.
  void clear();

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  using Tick = std::uint64_t;
  using Index = std::uint32_t;
  static constexpr Index kNone = ~Index{0};
  static constexpr unsigned kLevels = 3;
  static constexpr unsigned kSlotBits = 8;
  static constexpr unsigned kSlots = 1U << kSlotBits;

  struct Node {
    Task task;
    Tick due = 0;
    std::uint32_t generation = 1;
    Index previous = kNone;
    Index next = kNone;  // also the free list
    std::uint16_t list = 0;
    bool is_linked = false;
  };
  struct List {
    Index head = kNone;
    Index tail = kNone;
  };

  Tick due_tick(SteadyTime now, Millis delay) const;
  SteadyTime time_of(Tick tick) const;
  std::optional<Tick> next_tick() const;
  unsigned distance_to_occupied(unsigned level, unsigned from) const;
  void link(Index index);
  void unlink(Index index);
  Index take_node();
  Task release(Index index);
  void cascade(unsigned level);
  void run_slot();

  SteadyTime origin_;
  Tick current_ = 0;  // every timer due at or before this tick has run
  std::size_t size_ = 0;
  Index free_ = kNone;
  std::vector<Node> nodes_;
  std::array<List, kLevels * kSlots> lists_{};
  std::array<std::uint64_t, kLevels * kSlots / 64> occupied_{};  // one bit for each list
};

}  // namespace fanfare::net
