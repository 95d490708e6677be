#include "base/time.h"

#include <algorithm>

namespace fanfare {
namespace {

using std::chrono::year_month_day;

constexpr std::int64_t kMsPerDay = 86'400'000;

constexpr Timestamp start_of(int year) {
  return std::chrono::sys_days{std::chrono::year{year} / std::chrono::January / 1};
}
// RFC 3339 years have four digits.
constexpr Timestamp kFirst = start_of(0);
constexpr Timestamp kLast = start_of(10'000) - Millis{1};

void put_digits(char* out, unsigned value, int width) {
  for (int i = width - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

// Takes fixed-width fields from the front of a text. After a failure every further call fails too,
// so the caller checks once.
class Fields {
 public:
  explicit Fields(std::string_view text) : rest_(text) {}

  int digits(std::size_t width) {
    int value = 0;
    for (std::size_t i = 0; i < width; ++i) value = value * 10 + digit();
    return value;
  }
  int digit() {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '9') {
      ok_ = false;
      return 0;
    }
    const int value = rest_.front() - '0';
    rest_.remove_prefix(1);
    return value;
  }
  // Takes one character of `any_of`; 0 if another one comes.
  char one_of(std::string_view any_of) {
    if (rest_.empty() || any_of.find(rest_.front()) == std::string_view::npos) {
      ok_ = false;
      return 0;
    }
    const char found = rest_.front();
    rest_.remove_prefix(1);
    return found;
  }
  bool next_is_digit() const {
    return !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9';
  }
  bool next_is(char c) const { return !rest_.empty() && rest_.front() == c; }
  void refuse_unless(bool condition) { ok_ = ok_ && condition; }
  bool is_complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

std::chrono::sys_days take_date(Fields& fields) {
  const int year = fields.digits(4);
  fields.one_of("-");
  const int month = fields.digits(2);
  fields.one_of("-");
  const int day = fields.digits(2);
  const year_month_day date{std::chrono::year{year},
                            std::chrono::month{static_cast<unsigned>(month)},
                            std::chrono::day{static_cast<unsigned>(day)}};
  fields.refuse_unless(date.ok());
  return date.ok() ? std::chrono::sys_days{date} : std::chrono::sys_days{};
}

// A leap second (:60) is refused: a count of milliseconds since 1970 has no value for it.
Millis take_time_of_day(Fields& fields) {
  const int hour = fields.digits(2);
  fields.one_of(":");
  const int minute = fields.digits(2);
  fields.one_of(":");
  const int second = fields.digits(2);
  fields.refuse_unless(hour <= 23 && minute <= 59 && second <= 59);
  return std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
}

Millis take_fraction(Fields& fields) {
  if (!fields.next_is('.')) return Millis{0};
  fields.one_of(".");
  int ms = 0;
  int count = 0;
  for (; count < 9 && (count == 0 || fields.next_is_digit()); ++count) {
    const int digit = fields.digit();
    if (count < 3) ms = ms * 10 + digit;
  }
  for (; count < 3; ++count) ms *= 10;
  return Millis{ms};
}

// How far the written time is ahead of UTC.
Millis take_offset(Fields& fields) {
  const char sign = fields.one_of("Zz+-");
  if (sign != '+' && sign != '-') return Millis{0};
  const int hours = fields.digits(2);
  fields.one_of(":");
  const int minutes = fields.digits(2);
  fields.refuse_unless(hours <= 23 && minutes <= 59);
  const Millis offset = std::chrono::hours{hours} + std::chrono::minutes{minutes};
  return sign == '+' ? offset : -offset;
}

}  // namespace

std::string format_rfc3339(Timestamp t) {
  // A value outside the four-digit years shows as the nearest one that has a text, since there is
  // no other.
  const Timestamp shown = std::clamp(t, kFirst, kLast);
  const auto day = std::chrono::floor<std::chrono::days>(shown);
  const year_month_day date{day};
  const auto ms = static_cast<unsigned>((shown - day).count() % kMsPerDay);
  std::string text = "0000-00-00T00:00:00.000Z";
  put_digits(&text[0], static_cast<unsigned>(static_cast<int>(date.year())), 4);
  put_digits(&text[5], static_cast<unsigned>(date.month()), 2);
  put_digits(&text[8], static_cast<unsigned>(date.day()), 2);
  put_digits(&text[11], ms / 3'600'000, 2);
  put_digits(&text[14], ms / 60'000 % 60, 2);
  put_digits(&text[17], ms / 1000 % 60, 2);
  put_digits(&text[20], ms % 1000, 3);
  return text;
}

Result<Timestamp> parse_rfc3339(std::string_view text) {
  Fields fields(text);
  const auto day = take_date(fields);
  fields.one_of("Tt");
  Millis since_midnight = take_time_of_day(fields);
  since_midnight += take_fraction(fields);
  since_midnight -= take_offset(fields);
  const Timestamp t = Timestamp{day} + since_midnight;
  if (!fields.is_complete() || t < kFirst || t > kLast) {
    return fail(Errc::invalid, "a time here is RFC 3339, such as 2026-03-01T12:00:00.000Z");
  }
  return t;
}

}  // namespace fanfare
