#include "api/json_writer.h"

#include <array>
#include <charconv>

#include "base/json_text.h"

namespace fanfare {
void JsonWriter::separate() {
  if (needs_comma_) out_ += ',';
  needs_comma_ = true;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  needs_comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_lossy_json_string(out_, name);
  out_ += ':';
  needs_comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::text_value(std::string_view value) {
  separate();
  append_lossy_json_string(out_, value);
  return *this;
}

JsonWriter& JsonWriter::raw_value(std::string_view json) {
  separate();
  out_ += json;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view name, std::string_view value) {
  return key(name).text_value(value);
}

JsonWriter& JsonWriter::number(std::string_view name, std::int64_t value) {
  std::array<char, 24> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return key(name).raw_value({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

JsonWriter& JsonWriter::real(std::string_view name, double value) {
  std::array<char, 40> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return key(name).raw_value({digits.data(), static_cast<std::size_t>(end - digits.data())});
}

JsonWriter& JsonWriter::flag(std::string_view name, bool value) {
  return key(name).raw_value(value ? "true" : "false");
}

JsonWriter& JsonWriter::nothing(std::string_view name) {
  return key(name).raw_value("null");
}

JsonWriter& JsonWriter::raw(std::string_view name, std::string_view json) {
  return key(name).raw_value(json);
}

JsonWriter& JsonWriter::time(std::string_view name, Timestamp value) {
  return text(name, format_rfc3339(value));
}

JsonWriter& JsonWriter::text_or_null(std::string_view name, std::string_view value) {
  return value.empty() ? nothing(name) : text(name, value);
}

JsonWriter& JsonWriter::number_or_null(std::string_view name, std::optional<std::int64_t> value) {
  return value ? number(name, *value) : nothing(name);
}

JsonWriter& JsonWriter::time_or_null(std::string_view name, std::optional<Timestamp> value) {
  return value ? time(name, *value) : nothing(name);
}

}  // namespace fanfare
