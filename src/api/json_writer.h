// JsonWriter: writes JSON text front to back into one string. Answers are written with it and not
// built as a tree first, and customers' data goes in byte for byte through raw(). Whatever bytes
// come in, what goes out is valid UTF-8. One thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace fanfare {

class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);

  // Values: elements of an array, or after key().
  JsonWriter& text_value(std::string_view value);
  JsonWriter& raw_value(std::string_view json);

  // Members.
  JsonWriter& text(std::string_view name, std::string_view value);
  JsonWriter& number(std::string_view name, std::int64_t value);
  JsonWriter& real(std::string_view name, double value);
  JsonWriter& flag(std::string_view name, bool value);
  JsonWriter& nothing(std::string_view name);
  JsonWriter& raw(std::string_view name, std::string_view json);
  JsonWriter& time(std::string_view name, Timestamp value);

  JsonWriter& text_or_null(std::string_view name, std::string_view value);  // empty = null
  JsonWriter& number_or_null(std::string_view name, std::optional<std::int64_t> value);
  JsonWriter& time_or_null(std::string_view name, std::optional<Timestamp> value);

  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool needs_comma_ = false;
};

}  // namespace fanfare
