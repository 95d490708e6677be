#include "api/trace.h"

#include <algorithm>

namespace fanfare {
namespace {

const Delivery* delivery_to(const TraceFacts& facts, WebhookId webhook) {
  const auto found =
      std::find_if(facts.deliveries.begin(), facts.deliveries.end(),
                   [webhook](const Delivery& delivery) { return delivery.webhook == webhook; });
  return found == facts.deliveries.end() ? nullptr : &*found;
}

TraceLine line_of_delivery(const Delivery& delivery, std::string url) {
  TraceLine line{delivery.webhook,       std::move(url), "sent",         "",
                 "A delivery was made.", delivery.id,    delivery.status};
  if (delivery.status == DeliveryStatus::skipped) {
    line.decision = "skipped";
    line.reason = name_of(delivery.error_kind);
    line.detail = delivery.last_error.empty()
                      ? "The webhook wanted the event, but was disabled when it arrived."
                      : delivery.last_error;
  }
  return line;
}

TraceLine line_of_webhook(const TraceFacts& facts, const Webhook& webhook) {
  TraceLine line{webhook.id, webhook.settings.url, "not_sent", "", "", std::nullopt, std::nullopt};
  if (webhook.is_deleted) {
    line.reason = "deleted";
    line.detail = "The webhook had been deleted.";
  } else if (!wants(webhook.settings, facts.event.type)) {
    line.reason = "not_subscribed";
    line.detail = "The webhook did not ask for " + facts.event.type + ".";
  } else if (facts.event.is_test) {
    line.reason = "test_of_another";
    line.detail = "The event was a test of another webhook.";
  } else {
    line.reason = "not_selected";
    line.detail = "The publisher named other webhooks in webhook_ids.";
  }
  return line;
}

}  // namespace

std::vector<TraceLine> trace(const TraceFacts& facts) {
  std::vector<TraceLine> lines;
  std::vector<WebhookId> seen;
  for (const Webhook& webhook : facts.webhooks_then) {
    seen.push_back(webhook.id);
    const Delivery* delivery = delivery_to(facts, webhook.id);
    if (delivery == nullptr && webhook.is_deleted) continue;
    lines.push_back(delivery != nullptr ? line_of_delivery(*delivery, webhook.settings.url)
                                        : line_of_webhook(facts, webhook));
  }
  const auto is_seen = [&seen](WebhookId id) {
    return std::find(seen.begin(), seen.end(), id) != seen.end();
  };
  for (const WebhookPtr& webhook : facts.webhooks_now) {
    if (is_seen(webhook->id)) continue;
    seen.push_back(webhook->id);
    // Made in the same millisecond as the event, a webhook may have a delivery and still look
    // younger.
    const Delivery* delivery = delivery_to(facts, webhook->id);
    lines.push_back(delivery != nullptr
                        ? line_of_delivery(*delivery, webhook->settings.url)
                        : TraceLine{webhook->id, webhook->settings.url, "not_sent", "created_later",
                                    "The webhook was created after the event.", std::nullopt,
                                    std::nullopt});
  }
  for (const Delivery& delivery : facts.deliveries) {
    if (!is_seen(delivery.webhook)) lines.push_back(line_of_delivery(delivery, ""));
  }
  return lines;
}

}  // namespace fanfare
