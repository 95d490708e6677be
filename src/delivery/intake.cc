#include "delivery/intake.h"

#include <algorithm>
#include <utility>

#include "delivery/engine.h"
#include "signing/digest.h"

namespace fanfare {

QueuedRun plan_run(const Webhook& webhook, const std::string& event_type,
                   std::optional<int> max_attempts) {
  QueuedRun run;
  run.webhook = webhook.id;
  run.tenant = webhook.tenant;
  run.event_type = event_type;
  run.attempts_max = max_attempts.value_or(webhook.settings.retry.attempts);
  run.webhook_version = webhook.version;
  run.envelope = webhook.settings.envelope;
  return run;
}

std::string publish_fingerprint(const PublishRequest& request) {
  // Lengths first, so that no two different requests run into the same bytes.
  std::string bytes =
      std::to_string(request.event_type.size()) + ' ' + std::to_string(request.data->size()) + ' ';
  bytes += request.event_type;
  bytes += *request.data;
  bytes += request.metadata;
  // Only if asked for: keys of the last days, from before these counted, still fit. Metadata is
  // empty or one whole JSON object, so what follows it cannot be taken for a part of it.
  if (request.max_attempts) bytes += " max_attempts=" + std::to_string(*request.max_attempts);
  std::vector<WebhookId> ids = request.webhook_ids;
  std::ranges::sort(ids);
  const auto repeated = std::ranges::unique(ids);
  ids.erase(repeated.begin(), repeated.end());
  for (const WebhookId& id : ids) bytes += ' ' + to_string(id);
  return sha256_bytes(bytes);
}

EventPlan plan_event(const Directory& directory, const PublishRequest& request) {
  EventPlan plan;
  plan.event.tenant = request.tenant;
  plan.event.type = request.event_type;
  plan.event.event_id = request.event_id;
  plan.event.data = request.data;
  plan.event.metadata = request.metadata;
  if (!request.event_id.empty()) plan.fingerprint = publish_fingerprint(request);

  const auto is_asked_for = [&request](WebhookId id) {
    return request.webhook_ids.empty() ||
           std::ranges::find(request.webhook_ids, id) != request.webhook_ids.end();
  };
  for (const WebhookPtr& webhook : directory.matching(request.tenant, request.event_type)) {
    if (!is_asked_for(webhook->id)) continue;
    const bool is_disabled = webhook->status == WebhookStatus::disabled;
    auto& runs = is_disabled ? plan.skipped : plan.runs;
    runs.push_back(plan_run(*webhook, request.event_type, request.max_attempts));
  }
  plan.event.deliveries = static_cast<int>(plan.runs.size() + plan.skipped.size());
  return plan;
}

Result<PublishOp> plan_events(const Directory& directory,
                              const std::vector<PublishRequest>& requests) {
  PublishOp op;
  op.events.reserve(requests.size());
  std::size_t rows = 0;
  for (const PublishRequest& request : requests) {
    op.events.push_back(plan_event(directory, request));
    rows += 1 + static_cast<std::size_t>(op.events.back().event.deliveries);
    if (rows > limits::kPublishRowsMax) {
      return fail(Errc::invalid, "this request would make more than " +
                                     std::to_string(limits::kPublishRowsMax) +
                                     " deliveries at once; publish its events in smaller batches");
    }
  }
  return op;
}

EventPlan plan_test(const Webhook& webhook, std::string event_type, Payload data) {
  EventPlan plan;
  plan.event.tenant = webhook.tenant;
  plan.event.data = std::move(data);
  plan.event.is_test = true;
  plan.event.deliveries = 1;
  QueuedRun run = plan_run(webhook, event_type, /*max_attempts=*/1);
  run.trigger = Trigger::test;
  run.is_test = true;
  plan.runs.push_back(std::move(run));
  plan.event.type = std::move(event_type);
  return plan;
}

}  // namespace fanfare
