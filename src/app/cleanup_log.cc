#include "app/cleanup_log.h"

namespace fanfare {

std::function<void(const Result<CleanupReport>&)> cleanup_logger(Log& log) {
  return [&log](const Result<CleanupReport>& result) {
    if (!result) {
      log.write(LogLevel::warning, "the cleanup is held up and goes on later",
                {{"reason", result.error().message}});
      return;
    }
    const RetentionCounts& removed = result->removed;
    if (removed.total() == 0) return;
    log.write(LogLevel::info, "removed what is kept no longer",
              {{"events", removed.events},
               {"attempts", removed.attempts},
               {"deliveries", removed.deliveries},
               {"open_deliveries_expired", removed.runs_ended},
               {"broadcasts", removed.broadcasts},
               {"webhook_versions", removed.webhook_versions},
               {"audit_entries", removed.audit_entries},
               {"duration_ms", result->duration.count()}});
  };
}

}  // namespace fanfare
