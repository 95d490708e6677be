// The bytes of a row of the tail: lives, then counts. Numbers are LEB128; a count says by a bit set
// which of its numbers are not zero, since most are.
#include "base/leb128.h"
#include "storage/rollup_batch.h"

namespace fanfare {
namespace {

constexpr char kFormat = 1;  // the first byte

void put_uuid(std::string& out, const Uuid& uuid) {
  out.append(reinterpret_cast<const char*>(uuid.bytes.data()), uuid.bytes.size());
}

void put_text(std::string& out, std::string_view text) {
  append_leb128(out, text.size());
  out += text;
}

void put_time(std::string& out, Timestamp t) {
  append_signed_leb128(out, ms_of(t));
}

void put_streak(std::string& out, const FailureStreak& streak) {
  append_leb128(out, (static_cast<std::uint64_t>(streak.count) << 1) | (streak.is_reset ? 1 : 0));
  if (streak.count == 0) return;
  put_time(out, streak.first_at);
  put_time(out, streak.last_at);
}

void put_live(std::string& out, const RollupBatch::Live& live) {
  put_uuid(out, live.webhook.value);
  put_uuid(out, live.tenant.value);
  append_signed_leb128(out, live.change.open);
  put_streak(out, live.change.deliveries);
  put_streak(out, live.change.attempts);
  const LastAttemptMade& last = live.change.last;
  put_time(out, last.at);
  if (last.at == Timestamp{}) return;
  put_time(out, live.change.last_success_at);
  append_leb128(
      out, (static_cast<std::uint64_t>(last.response_status) << 1) | (last.is_success ? 1 : 0));
  put_text(out, last.error);
}

void put_counts(std::string& out, const RollupCounts& counts) {
  std::uint64_t present = counts.times.count() > 0 ? 1 : 0;
  std::uint64_t bit = 2;
  for (const auto number : RollupCounts::numbers()) {
    if (counts.*number != 0) present |= bit;
    bit <<= 1;
  }
  append_leb128(out, present);
  for (const auto number : RollupCounts::numbers()) {
    if (counts.*number != 0) append_signed_leb128(out, counts.*number);
  }
  if (counts.times.count() == 0) return;
  append_signed_leb128(out, counts.times.count());
  append_signed_leb128(out, counts.times.sum_ms());
  std::string buckets;
  counts.times.append_buckets(buckets);
  put_text(out, buckets);
}

// Takes values off the front of the bytes; once one is missing everything is, and `is_cut` says so.
class Source {
 public:
  explicit Source(std::string_view bytes) : bytes_(bytes) {}

  std::uint64_t number() { return taken(take_leb128(bytes_)); }
  std::int64_t signed_number() { return taken(take_signed_leb128(bytes_)); }
  Timestamp time() { return timestamp_of_ms(signed_number()); }
  std::string_view bytes(std::size_t count) {
    if (count > bytes_.size()) {
      is_cut_ = true;
      return {};
    }
    const std::string_view front = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return front;
  }
  std::string_view text() { return bytes(number()); }
  Uuid uuid() {
    Uuid uuid;
    const std::string_view front = bytes(uuid.bytes.size());
    std::copy(front.begin(), front.end(), uuid.bytes.begin());
    return uuid;
  }
  // How many of something follow, each of one byte at least.
  std::size_t how_many() {
    const std::uint64_t count = number();
    if (count > bytes_.size()) is_cut_ = true;
    return is_cut_ ? 0 : count;
  }
  bool is_cut() const { return is_cut_; }
  bool is_at_end() const { return bytes_.empty(); }

 private:
  template <class T>
  T taken(std::optional<T> value) {
    if (!value) is_cut_ = true;
    return value.value_or(0);
  }
  std::string_view bytes_;
  bool is_cut_ = false;
};

FailureStreak take_streak(Source& source) {
  FailureStreak streak;
  const std::uint64_t packed = source.number();
  streak.is_reset = (packed & 1) != 0;
  streak.count = static_cast<std::int64_t>(packed >> 1);
  if (streak.count == 0) return streak;
  streak.first_at = source.time();
  streak.last_at = source.time();
  return streak;
}

LiveState take_change(Source& source) {
  LiveState change;
  change.open = source.signed_number();
  change.deliveries = take_streak(source);
  change.attempts = take_streak(source);
  change.last.at = source.time();
  if (change.last.at == Timestamp{}) return change;
  change.last_success_at = source.time();
  const std::uint64_t packed = source.number();
  change.last.is_success = (packed & 1) != 0;
  change.last.response_status = static_cast<int>(packed >> 1);
  change.last.error = source.text();
  return change;
}

Result<RollupCounts> take_counts(Source& source) {
  RollupCounts counts;
  const std::uint64_t present = source.number();
  std::uint64_t bit = 2;
  for (const auto number : RollupCounts::numbers()) {
    if ((present & bit) != 0) counts.*number = source.signed_number();
    bit <<= 1;
  }
  if ((present & 1) == 0) return counts;
  const std::int64_t count = source.signed_number();
  const std::int64_t sum_ms = source.signed_number();
  TRY(counts.times, ResponseTimes::from_parts(count, sum_ms, source.text()));
  return counts;
}

tl::unexpected<Error> unreadable() {
  return fail(Errc::corrupt, "a row of rollup_tail cannot be read");
}

}  // namespace

std::string RollupBatch::encode() const {
  std::string out(1, kFormat);
  append_leb128(out, live_count_);
  for (const Live& live : lives()) put_live(out, live);
  append_leb128(out, count_count_);
  for (const Count& count : counts()) {
    append_leb128(out, count.live);
    append_signed_leb128(out, ms_of(count.minute) / length_of(Resolution::minute).count());
    put_text(out, count.event_type);
    put_counts(out, count.counts);
  }
  return out;
}

Result<RollupBatch> RollupBatch::decode(std::string_view bytes) {
  Source source(bytes);
  if (source.bytes(1) != std::string_view(&kFormat, 1)) return unreadable();
  RollupBatch batch;
  for (std::size_t left = source.how_many(); left > 0 && !source.is_cut(); --left) {
    const WebhookId webhook{source.uuid()};
    const TenantId tenant{source.uuid()};
    batch.lives_[batch.live_of(webhook, tenant)].change = take_change(source);
  }
  for (std::size_t left = source.how_many(); left > 0 && !source.is_cut(); --left) {
    const std::uint64_t live = source.number();
    const auto minute = source.signed_number();
    const std::string_view event_type = source.text();
    if (live >= batch.live_count_) return unreadable();
    TRY(const RollupCounts counts, take_counts(source));
    batch
        .counts_of(static_cast<std::uint32_t>(live), event_type,
                   timestamp_of_ms(minute * length_of(Resolution::minute).count()))
        .add(counts);
  }
  if (source.is_cut() || !source.is_at_end()) return unreadable();
  return batch;
}

}  // namespace fanfare
