// What the verbs that are a server (serve, dev) share: signals, the log, the address to call.
#pragma once

#include <csignal>
#include <cstdint>
#include <string>

#include "base/clock.h"
#include "config/config.h"
#include "telemetry/log.h"

namespace fanfare {

// Signals that end the server are taken by sigwait in the main thread: blocked before any thread
// starts, so that all inherit it.
sigset_t block_signals();
// Returns when one of them comes; the next one ends the process.
void wait_for_signal(const sigset_t& signals);

// As the configuration asks for, with its warnings written. `clock` outlives it.
class ServerLog {
 public:
  ServerLog(const Config& config, const Clock& clock);
  Log& log() { return log_; }

 private:
  Log log_;
};

}  // namespace fanfare
