// What an attempt sent, rebuilt. Requests are not stored: the courier's own prepare() makes them
// again from the event, the webhook as it was, and the time of signing.
#pragma once

#include "api/views.h"
#include "domain/event.h"

namespace fanfare {

struct RebuildFacts {
  const Webhook& at_version;                  // the webhook as it was, without secrets
  const std::vector<SigningSecret>& secrets;  // those it has now
  const Event& event;
  const Delivery& delivery;
  const Attempt& attempt;
};

// Custom header values are masked. Signatures are recomputed if no secret was made and no Ed25519
// key taken away since, else masked: the one that signed may be gone.
RebuiltRequest rebuild_request(const RebuildFacts& facts);

}  // namespace fanfare
