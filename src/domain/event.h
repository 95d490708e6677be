// Something that happened, published once.
#pragma once

#include <memory>
#include <string>

#include "domain/tenant.h"

namespace fanfare {

// The publisher's bytes of `data`, shared by every delivery of the event and never re-serialised.
using Payload = std::shared_ptr<const std::string>;

struct Event {
  EventId id;
  TenantId tenant;
  std::string type;
  std::string event_id;  // the caller's own id; empty = none
  Payload data;          // JSON text
  std::string metadata;  // JSON object text; empty = none
  Timestamp created_at;
  int deliveries = 0;  // how many webhooks matched when it was accepted, skipped ones included
  bool is_test = false;
};

}  // namespace fanfare
