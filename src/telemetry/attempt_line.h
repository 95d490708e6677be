// The one wide line for each attempt: everything an operator asks about a delivery stands in it, so
// that no second line has to be found. Bodies, headers, query strings and secrets have no field
// here.
#pragma once

#include <string_view>

#include "telemetry/log.h"

namespace fanfare {

// Views live as long as the call. What does not apply stays empty or zero; its field is written all
// the same.
struct AttemptLine {
  std::string_view tenant{}, webhook{}, event{}, delivery{};  // ids as the API writes them
  std::string_view event_type{};
  std::string_view host{};  // of the receiver; never its path or query, which may carry tokens
  std::string_view peer{};  // address and port
  int run = 1;
  int number = 1;  // of the attempt in its run
  bool is_success = false;
  int status = 0;
  std::string_view error_kind{}, error{};
  std::string_view decision{};  // what happens next: "done", "retry", "give_up", "disable_webhook"
  std::string_view retry_at{};  // RFC 3339
  int duration_ms = 0;
};

// Failures are `info`; successes are `debug`, so that the hot path of a healthy server writes
// nothing.
void log_attempt(Log& log, const AttemptLine& line);

}  // namespace fanfare
