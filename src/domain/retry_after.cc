// The Retry-After header. A receiver writes it, so anything may be in it: what is not exactly one
// of the four forms of RFC 9110 is as good as absent.
#include <algorithm>
#include <array>

#include "domain/retry_policy.h"

namespace fanfare {
namespace {

constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr std::array<std::string_view, 7> kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
constexpr std::array<std::string_view, 7> kLongDays = {
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
// Longer than any wait that is granted; keeps a hundred digits from overflowing.
constexpr std::int64_t kDeltaSecondsMax = 1'000'000'000;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes parts of a date from the front. After a failure every further call fails too, so the caller
// asks once.
class DateText {
 public:
  explicit DateText(std::string_view text) : rest_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (rest_.empty() || !is_digit(rest_.front())) ok_ = false;
      if (!ok_) return 0;
      value = value * 10 + (rest_.front() - '0');
      rest_.remove_prefix(1);
    }
    return value;
  }
  void literal(std::string_view text) {
    ok_ = ok_ && rest_.starts_with(text);
    if (ok_) rest_.remove_prefix(text.size());
  }
  // The place, from 1, of the name that comes next.
  template <std::size_t N>
  unsigned one_of(const std::array<std::string_view, N>& names) {
    const auto found = std::find_if(names.begin(), names.end(), [this](std::string_view name) {
      return rest_.starts_with(name);
    });
    ok_ = ok_ && found != names.end();
    if (!ok_) return 1;
    rest_.remove_prefix(found->size());
    return static_cast<unsigned>(found - names.begin()) + 1;
  }
  // Day of the month as asctime writes it: two places, the first may be a space.
  int padded_day() {
    if (!rest_.starts_with(' ')) return number(2);
    literal(" ");
    return number(1);
  }
  Millis time_of_day() {
    const int hour = number(2);
    literal(":");
    const int minute = number(2);
    literal(":");
    const int second = number(2);  // 60 is a leap second, which the grammar allows
    ok_ = ok_ && hour <= 23 && minute <= 59 && second <= 60;
    return std::chrono::hours{hour} + std::chrono::minutes{minute} + std::chrono::seconds{second};
  }
  bool is_complete() const { return ok_ && rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

struct Date {
  int year = 0;
  unsigned month = 1;
  int day = 0;
  Millis time_of_day{0};
};

std::optional<Timestamp> timestamp_of(const DateText& text, const Date& date) {
  const std::chrono::year_month_day day{std::chrono::year{date.year},
                                        std::chrono::month{date.month},
                                        std::chrono::day{static_cast<unsigned>(date.day)}};
  if (!text.is_complete() || !day.ok()) return std::nullopt;
  return Timestamp{std::chrono::sys_days{day}} + date.time_of_day;
}

// Sun, 06 Nov 1994 08:49:37 GMT
std::optional<Timestamp> parse_imf_fixdate(std::string_view value) {
  DateText text(value);
  Date date;
  text.one_of(kDays);
  text.literal(", ");
  date.day = text.number(2);
  text.literal(" ");
  date.month = text.one_of(kMonths);
  text.literal(" ");
  date.year = text.number(4);
  text.literal(" ");
  date.time_of_day = text.time_of_day();
  text.literal(" GMT");
  return timestamp_of(text, date);
}

// Sunday, 06-Nov-94 08:49:37 GMT. A year that would be more than 50 years ahead is the one a
// century earlier.
std::optional<Timestamp> parse_rfc850_date(std::string_view value, Timestamp now) {
  DateText text(value);
  Date date;
  text.one_of(kLongDays);
  text.literal(", ");
  date.day = text.number(2);
  text.literal("-");
  date.month = text.one_of(kMonths);
  text.literal("-");
  const int two_digits = text.number(2);
  const auto today = std::chrono::year_month_day{std::chrono::floor<std::chrono::days>(now)};
  const int this_year = static_cast<int>(today.year());
  date.year = this_year - this_year % 100 + two_digits;
  if (date.year > this_year + 50) date.year -= 100;
  if (date.year <= this_year - 50) date.year += 100;
  text.literal(" ");
  date.time_of_day = text.time_of_day();
  text.literal(" GMT");
  return timestamp_of(text, date);
}

// Sun Nov  6 08:49:37 1994
std::optional<Timestamp> parse_asctime_date(std::string_view value) {
  DateText text(value);
  Date date;
  text.one_of(kDays);
  text.literal(" ");
  date.month = text.one_of(kMonths);
  text.literal(" ");
  date.day = text.padded_day();
  text.literal(" ");
  date.time_of_day = text.time_of_day();
  text.literal(" ");
  date.year = text.number(4);
  return timestamp_of(text, date);
}

std::string_view trimmed(std::string_view value) {
  const std::size_t first = value.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return value.substr(first, value.find_last_not_of(" \t") - first + 1);
}

Millis delta_seconds(std::string_view digits) {
  std::int64_t seconds = 0;
  for (const char digit : digits) {
    seconds = std::min(seconds * 10 + (digit - '0'), kDeltaSecondsMax);
  }
  return std::chrono::seconds{seconds};
}

}  // namespace

std::optional<Millis> parse_retry_after(std::string_view value, Timestamp now) {
  value = trimmed(value);
  if (value.empty()) return std::nullopt;
  if (std::all_of(value.begin(), value.end(), is_digit)) return delta_seconds(value);
  std::optional<Timestamp> when = parse_imf_fixdate(value);
  if (!when) when = parse_rfc850_date(value, now);
  if (!when) when = parse_asctime_date(value);
  if (!when || *when <= now) return std::nullopt;
  return *when - now;
}

}  // namespace fanfare
