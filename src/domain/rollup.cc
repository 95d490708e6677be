#include "domain/rollup.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/leb128.h"
#include "domain/name_table.h"

namespace fanfare {
namespace {

constexpr Named<Resolution> kResolutions[] = {
    {Resolution::minute, "minute"}, {Resolution::hour, "hour"}, {Resolution::day, "day"}};

constexpr std::uint32_t kBucketMax = std::numeric_limits<std::uint32_t>::max();

std::size_t bucket_of(int ms) {
  const auto& upper = ResponseTimes::kUpperMs;
  const auto found = std::lower_bound(upper.begin(), upper.end(), ms);
  return std::min(static_cast<std::size_t>(found - upper.begin()), upper.size() - 1);
}

std::uint32_t added(std::uint32_t a, std::uint64_t b) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(kBucketMax, a + b));
}

}  // namespace

std::string_view name_of(Resolution resolution) {
  return name_in(kResolutions, resolution);
}

std::optional<Resolution> resolution_named(std::string_view name) {
  return value_in(kResolutions, name);
}

Millis length_of(Resolution resolution) {
  if (resolution == Resolution::minute) return std::chrono::minutes{1};
  return resolution == Resolution::hour ? std::chrono::hours{1} : std::chrono::hours{24};
}

Timestamp floor_to(Timestamp t, Resolution resolution) {
  const std::int64_t length = length_of(resolution).count();
  const std::int64_t ms = ms_of(t);
  const std::int64_t past = ((ms % length) + length) % length;
  return timestamp_of_ms(ms - past);
}

// ---- response times ----

void ResponseTimes::add(int ms) {
  ++count_;
  sum_ms_ += ms;
  std::uint32_t& bucket = buckets_[bucket_of(ms)];
  bucket = added(bucket, 1);
}

void ResponseTimes::add(const ResponseTimes& other) {
  if (other.count_ == 0) return;
  count_ += other.count_;
  sum_ms_ += other.sum_ms_;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    buckets_[i] = added(buckets_[i], other.buckets_[i]);
  }
}

std::optional<int> ResponseTimes::average_ms() const {
  if (count_ == 0) return std::nullopt;
  return static_cast<int>((sum_ms_ + count_ / 2) / count_);
}

std::optional<int> ResponseTimes::quantile_ms(double q) const {
  std::uint64_t total = 0;
  for (const std::uint32_t bucket : buckets_) total += bucket;
  if (total == 0) return std::nullopt;
  const double rank = std::max(1.0, std::ceil(q * static_cast<double>(total)));
  double below = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const auto here = static_cast<double>(buckets_[i]);
    if (here > 0 && below + here >= rank) {
      const double low = i == 0 ? 0.0 : kUpperMs[i - 1];
      return static_cast<int>(std::lround(low + (kUpperMs[i] - low) * (rank - below) / here));
    }
    below += here;
  }
  return kUpperMs.back();
}

void ResponseTimes::append_buckets(std::string& out) const {
  std::uint64_t empty = 0;
  for (const std::uint32_t bucket : buckets_) {
    if (bucket == 0) {
      ++empty;
      continue;
    }
    append_leb128(out, empty);
    append_leb128(out, bucket);
    empty = 0;
  }
}

Result<ResponseTimes> ResponseTimes::from_parts(std::int64_t count, std::int64_t sum_ms,
                                                std::string_view buckets) {
  ResponseTimes times;
  times.count_ = count;
  times.sum_ms_ = sum_ms;
  std::uint64_t at = 0;
  while (!buckets.empty()) {
    const auto empty = take_leb128(buckets);
    const auto held = empty ? take_leb128(buckets) : std::nullopt;
    if (!held || *empty >= times.buckets_.size() - at || *held > kBucketMax) {
      return fail(Errc::corrupt, "stored response times cannot be read");
    }
    at += *empty;
    times.buckets_[at] = static_cast<std::uint32_t>(*held);
    ++at;
    if (at == times.buckets_.size() && !buckets.empty()) {
      return fail(Errc::corrupt, "stored response times have too many buckets");
    }
  }
  return times;
}

void RollupCounts::add(const RollupCounts& other) {
  for (const auto number : numbers()) this->*number += other.*number;
  times.add(other.times);
}

std::optional<double> RollupCounts::success_rate() const {
  const std::int64_t ended = succeeded + failed;
  if (ended == 0) return std::nullopt;
  return static_cast<double>(succeeded) / static_cast<double>(ended);
}

// ---- live state ----

void FailureStreak::fail(Timestamp at) {
  if (count == 0) first_at = at;
  last_at = std::max(last_at, at);
  ++count;
}

// The clock stood still from the last failure before the change to the last one in it.
void FailureStreak::excuse(const FailureStreak& before) {
  if (count == 0) return;
  excused = count;
  const bool goes_on = !is_reset && before.count > 0;
  excused_for = std::max(Millis{0}, last_at - (goes_on ? before.last_at : first_at));
}

void FailureStreak::then(const FailureStreak& next) {
  if (next.is_reset) {
    *this = next;
    return;
  }
  if (next.count == 0) return;
  if (count == 0) first_at = next.first_at;
  count += next.count;
  excused += next.excused;
  excused_for += next.excused_for;
  last_at = std::max(last_at, next.last_at);
}

void LiveState::then(const LiveState& next) {
  open += next.open;
  deliveries.then(next.deliveries);
  attempts.then(next.attempts);
  if (next.last.at != Timestamp{}) last = next.last;
  last_success_at = std::max(last_success_at, next.last_success_at);
}

}  // namespace fanfare
