// Why each webhook of a tenant got an event, or did not. Pure: from what the webhooks were when it
// was accepted, what they are now, and the deliveries that were made.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "delivery/directory.h"
#include "domain/delivery.h"

namespace fanfare {

struct TraceLine {
  WebhookId webhook;
  std::string url;
  std::string decision;  // "sent", "waiting" (its webhook is paused), "skipped" or "not_sent"
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
// The line of a webhook of another tenant, for somebody who may see both and wonders.
TraceLine trace_of_stranger(const Webhook& webhook);
// What the lines come to, in plain words, and what is not among them: webhooks of other tenants.
std::string trace_summary(const std::vector<TraceLine>& lines, std::string_view tenant_name);

}  // namespace fanfare
