// Wall time is integer milliseconds since 1970 (what the database and the wire hold); steady time
// is for durations and deadlines inside one process. Both come only from base/clock.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fanfare {

using Millis = std::chrono::milliseconds;
using Timestamp = std::chrono::sys_time<Millis>;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr Timestamp timestamp_of_ms(std::int64_t ms) {
  return Timestamp{Millis{ms}};
}
constexpr std::int64_t ms_of(Timestamp t) {
  return t.time_since_epoch().count();
}

// RFC 3339 in UTC with milliseconds and `Z`: 2026-03-01T12:00:00.000Z.
std::string format_rfc3339(Timestamp t);
// Reads RFC 3339 with any offset and 0–9 fractional digits (those past milliseconds are dropped).
// Errc::invalid for anything else, including dates that do not exist.
Result<Timestamp> parse_rfc3339(std::string_view text);

}  // namespace fanfare
