// Durations as people write them in retry schedules: 5s, 30m, 1h30m.
#include <algorithm>

#include "base/assert.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
// Largest first; a text names them in this order, each at most once.
constexpr Unit kUnits[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1000}, {"ms", 1}};
constexpr std::size_t kUnitCount = std::size(kUnits);
// A hundred years: far beyond every bound on delays, and far from overflowing.
constexpr std::int64_t kDurationMsMax = 36'525 * kUnits[0].ms;

std::string_view take_while(std::string_view& text, std::string_view any_of) {
  const std::string_view taken = text.substr(0, text.find_first_not_of(any_of));
  text.remove_prefix(taken.size());
  return taken;
}

// The number that `digits` spell, or kDurationMsMax + 1 if it is larger than that.
std::int64_t count_of(std::string_view digits) {
  std::int64_t count = 0;
  for (const char digit : digits) count = std::min(count * 10 + (digit - '0'), kDurationMsMax + 1);
  return count;
}

// Written with the chosen units alone (bit n = kUnits[n]); empty if they do not add up to it.
std::string written_with(std::int64_t ms, unsigned units) {
  std::string text;
  for (std::size_t i = 0; i < kUnitCount; ++i) {
    if ((units >> i & 1) == 0 || ms < kUnits[i].ms) continue;
    text += std::to_string(ms / kUnits[i].ms);
    text += kUnits[i].name;
    ms %= kUnits[i].ms;
  }
  return ms == 0 ? text : std::string();
}

}  // namespace

Result<Millis> parse_duration(std::string_view text) {
  const auto refused = [text] {
    return fail(Errc::invalid,
                "\"" + std::string(text.substr(0, 40)) +
                    "\" is not a duration; write it as 5s, 30m, 2h, 14d, 250ms or 1h30m");
  };
  if (text.empty()) return refused();
  std::int64_t total = 0;
  std::size_t next_unit = 0;
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view digits = take_while(rest, "0123456789");
    const std::string_view name = take_while(rest, "dhms");
    while (next_unit < kUnitCount && kUnits[next_unit].name != name) ++next_unit;
    if (digits.empty() || next_unit == kUnitCount) return refused();
    const std::int64_t count = count_of(digits);
    const std::int64_t unit_ms = kUnits[next_unit++].ms;
    if (count > (kDurationMsMax - total) / unit_ms) return refused();
    total += count * unit_ms;
  }
  return Millis{total};
}

std::string format_duration(Millis duration) {
  FANFARE_ASSERT(duration >= Millis{0});
  if (duration == Millis{0}) return "0s";
  // All 31 choices of units are tried: 90m is shorter than 1h30m, but 1h1ms shorter than 3600001ms.
  // Of equally short ones the one with the larger units wins.
  std::string shortest = written_with(duration.count(), 1U << (kUnitCount - 1));
  for (unsigned units = 1; units < 1U << kUnitCount; ++units) {
    const std::string text = written_with(duration.count(), units);
    if (!text.empty() && text.size() < shortest.size()) shortest = text;
  }
  return shortest;
}

}  // namespace fanfare
