// How one log line is spelled. Pure. Whatever bytes a value holds, the result is one line of valid
// UTF-8 in which the value ends where it should.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "telemetry/log.h"

namespace fanfare {

struct LogLine {
  Timestamp at;
  LogLevel level = LogLevel::info;
  std::string_view message;
  std::initializer_list<LogField> fields;
};

// 2026-03-01T12:00:00.000Z INFO    attempt failed  webhook=wh_1 status=500 error="connection reset"
std::string pretty_line(const LogLine& line);
// {"ts":"2026-03-01T12:00:00.000Z","level":"info","msg":"attempt
// failed","webhook":"wh_1","status":500}
std::string json_line(const LogLine& line);

}  // namespace fanfare
