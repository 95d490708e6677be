#include "delivery/courier.h"

#include <utility>

#include "domain/envelope.h"

namespace fanfare {

std::string body_of(const HeldRun& held) {
  return make_body(held.run.envelope, EnvelopeFacts{.event_type = held.run.event_type,
                                                    .data = *held.data,
                                                    .event = held.run.event,
                                                    .webhook = held.run.webhook,
                                                    .created_at = held.event_created_at});
}

SendRequest prepare(const HeldRun& held, const Webhook& webhook, const Signer& signer,
                    Timestamp now) {
  SendRequest request;
  request.tenant = webhook.tenant;
  request.webhook = webhook.id;
  request.webhook_version = webhook.version;
  request.url = webhook.settings.url;
  request.timeout = webhook.settings.timeout;
  request.body = body_of(held);

  const std::string message_id = to_string(held.run.delivery);
  HeaderList signature =
      signer.sign(SignInput{.message_id = message_id, .signed_at = now, .body = request.body});
  request.headers.reserve(webhook.settings.headers.size() + signature.size() + 2);
  for (const CustomHeader& header : webhook.settings.headers) {
    request.headers.emplace_back(header.name, header.value.reveal());
  }
  request.headers.emplace_back("Content-Type", "application/json");
  request.headers.emplace_back("User-Agent", "Fanfare/" FANFARE_VERSION);
  for (auto& header : signature) request.headers.push_back(std::move(header));
  return request;
}

AttemptOp conclude(const HeldRun& held, const Webhook& webhook, HttpOutcome outcome,
                   const AttemptTimes& times, double uniform01) {
  const Classified classified = classify(outcome, times.finished_at);
  AttemptOp op;
  op.run = held.run;
  op.finished_at = times.finished_at;
  op.attempt.delivery = held.run.delivery;
  op.attempt.run = held.run.run;
  op.attempt.number = held.run.attempts_made + 1;
  op.attempt.webhook = held.run.webhook;
  op.attempt.tenant = held.run.tenant;
  op.attempt.webhook_version = webhook.version;
  op.attempt.started_at = times.started_at;
  op.attempt.signed_at = times.started_at;
  op.attempt.outcome = std::move(outcome);
  op.attempt.kind = classified.kind;
  op.attempt.error = classified.error;

  switch (classified.verdict) {
    case Verdict::success:
      op.final_status = DeliveryStatus::success;
      break;
    case Verdict::disable_webhook:
      op.final_status = DeliveryStatus::failed;
      break;
    case Verdict::retry: {
      const RetryDecision decision =
          decide_retry(webhook.settings.retry, op.attempt.number, held.run.attempts_max,
                       classified.retry_after, times.finished_at, uniform01);
      if (const auto* again = std::get_if<RetryAt>(&decision)) op.retry_at = again->when;
      op.final_status = DeliveryStatus::failed;
      break;
    }
  }
  return op;
}

}  // namespace fanfare
