#include "api/attempt_list.h"

#include "api/rebuild.h"

namespace fanfare {

Result<const Webhook*> AttemptList::version_of(WebhookId webhook, std::int64_t version) {
  const auto found = versions_.find({webhook, version});
  if (found != versions_.end()) return &found->second;
  TRY(Webhook read, engine_.webhook_at(reader_, webhook, version));
  return &versions_.emplace(std::pair{webhook, version}, std::move(read)).first->second;
}

Result<void> AttemptList::write(JsonWriter& out, const Of& of, const Attempt& attempt) {
  TRY(const Webhook* version, version_of(of.delivery.webhook, attempt.webhook_version));
  const WebhookPtr now = engine_.directory().webhook(of.delivery.webhook);
  const std::vector<SigningSecret> secrets = now ? now->secrets : std::vector<SigningSecret>{};
  RebuiltRequest request = rebuild_request({*version, secrets, of.event, of.delivery, attempt});
  request.omits_body = body_bytes_ >= limits::kShownBodiesBytesMax;
  if (!request.omits_body) body_bytes_ += request.body.size();
  write_attempt(out, attempt, request, of.names_delivery ? &of.delivery : nullptr);
  return {};
}

Result<Event> event_or_remains(Reader& reader, const Delivery& delivery) {
  auto event = reader.event(delivery.tenant, delivery.event);
  if (event || event.error().code != Errc::not_found) return event;
  Event remains;
  remains.id = delivery.event;
  remains.tenant = delivery.tenant;
  remains.type = delivery.event_type;
  remains.created_at = delivery.created_at;
  return remains;
}

}  // namespace fanfare
