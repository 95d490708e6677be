// One wide log line for each attempt.
#pragma once

#include <functional>

#include "storage/write_ops.h"
#include "telemetry/log.h"

namespace fanfare {

std::function<void(const AttemptOp&)> attempt_logger(Log& log);

}  // namespace fanfare
