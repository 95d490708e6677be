#include "base/uuid.h"

#include <algorithm>

#include "base/assert.h"

namespace fanfare {
namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr std::size_t kTextLength = 26;
constexpr std::uint8_t kNoDigit = 0xFF;
constexpr std::uint64_t kTimeMax = (std::uint64_t{1} << 48) - 1;
constexpr std::uint64_t kHighMax = (std::uint64_t{1} << 12) - 1;
constexpr std::uint64_t kLowMax = (std::uint64_t{1} << 62) - 1;

constexpr std::array<std::uint8_t, 256> make_digit_values() {
  std::array<std::uint8_t, 256> values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<std::uint8_t>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}
constexpr std::array<std::uint8_t, 256> kDigitValues = make_digit_values();

std::uint64_t load_big_endian(const std::uint8_t* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | bytes[i];
  return value;
}

void store_big_endian(std::uint64_t value, std::uint8_t* bytes) {
  for (int i = 7; i >= 0; --i) {
    bytes[i] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
}

// RFC 9562 5.7: 48 bits of time, version 7, 12 bits, variant 10, 62 bits.
Uuid assemble(std::uint64_t ms, std::uint64_t high, std::uint64_t low) {
  Uuid id;
  store_big_endian((ms << 16) | 0x7000U | high, id.bytes.data());
  store_big_endian((std::uint64_t{2} << 62) | low, id.bytes.data() + 8);
  return id;
}

// A clock before 1970 or past the year 10889 has no UUIDv7; the nearest one stands in for it.
std::uint64_t clamped_ms(Timestamp t) {
  return static_cast<std::uint64_t>(
      std::clamp<std::int64_t>(ms_of(t), 0, static_cast<std::int64_t>(kTimeMax)));
}

}  // namespace

Timestamp Uuid::time() const {
  return timestamp_of_ms(static_cast<std::int64_t>(load_big_endian(bytes.data()) >> 16));
}

std::string format_crockford(const Uuid& id) {
  std::uint64_t high = load_big_endian(id.bytes.data());
  std::uint64_t low = load_big_endian(id.bytes.data() + 8);
  std::string text(kTextLength, '0');
  for (std::size_t i = kTextLength; i-- > 0;) {
    text[i] = kDigits[low & 31];
    low = (low >> 5) | (high << 59);
    high >>= 5;
  }
  return text;
}

Result<Uuid> parse_crockford(std::string_view digits) {
  // 26 digits hold 130 bits; the two above 128 must be zero, or one id would have several
  // spellings.
  bool is_well_formed =
      digits.size() == kTextLength && digits.front() >= '0' && digits.front() <= '7';
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  for (const char c : digits) {
    const std::uint8_t value = kDigitValues[static_cast<std::uint8_t>(c)];
    is_well_formed = is_well_formed && value != kNoDigit;
    high = (high << 5) | (low >> 59);
    low = (low << 5) | (value & 31U);
  }
  if (!is_well_formed) {
    return fail(Errc::invalid,
                "an id ends in 26 lower-case base32 digits (0-9, a-z without i, l, o and u)");
  }
  Uuid id;
  store_big_endian(high, id.bytes.data());
  store_big_endian(low, id.bytes.data() + 8);
  return id;
}

Uuid successor(Uuid id) {
  for (auto byte = id.bytes.rbegin(); byte != id.bytes.rend(); ++byte) {
    if (++*byte != 0) break;
  }
  return id;
}

Uuid uuid7_floor(Timestamp t) {
  return assemble(clamped_ms(t), 0, 0);
}

Uuid Uuid7Sequence::next(Timestamp now) {
  const std::uint64_t ms = clamped_ms(now);
  if (ms > last_ms_) {
    start_millisecond(ms);
  } else if (low_ < kLowMax) {
    ++low_;
  } else if (high_ < kHighMax) {
    ++high_;
    low_ = 0;
  } else {
    // The counter of this millisecond is used up: borrow the next one, so that order holds.
    FANFARE_ASSERT(last_ms_ < kTimeMax);
    start_millisecond(last_ms_ + 1);
  }
  return assemble(last_ms_, high_, low_);
}

void Uuid7Sequence::resume_after(const Uuid& last) {
  if (last <= assemble(last_ms_, high_, low_)) return;
  const std::uint64_t head = load_big_endian(last.bytes.data());
  last_ms_ = head >> 16;
  high_ = head & kHighMax;
  low_ = load_big_endian(last.bytes.data() + 8) & kLowMax;
}

void Uuid7Sequence::start_millisecond(std::uint64_t ms) {
  std::array<std::uint8_t, 16> bits;
  random_.fill(bits);
  last_ms_ = ms;
  high_ = load_big_endian(bits.data()) & kHighMax;
  low_ = load_big_endian(bits.data() + 8) & kLowMax;
}

}  // namespace fanfare
