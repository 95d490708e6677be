#include "bench/support/report.h"

#include <charconv>
#include <iostream>

namespace fanfare::bench {
namespace {

constexpr std::size_t kSequenceDigits = 12;
constexpr std::size_t kTimeDigits = 19;

void write_padded(char* text, std::size_t digits, std::uint64_t value) {
  for (std::size_t at = digits; at-- > 0; value /= 10)
    text[at] = static_cast<char>('0' + value % 10);
}

template <class Number>
bool read_digits(const char* text, std::size_t digits, Number& value) {
  const auto parsed = std::from_chars(text, text + digits, value);
  return parsed.ec == std::errc{} && parsed.ptr == text + digits;
}

}  // namespace

Report& Report::add(std::string_view name, std::int64_t value) {
  if (!fields_.empty()) fields_ += ", ";
  fields_.append("\"").append(name).append("\": ").append(std::to_string(value));
  return *this;
}

void Report::print() const {
  std::cout << line() << std::flush;
}

void Mark::write(char* text) const {
  write_padded(text, kSequenceDigits, sequence);
  text[kSequenceDigits] = '.';
  write_padded(text + kSequenceDigits + 1, kTimeDigits, static_cast<std::uint64_t>(published_at));
  text[kTextLength - 2] = '.';
  text[kTextLength - 1] = is_measured ? '1' : '0';
}

std::optional<Mark> Mark::find(std::string_view body) {
  const auto key = body.find(kKey);
  if (key == std::string_view::npos) return std::nullopt;
  const auto text = body.substr(key + kKey.size());
  Mark mark;
  if (text.size() < kTextLength || !read_digits(text.data(), kSequenceDigits, mark.sequence) ||
      !read_digits(text.data() + kSequenceDigits + 1, kTimeDigits, mark.published_at)) {
    return std::nullopt;
  }
  mark.is_measured = text[kTextLength - 1] == '1';
  return mark;
}

}  // namespace fanfare::bench
