// Short ways to make domain objects in tests. Ids are made from small numbers, so that a failure
// names them.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "domain/delivery.h"

namespace fanfare::testing {

inline const Timestamp kStart = timestamp_of_ms(1'767'225'600'000);  // 2026-01-01T00:00:00Z

template <class IdType>
IdType id_of(int number) {
  Uuid uuid = uuid7_floor(kStart);
  for (int i = 0; i < 4; ++i)
    uuid.bytes[static_cast<std::size_t>(15 - i)] = static_cast<std::uint8_t>(number >> (8 * i));
  return IdType::from(uuid);
}

inline Payload payload(std::string text = R"({"n":1})") {
  return std::make_shared<const std::string>(std::move(text));
}

inline Webhook webhook_of(int number, std::vector<std::string> events = {"*"}, int tenant = 1) {
  Webhook webhook;
  webhook.id = id_of<WebhookId>(number);
  webhook.tenant = id_of<TenantId>(tenant);
  webhook.settings.url = "https://example.com/hook/" + std::to_string(number);
  webhook.settings.events = std::move(events);
  webhook.settings.retry.schedule = {Millis{5'000}, Millis{300'000}};
  webhook.settings.retry.attempts = 3;
  webhook.secrets.push_back(
      SigningSecret{.number = 1,
                    .text = Secret("whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="),
                    .created_at = kStart,
                    .expires_at = std::nullopt});
  webhook.created_at = kStart;
  webhook.updated_at = kStart;
  return webhook;
}

inline WebhookPtr shared(Webhook webhook) {
  return std::make_shared<const Webhook>(std::move(webhook));
}

inline QueuedRun run_of(int delivery, const Webhook& webhook, Timestamp due = kStart) {
  QueuedRun run;
  run.delivery = id_of<DeliveryId>(delivery);
  run.event = id_of<EventId>(delivery);
  run.webhook = webhook.id;
  run.tenant = webhook.tenant;
  run.event_type = "user.created";
  run.attempts_max = webhook.settings.retry.attempts;
  run.next_attempt_at = due;
  run.webhook_version = webhook.version;
  run.created_at = kStart;
  return run;
}

inline HttpOutcome answered(int status) {
  HttpOutcome outcome;
  outcome.status = status;
  outcome.timing.total_ms = 7;
  return outcome;
}
inline HttpOutcome not_answered(ErrorKind kind) {
  HttpOutcome outcome;
  outcome.error = kind;
  outcome.error_text = "it did not work";
  return outcome;
}

}  // namespace fanfare::testing
