// What a program found out, as one line of JSON on stdout: flat, numbers only, so no JSON library
// is needed. And the mark that travels inside each event, written by the load generator and read by
// the sink.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "bench/support/clock.h"

namespace fanfare::bench {

class Report {
 public:
  Report& add(std::string_view name, std::int64_t value);
  Report& add(std::string_view name, std::uint64_t value) {
    return add(name, static_cast<std::int64_t>(value));
  }
  // Writes the line to stdout and flushes it.
  void print() const;
  std::string line() const { return "{" + fields_ + "}\n"; }

 private:
  std::string fields_;
};

// Which event it is, when it was published, and whether inside the measured window. Its text has
// one fixed length, so it can be overwritten in a prepared request.
struct Mark {
  std::uint64_t sequence = 0;
  Nanoseconds published_at = 0;
  bool is_measured = false;

  static constexpr std::string_view kKey = "\"bench\":\"";
  static constexpr std::size_t kTextLength = 12 + 1 + 19 + 1 + 1;

  // Overwrites kTextLength characters at `text`: sequence.published_at.measured, zero-padded.
  void write(char* text) const;
  // Finds kKey in `body` and reads the mark behind it.
  static std::optional<Mark> find(std::string_view body);
};

}  // namespace fanfare::bench
