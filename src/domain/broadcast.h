// One event for everybody: published once by an admin without a tenant, and expanded into one event
// for each tenant that was there then and has a webhook that asks for it.
#pragma once

#include <optional>
#include <string>

#include "domain/event.h"

namespace fanfare {

struct Broadcast {
  BroadcastId id;
  std::string type;
  std::string event_id;  // the publisher's own id, unique among broadcasts; empty = none
  Payload data;
  std::string metadata;             // JSON object text; empty = none
  std::optional<int> attempts_max;  // instead of the webhooks' own
  Timestamp created_at;
  // ---- progress ----
  TenantId reached;             // every tenant up to this one has its event, if it gets one
  std::int64_t tenants = 0;     // that got one
  std::int64_t deliveries = 0;  // of their events
  bool is_done = false;
};

}  // namespace fanfare
