// UUIDv7 (RFC 9562 5.7) and its text form in the API: prefix, underscore, 26 Crockford base32
// digits.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"

namespace fanfare {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  auto operator<=>(const Uuid&) const = default;
  bool is_nil() const { return *this == Uuid{}; }
  // The time inside a UUIDv7.
  Timestamp time() const;
};

// 26 lower-case Crockford base32 digits; the order of the text is the order of the bytes.
std::string format_crockford(const Uuid& id);
// Lower case only and no look-alikes, so that every id has one spelling. Errc::invalid otherwise.
Result<Uuid> parse_crockford(std::string_view digits);

// The smallest UUIDv7 of a millisecond: the lower bound of a range of ids by time.
Uuid uuid7_floor(Timestamp t);

// The first value after this one.
Uuid successor(Uuid id);

// Makes UUIDv7s that only grow: within a millisecond, and when the clock goes back, the 74 bits
// after the time are counted up from a random start (RFC 9562 6.2, method 2). One thread.
class Uuid7Sequence {
 public:
  explicit Uuid7Sequence(Random& random) : random_(random) {}
  Uuid next(Timestamp now);
  // Every later id is greater than this one: told the newest stored id at start-up, in case the
  // clock went back.
  void resume_after(const Uuid& last);

 private:
  void start_millisecond(std::uint64_t ms);

  Random& random_;
  std::uint64_t last_ms_ = 0;
  std::uint64_t high_ = 0;  // 12 bits: rand_a
  std::uint64_t low_ = 0;   // 62 bits: rand_b
};

// An id that knows what it names. Tag has `static constexpr std::string_view kPrefix`.
template <class Tag>
struct Id {
  Uuid value;

  auto operator<=>(const Id&) const = default;
  bool is_nil() const { return value.is_nil(); }
  static Id from(const Uuid& uuid) { return Id{uuid}; }
};

template <class Tag>
std::string to_string(const Id<Tag>& id) {
  std::string text(Tag::kPrefix);
  text += '_';
  text += format_crockford(id.value);
  return text;
}

// Errc::invalid unless `text` is the right prefix, an underscore and 26 digits.
template <class Tag>
Result<Id<Tag>> parse_id(std::string_view text) {
  const std::string_view prefix = Tag::kPrefix;
  if (text.size() != prefix.size() + 27 || !text.starts_with(prefix) ||
      text[prefix.size()] != '_') {
    return fail(Errc::invalid, "an id here is \"" + std::string(prefix) +
                                   "_\" and 26 characters, such as the ones this API returns");
  }
  TRY(const Uuid uuid, parse_crockford(text.substr(prefix.size() + 1)));
  return Id<Tag>{uuid};
}

}  // namespace fanfare

template <>
struct std::hash<fanfare::Uuid> {
  std::size_t operator()(const fanfare::Uuid& id) const noexcept {
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < 16; ++i) low = (low << 8) | id.bytes[i];
    std::uint64_t high = 0;
    for (std::size_t i = 0; i < 8; ++i) high = (high << 8) | id.bytes[i];
    return static_cast<std::size_t>((low ^ (high * 0x9E3779B97F4A7C15ULL)) * 0xBF58476D1CE4E5B9ULL);
  }
};
template <class Tag>
struct std::hash<fanfare::Id<Tag>> {
  std::size_t operator()(const fanfare::Id<Tag>& id) const noexcept {
    return std::hash<fanfare::Uuid>{}(id.value);
  }
};
