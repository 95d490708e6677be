#include "base/random.h"

#include <array>
#include <cerrno>
#include <sys/random.h>

#include "base/assert.h"

namespace fanfare {

double Random::uniform01() {
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  std::uint64_t value = 0;
  for (const std::uint8_t byte : bytes) value = (value << 8) | byte;
  // 53 bits are what a double holds exactly, so 1.0 itself cannot come out by rounding.
  return static_cast<double>(value >> 11) * 0x1.0p-53;
}

void SystemRandom::fill(std::span<std::uint8_t> out) {
  while (!out.empty()) {
    const ssize_t got = ::getrandom(out.data(), out.size(), 0);
    // Once the pool is seeded the only failure of a correct call is an interruption; going on
    // without random bytes would mean predictable keys.
    FANFARE_ASSERT(got > 0 || (got < 0 && errno == EINTR));
    if (got > 0) out = out.subspan(static_cast<std::size_t>(got));
  }
}

void SeededRandom::fill(std::span<std::uint8_t> out) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (i % 8 == 0) {
      constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15ULL;
      value = state_.fetch_add(kStep) + kStep;
      value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9ULL;
      value = (value ^ (value >> 27)) * 0x94D049BB133111EBULL;
      value ^= value >> 31;
    }
    out[i] = static_cast<std::uint8_t>(value >> (8 * (i % 8)));
  }
}

}  // namespace fanfare
