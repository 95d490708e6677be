// The one door to randomness: keys, nonces, ids and jitter. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

namespace fanfare {

class Random {
 public:
  virtual ~Random() = default;
  // Fills with bytes fit for keys.
  virtual void fill(std::span<std::uint8_t> out) = 0;
  // Uniform in [0, 1).
  double uniform01();
};

// getrandom(2).
class SystemRandom final : public Random {
 public:
  void fill(std::span<std::uint8_t> out) override;
};

// The same bytes for the same seed (SplitMix64): tests only, never keys.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(std::span<std::uint8_t> out) override;

 private:
  std::atomic<std::uint64_t> state_;
};

}  // namespace fanfare
