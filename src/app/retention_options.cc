#include "app/retention_options.h"

namespace fanfare {

Result<RetentionPolicy> retention_of(const Config& config) {
  const RetentionPolicy policy{.events = config.retention_events,
                               .attempts = config.retention_attempts,
                               .deliveries = config.retention_deliveries,
                               .audit = config.retention_audit};
  if (const auto agrees = check(policy); !agrees) {
    const auto origin = config.origins.find("retention-deliveries");
    const std::string place = origin == config.origins.end() ? "" : origin->second + ": ";
    return fail(Errc::invalid, place + agrees.error().message);
  }
  return policy;
}

Result<void> check_retries(const Webhook& webhook, const RetentionPolicy& policy) {
  if (webhook.is_deleted) return {};
  const auto kept = check_kept_for_retries(webhook.settings.retry, policy.events);
  if (kept) return {};
  return fail(Errc::invalid, "webhook " + to_string(webhook.id) + " of tenant " +
                                 to_string(webhook.tenant) + ": " + kept.error().message +
                                 "; keep events longer, or start with the longer retention once "
                                 "more and shorten the webhook's retry_policy first");
}

Result<void> check_retries_of_webhooks(const Directory& directory, const RetentionPolicy& policy) {
  for (const auto& tenant : directory.tenants()) {
    for (const WebhookPtr& webhook : directory.webhooks(tenant->id))
      TRY_VOID(check_retries(*webhook, policy));
  }
  return {};
}

}  // namespace fanfare
