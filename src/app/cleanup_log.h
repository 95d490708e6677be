// One log line for each cleanup that removed something or failed.
#pragma once

#include <functional>

#include "domain/retention.h"
#include "telemetry/log.h"

namespace fanfare {

// What is returned may run on any thread; `log` outlives it.
std::function<void(const Result<CleanupReport>&)> cleanup_logger(Log& log);

}  // namespace fanfare
