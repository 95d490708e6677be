// Loop: the door to one event loop (a reactor thread in production, a hand-cranked one in tests).
// The engine posts work and waits for time through it, and so knows nothing of sockets or threads.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/function.h"

namespace fanfare {

class Loop {
 public:
  using Task = UniqueFunction<void()>;
  using TimerId = std::uint64_t;  // 0 is never a timer

  virtual ~Loop() = default;
  // Runs `task` on the loop's thread, in the order posted. Any thread. Cheap: many posts share one
  // wake-up.
  virtual void post(Task task) = 0;
  // Runs `task` on the loop's thread once `delay` has passed (never early, coarse to about 10 ms
  // late). Loop thread only.
  virtual TimerId after(Millis delay, Task task) = 0;
  // Forgets a timer; nothing happens if it has run. Loop thread only.
  virtual void cancel(TimerId timer) = 0;
  virtual const Clock& clock() const = 0;
};

}  // namespace fanfare
