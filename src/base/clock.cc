#include "base/clock.h"

namespace fanfare {

Timestamp SystemClock::wall_now() const {
  return std::chrono::floor<Millis>(std::chrono::system_clock::now());
}

SteadyTime SystemClock::steady_now() const {
  return std::chrono::steady_clock::now();
}

}  // namespace fanfare
