#include "telemetry/attempt_line.h"

namespace fanfare {

// Every field is always there: a line that is missing one cannot be told from a line that was never
// looked at by the tools that count them, and a fixed list needs no allocation.
void log_attempt(Log& log, const AttemptLine& line) {
  const LogLevel level = line.is_success ? LogLevel::debug : LogLevel::info;
  if (!log.is_on(level)) return;
  log.write(level, line.is_success ? "attempt succeeded" : "attempt failed",
            {{"tenant", line.tenant},
             {"webhook", line.webhook},
             {"event", line.event},
             {"delivery", line.delivery},
             {"event_type", line.event_type},
             {"run", line.run},
             {"attempt", line.number},
             {"host", line.host},
             {"peer", line.peer},
             {"status", line.status},
             {"duration_ms", line.duration_ms},
             {"error_kind", line.error_kind},
             {"error", line.error},
             {"decision", line.decision},
             {"retry_at", line.retry_at}});
}

}  // namespace fanfare
