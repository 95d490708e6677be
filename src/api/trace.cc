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

std::string after_failure(std::string_view before, const Delivery& delivery,
                          std::string_view after) {
  std::string text(before);
  if (!delivery.last_error.empty()) (text += ": ") += delivery.last_error;
  return text += after;
}

// What became of a delivery so far. The delivery's own page has the rest.
std::string story_of(const Delivery& delivery) {
  switch (delivery.status) {
    case DeliveryStatus::pending:
      return "A delivery was made and is about to be sent.";
    case DeliveryStatus::retrying:
      return after_failure("The last attempt failed", delivery, "; it is tried again.");
    case DeliveryStatus::success:
      return "The event was delivered.";
    case DeliveryStatus::failed:
      return after_failure("The delivery failed", delivery, ".");
    case DeliveryStatus::cancelled:
      return after_failure("The delivery was cancelled", delivery, "");
    case DeliveryStatus::skipped:
      return diagnosis(delivery.error_kind, 0, delivery.last_error);
  }
  return {};
}

TraceLine line_of_delivery(const TraceFacts& facts, const Delivery& delivery, std::string url) {
  TraceLine line{delivery.webhook,   std::move(url), "sent",         "",
                 story_of(delivery), delivery.id,    delivery.status};
  const auto is_its_own = [&delivery](const WebhookPtr& webhook) {
    return webhook->id == delivery.webhook;
  };
  const auto now = std::find_if(facts.webhooks_now.begin(), facts.webhooks_now.end(), is_its_own);
  if (delivery.status == DeliveryStatus::skipped) {
    line.decision = "skipped";
    line.reason = name_of(delivery.error_kind);
  } else if (!is_final(delivery.status) && now != facts.webhooks_now.end() &&
             (*now)->status == WebhookStatus::paused) {
    line.decision = "waiting";
    line.reason = "paused";
    line.detail = "The webhook is paused, so its delivery waits; resume the webhook to send it.";
  }
  return line;
}

// The first few of the events that a webhook asks for.
std::string wanted_by(const Webhook& webhook) {
  constexpr std::size_t kNamed = 5;
  std::string text;
  const std::vector<std::string>& events = webhook.settings.events;
  for (std::size_t i = 0; i < std::min(events.size(), kNamed); ++i)
    text += (i > 0 ? ", " : "") + events[i];
  if (events.size() > kNamed) text += " and " + std::to_string(events.size() - kNamed) + " more";
  return text;
}

TraceLine line_of_webhook(const TraceFacts& facts, const Webhook& webhook) {
  TraceLine line{webhook.id, webhook.settings.url, "not_sent", "", "", std::nullopt, std::nullopt};
  if (webhook.is_deleted) {
    line.reason = "deleted";
    line.detail = "The webhook had been deleted.";
  } else if (!wants(webhook.settings, facts.event.type)) {
    line.reason = "not_subscribed";
    line.detail = "The webhook did not ask for " + facts.event.type + " (it asked for " +
                  wanted_by(webhook) + "); add " + facts.event.type + " to its events.";
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
    lines.push_back(delivery != nullptr ? line_of_delivery(facts, *delivery, webhook.settings.url)
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
                        ? line_of_delivery(facts, *delivery, webhook->settings.url)
                        : TraceLine{webhook->id, webhook->settings.url, "not_sent", "created_later",
                                    "The webhook was created after the event; publish the event "
                                    "again if it should get it.",
                                    std::nullopt, std::nullopt});
  }
  for (const Delivery& delivery : facts.deliveries) {
    if (!is_seen(delivery.webhook)) lines.push_back(line_of_delivery(facts, delivery, ""));
  }
  return lines;
}

TraceLine trace_of_stranger(const Webhook& webhook) {
  return {webhook.id,
          webhook.settings.url,
          "not_sent",
          "other_tenant",
          "The webhook belongs to another tenant (" + to_string(webhook.tenant) +
              ") than the event; publish the event for that tenant, or create the webhook in the "
              "event's.",
          std::nullopt,
          std::nullopt};
}

std::string trace_summary(const std::vector<TraceLine>& lines, std::string_view tenant_name) {
  const auto sent = std::count_if(lines.begin(), lines.end(), [](const TraceLine& line) {
    return line.decision == "sent" || line.decision == "waiting";
  });
  std::string text = "The event was published for tenant \"" + std::string(tenant_name) + "\", ";
  if (lines.empty()) {
    text += "which has no webhooks.";
  } else {
    text += "and " + std::to_string(sent) + " of its " + std::to_string(lines.size()) +
            " webhooks got a delivery.";
  }
  return text +
         " A webhook that is not listed here belongs to another tenant (organization), and "
         "never gets the events of this one.";
}

}  // namespace fanfare
