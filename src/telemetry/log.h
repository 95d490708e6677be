// Log: structured lines on standard error, for people (`pretty`) or machines (`json`: one object a
// line). A line is a fixed message and named fields, so that it can be searched by field and
// nothing that came from outside can forge a line, a field or a terminal sequence: every value is
// escaped. Secrets print as ***.
//
// Any thread. A line whose level is off costs one comparison, if its fields are cheap to name; ask
// is_on() first where they are not. The library behind it shows in log.cc only.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <variant>

#include "base/clock.h"
#include "base/secret.h"

namespace fanfare {

enum class LogLevel { debug, info, warning, error, off };
enum class LogFormat { pretty, json };

// By the names that configuration uses: "debug", "info", "warning", "error", "off"; "pretty",
// "json".
std::optional<LogLevel> log_level_named(std::string_view name);
std::optional<LogFormat> log_format_named(std::string_view name);

// One named value. Holds views: it lives as long as the call it is written in.
class LogField {
 public:
  using Value = std::variant<std::string_view, std::int64_t, bool>;

  LogField(std::string_view name, std::string_view text) : name_(name), value_(text) {}
  LogField(std::string_view name, const char* text) : LogField(name, std::string_view(text)) {}
  LogField(std::string_view name, const std::string& text)
      : LogField(name, std::string_view(text)) {}
  LogField(std::string_view name, const Secret&) : LogField(name, std::string_view("***")) {}
  LogField(std::string_view name, bool claim) : name_(name), value_(claim) {}
  template <class T>
    requires(std::is_integral_v<T> && !std::is_same_v<T, bool>)
  LogField(std::string_view name, T number)
      : name_(name), value_(static_cast<std::int64_t>(number)) {}

  std::string_view name() const { return name_; }
  const Value& value() const { return value_; }

 private:
  std::string_view name_;
  Value value_;
};

struct LogOptions {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::pretty;
};

class Log {
 public:
  // To standard error.
  Log(LogOptions options, const Clock& clock);
  // To a stream that outlives the log.
  Log(LogOptions options, const Clock& clock, std::ostream& out);
  ~Log();

  bool is_on(LogLevel level) const { return level >= level_ && level != LogLevel::off; }
  // `message` is fixed text, the same for every line of its kind; what varies goes into fields.
  void write(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});

 private:
  struct Impl;
  const LogLevel level_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace fanfare
