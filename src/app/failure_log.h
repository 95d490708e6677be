// Log lines of webhooks that keep failing: warned about, and disabled.
#pragma once

#include <functional>

#include "delivery/engine.h"
#include "telemetry/log.h"

namespace fanfare {

// `log` outlives the function. Any thread.
std::function<void(const FailureNotice&)> failure_logger(Log& log);

}  // namespace fanfare
