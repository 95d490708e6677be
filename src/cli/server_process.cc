#include "cli/server_process.h"

#include <iostream>
#include <pthread.h>

namespace fanfare {

sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file at its size limit is a failed write, not the end of the process
  return signals;
}

void wait_for_signal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  std::cerr << "\nfanfare: stopping ("
            << (signal == SIGINT ? "Ctrl-C; once more to stop at once" : "SIGTERM") << ")…\n";
  pthread_sigmask(SIG_UNBLOCK, &signals,
                  nullptr);  // a second one ends the process: the journal makes that safe
}

ServerLog::ServerLog(const Config& config, const Clock& clock)
    : log_(LogOptions{.level = log_level_named(config.log_level).value_or(LogLevel::info),
                      .format = log_format_named(config.log_format).value_or(LogFormat::pretty)},
           clock) {
  for (const std::string& warning : config.warnings)
    log_.write(LogLevel::warning, "configuration", {{"warning", warning}});
}

}  // namespace fanfare
