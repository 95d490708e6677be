// The one clock of the benchmark programs: CLOCK_MONOTONIC, which all processes of a host share, so
// that a time written by the load generator can be subtracted from one read by the sink.
#pragma once

#include <cstdint>
#include <time.h>

namespace fanfare::bench {

using Nanoseconds = std::int64_t;
inline constexpr Nanoseconds kSecond = 1'000'000'000;
inline constexpr Nanoseconds kMillisecond = 1'000'000;
inline constexpr Nanoseconds kMicrosecond = 1'000;

inline Nanoseconds monotonic_now() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * kSecond + now.tv_nsec;
}

}  // namespace fanfare::bench
