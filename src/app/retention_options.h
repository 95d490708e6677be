// The retention that a configuration asks for. config/ knows each option by itself; how they agree
// with each other and with the stored webhooks is judged here.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "delivery/directory.h"
#include "domain/retention.h"

namespace fanfare {

// Errc::invalid names the place and the options that contradict each other.
Result<RetentionPolicy> retention_of(const Config& config);

// Errc::invalid names a webhook whose retries would outlive their events.
Result<void> check_retries(const Webhook& webhook, const RetentionPolicy& policy);
Result<void> check_retries_of_webhooks(const Directory& directory, const RetentionPolicy& policy);

}  // namespace fanfare
