// A run held in memory with all that is needed to send it.
#pragma once

#include "domain/delivery.h"

namespace fanfare {

struct HeldRun {
  QueuedRun run;
  Payload data;
  Timestamp event_created_at;

  // What holding it costs: the payload and about as much as the strings and nodes around it.
  std::size_t bytes() const { return data->size() + 512; }
};

}  // namespace fanfare
