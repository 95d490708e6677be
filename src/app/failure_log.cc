#include "app/failure_log.h"

namespace fanfare {

std::function<void(const FailureNotice&)> failure_logger(Log& log) {
  return [&log](const FailureNotice& notice) {
    const std::string webhook = to_string(notice.webhook->id);
    const std::string tenant = to_string(notice.webhook->tenant);
    const bool is_disabled = notice.decision.verdict == DisableDecision::Verdict::disable;
    log.write(LogLevel::warning,
              is_disabled ? "a webhook was disabled because it keeps failing"
                          : "a webhook keeps failing and is about to be disabled",
              {{"webhook", webhook},
               {"tenant", tenant},
               {"failures", notice.decision.failures},
               {"detail", notice.decision.detail}});
  };
}

}  // namespace fanfare
