// Why each webhook of a tenant got an event, or did not. Pure: from what the webhooks were when it
// was accepted, what they are now, and the deliveries that were made.
#pragma once

#include <string>
#include <vector>

#include "delivery/directory.h"
#include "domain/delivery.h"

namespace fanfare {

struct TraceLine {
  WebhookId webhook;
  std::string url;
  std::string decision;  // "sent", "skipped" or "not_sent"
  std::string reason;    // a slug; empty when sent
  std::string detail;    // one plain sentence
  std::optional<DeliveryId> delivery;
  std::optional<DeliveryStatus> status;
};

struct TraceFacts {
  const Event& event;
  const std::vector<Delivery>& deliveries;
  const std::vector<Webhook>& webhooks_then;
  const std::vector<WebhookPtr>& webhooks_now;
};
std::vector<TraceLine> trace(const TraceFacts& facts);

}  // namespace fanfare
