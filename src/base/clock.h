// The one door to time. Everything that decides takes `now` as an argument; only owners of a loop
// or a thread hold a Clock. `::now()` is called nowhere else.
#pragma once

#include <atomic>

#include "base/time.h"

namespace fanfare {

// Any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp wall_now() const = 0;
  virtual SteadyTime steady_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  Timestamp wall_now() const override;
  SteadyTime steady_now() const override;
};

// A clock that moves only when told to; wall and steady time advance together unless wall time is
// set apart.
class SimClock final : public Clock {
 public:
  explicit SimClock(Timestamp start) : wall_ms_(ms_of(start)) {}
  Timestamp wall_now() const override { return timestamp_of_ms(wall_ms_.load()); }
  SteadyTime steady_now() const override { return SteadyTime{Millis{steady_ms_.load()}}; }
  void advance(Millis by) {
    wall_ms_ += by.count();
    steady_ms_ += by.count();
  }
  void jump_wall(Millis by) { wall_ms_ += by.count(); }

 private:
  std::atomic<std::int64_t> wall_ms_;
  std::atomic<std::int64_t> steady_ms_{0};
};

}  // namespace fanfare
