#include "storage/memory/memory_state.h"

#include <limits>

namespace fanfare::memory {

const FinishedRun* State::finished(DeliveryId id) const {
  auto next = history.upper_bound({id, std::numeric_limits<int>::max()});
  if (next == history.begin()) return nullptr;
  const auto& [key, run] = *std::prev(next);
  return key.first == id ? &run : nullptr;
}

SettleLine State::settle_line(WebhookId id) const {
  const auto found = webhooks.find(id);
  if (found == webhooks.end()) return {};
  const Webhook& webhook = found->second.webhook;
  return {.settled_below = webhook.settled_below,
          .is_deleted = webhook.is_deleted,
          .updated_at = webhook.updated_at};
}

std::optional<Delivery> State::view(DeliveryId id) const {
  const auto last_of = [&](int run) -> std::optional<LastAttempt> {
    const auto next = attempts.upper_bound({id, run, std::numeric_limits<int>::max()});
    if (next == attempts.begin()) return std::nullopt;
    const Attempt& last = std::prev(next)->second;
    if (last.delivery != id || last.run != run) return std::nullopt;
    return last_attempt_of(last);
  };
  if (const auto queued = queue.find(id); queued != queue.end()) {
    const QueuedRun& run = queued->second;
    const auto settled = settled_form(run, settle_line(run.webhook));
    return settled ? view_of(*settled, last_of(run.run)) : view_of(run, last_of(run.run));
  }
  if (const FinishedRun* run = finished(id)) return view_of(*run, last_of(run->run.run));
  return std::nullopt;
}

Result<Delivery> State::view_of_tenant(TenantId tenant, DeliveryId id) const {
  auto found = view(id);
  if (found && found->tenant == tenant) return *std::move(found);
  return fail(Errc::not_found, "there is no delivery " + to_string(id));
}

}  // namespace fanfare::memory
