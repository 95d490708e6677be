// The table [webhooks] of a profile: what a webhook gets where its request says nothing.
#pragma once

#include "config/table_reader.h"
#include "domain/profile.h"

namespace fanfare {

void read_webhook_defaults(TableReader reader, WebhookDefaults& defaults);

}  // namespace fanfare
