// One wide log line for each attempt.
#pragma once

#include <functional>

#include "domain/webhook.h"
#include "storage/write_ops.h"
#include "telemetry/log.h"

namespace fanfare {

// The webhook as it is now; none if it has gone. On any thread.
using FindWebhook = std::function<WebhookPtr(WebhookId)>;

// What is returned may run on any thread; `log` outlives it.
std::function<void(const AttemptOp&)> attempt_logger(Log& log, FindWebhook find_webhook);

}  // namespace fanfare
