#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/list_query.h"
#include "api/publish_input.h"
#include "api/webhook_edit.h"
#include "api/webhook_input.h"

namespace fanfare {
namespace {

constexpr TextRule kSecretRule{1, 256, false};
constexpr TextRule kIdRule{1, 64, false};
constexpr TextRule kTypeRule{1, limits::kEventTypeBytesMax, false};

using Change = Checked<bool> (*)(Webhook&);

// Pause, resume, disable, enable: no body but the tenant's name, and the webhook as the answer.
void change_status(ApiContext& context, const ExchangePtr& exchange, Change change) {
  const auto named = only_tenant_in_body(context, *exchange);
  if (exchange->failed(named)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), *named);
  if (exchange->failed(webhook)) return;
  WebhookEdit edit;
  edit.id = (*webhook)->id;
  edit.tenant = (*webhook)->tenant;
  edit.change = change;
  const auto render = [&context](const Webhook& stored, const Warnings&) {
    WebhookViewOptions options{.now = context.now(), .recent_deliveries = {}};
    options.activity = activity_of(context.engine, stored.id);
    return Answer{200, view_of(stored, options), {{"ETag", etag_of(stored)}}};
  };
  edit_webhook(context, exchange, std::move(edit), {render});
}

tl::unexpected<Problem> is_disabled() {
  return refuse(
      ProblemKind::conflict,
      "The webhook is disabled, so it can be neither paused nor resumed. POST …/enable first.");
}

Checked<bool> pause(Webhook& next) {
  if (next.status == WebhookStatus::disabled) return is_disabled();
  return std::exchange(next.status, WebhookStatus::paused) != WebhookStatus::paused;
}

Checked<bool> resume(Webhook& next) {
  if (next.status == WebhookStatus::disabled) return is_disabled();
  return std::exchange(next.status, WebhookStatus::active) != WebhookStatus::active;
}

Checked<bool> disable(Webhook& next) {
  if (next.status == WebhookStatus::disabled) return false;
  next.status = WebhookStatus::disabled;
  next.disabled_reason = "manual";
  return true;
}

Checked<bool> enable(Webhook& next) {
  next.disabled_reason.clear();
  return std::exchange(next.status, WebhookStatus::active) != WebhookStatus::active;
}

struct RotateBody {
  Rotation rotation;
  std::optional<std::string> tenant;
};

Checked<RotateBody> read_rotation(ApiContext& context, const Exchange& exchange) {
  RotateBody result;
  const WebhookDefaults& defaults = context.shared.profile.webhooks;
  result.rotation = {std::nullopt, defaults.rotation_overlap, defaults.secret_format};
  auto tenant = read_with_tenant(context, exchange, [&result](ObjectReader& reader, const auto&) {
    if (auto secret = reader.text("secret", kSecretRule))
      result.rotation.secret = Secret(std::move(*secret));
    const auto most = limits::kSecretOverlapMax / std::chrono::seconds{1};
    if (const auto seconds = reader.integer("overlap_seconds", 0, most))
      result.rotation.overlap = std::chrono::seconds{*seconds};
  });
  if (!tenant) return tl::unexpected<Problem>(std::move(tenant).error());
  result.tenant = *std::move(tenant);
  return result;
}

std::string rotation_view(const Webhook& webhook, Timestamp now) {
  JsonWriter out;
  out.begin_object().text("secret", current_secret(webhook).reveal());
  out.time_or_null("previous_expires_at", previous_secret_expires_at(webhook, now));
  if (webhook.settings.signature.ed25519) out.text("public_key", public_key(webhook));
  out.end_object();
  return out.take();
}

// ---- test ----

struct TestBody {
  std::optional<std::string> tenant, webhook;
  std::string event_type;  // empty = choose one
  std::string payload;     // empty = the type's sample
};

void read_test_type(ApiContext& context, const Exchange& exchange, ObjectReader& reader,
                    TestBody& test) {
  auto type = reader.text("event_type", kTypeRule);
  if (!type) return;
  const auto unknown = unknown_event_type(
      {context.directory(), exchange.principal, context.shared.config.catalogue_is_open, {}}, *type,
      reader.pointer("event_type"));
  if (unknown) reader.add_error("event_type", unknown->code, unknown->detail);
  test.event_type = std::move(*type);
}

Checked<TestBody> read_test(ApiContext& context, const Exchange& exchange, bool has_webhook_id) {
  TestBody result;
  auto tenant = read_with_tenant(context, exchange, [&](ObjectReader& reader, const auto&) {
    if (has_webhook_id) {
      reader.require("webhook_id", "the webhook to test");
      result.webhook = reader.text("webhook_id", kIdRule);
    }
    read_test_type(context, exchange, reader, result);
    // The bytes as they came, not as a parser would write them again.
    if (reader.any("payload") != nullptr)
      result.payload = raw_member(exchange.request.body, "payload");
  });
  if (!tenant) return tl::unexpected<Problem>(std::move(tenant).error());
  result.tenant = *std::move(tenant);
  const std::size_t bytes_max = context.shared.profile.limits.payload_bytes;
  if (result.payload.size() > bytes_max) {
    return refuse(ProblemKind::payload_too_large,
                  "payload may have at most " + std::to_string(bytes_max) + " bytes.");
  }
  return result;
}

// The type a test sends when none was asked for: the first in the catalogue that the webhook wants
// and that has a sample, else the first it wants at all.
std::string test_type_for(const Directory& directory, const Webhook& webhook) {
  std::string wanted;
  for (const auto& type : directory.event_types()) {
    if (!wants(webhook.settings, type->name)) continue;
    if (!type->sample.empty()) return type->name;
    if (wanted.empty()) wanted = type->name;
  }
  if (!wanted.empty()) return wanted;
  for (const std::string& pattern : webhook.settings.events) {
    if (is_event_type_name(pattern)) return pattern;
  }
  return "webhook.test";
}

// What a test sends when no payload was given. A type that was asked for by name must have a
// sample: anything else in its place would be taken for one.
Checked<void> complete_test(const Directory& directory, const Webhook& webhook, TestBody& test) {
  const bool is_asked_for = !test.event_type.empty();
  if (!is_asked_for) test.event_type = test_type_for(directory, webhook);
  if (!test.payload.empty()) return {};
  const auto type = directory.event_type(test.event_type);
  if (type) test.payload = type->sample;
  if (!test.payload.empty()) return {};
  if (is_asked_for) {
    return tl::unexpected<Problem>(validation_problem(
        {{"/event_type", "no_sample",
          "has no sample to send: give a payload, or add a sample to the event type \"" +
              test.event_type + "\"",
          ""}}));
  }
  test.payload = R"({"test":true})";
  return {};
}

std::string test_view(const TestResult& result, const std::string& url) {
  const Attempt& attempt = result.attempt;
  const HttpOutcome& outcome = attempt.outcome;
  const bool has_answer = outcome.status != 0;
  JsonWriter out;
  out.begin_object().text("delivery_id", to_string(result.delivery));
  out.flag("success", attempt.kind == ErrorKind::none);
  out.number_or_null("response_status",
                     has_answer ? std::optional<std::int64_t>(outcome.status) : std::nullopt);
  out.number("response_time_ms", outcome.timing.total_ms);
  write_headers(out, "response_headers", outcome.headers);
  if (has_answer) {
    out.text("response_body", outcome.body);
  } else {
    out.nothing("response_body");
  }
  out.text_or_null("error", attempt.error);
  out.text_or_null("error_kind", attempt.kind == ErrorKind::none ? "" : name_of(attempt.kind));
  out.text_or_null("diagnosis", diagnosis(attempt.kind, outcome.status, attempt.error));
  out.key("request").begin_object().text("url", url);
  write_headers(out, "headers", result.request_headers);
  out.text("body", result.request_body).end_object().end_object();
  return out.take();
}

void send_test(ApiContext& context, const ExchangePtr& exchange, const WebhookPtr& webhook,
               TestBody body) {
  const auto completed = complete_test(context.directory(), *webhook, body);
  if (exchange->failed(completed)) return;
  exchange->audit(context, webhook_tested(*webhook, body.event_type));
  TestEvent test{.event_type = std::move(body.event_type),
                 .data = std::make_shared<const std::string>(std::move(body.payload))};
  context.engine.send_test(
      webhook, std::move(test), exchange->write_context(), context.home,
      reply_to<TestResult>(
          exchange, [&context, exchange, url = webhook->settings.url](const TestResult& result) {
            answer_and_keep(context, exchange, {200, test_view(result, url), {}});
          }));
}

}  // namespace

void handle_pause_webhook(ApiContext& context, const ExchangePtr& exchange) {
  change_status(context, exchange, pause);
}
void handle_resume_webhook(ApiContext& context, const ExchangePtr& exchange) {
  change_status(context, exchange, resume);
}
void handle_disable_webhook(ApiContext& context, const ExchangePtr& exchange) {
  change_status(context, exchange, disable);
}
void handle_enable_webhook(ApiContext& context, const ExchangePtr& exchange) {
  change_status(context, exchange, enable);
}

void handle_rotate_secret(ApiContext& context, const ExchangePtr& exchange) {
  auto body = read_rotation(context, *exchange);
  if (exchange->failed(body)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), body->tenant);
  if (exchange->failed(webhook)) return;
  WebhookEdit edit;
  edit.id = (*webhook)->id;
  edit.tenant = (*webhook)->tenant;
  edit.change = [&context, rotation = std::move(body->rotation)](Webhook& next) -> Checked<bool> {
    const auto done = rotate_secret(next, rotation, context.now(), context.shared.config.random);
    if (done) return true;
    return tl::unexpected<Problem>(
        validation_problem({{"/secret", "invalid_secret", done.error().message, ""}}));
  };
  const auto render = [&context](const Webhook& stored, const Warnings&) {
    return Answer{200, rotation_view(stored, context.now()), {{"ETag", etag_of(stored)}}};
  };
  edit_webhook(context, exchange, std::move(edit), {render, /*shows_secret=*/true});
}

void handle_test_webhook(ApiContext& context, const ExchangePtr& exchange) {
  auto body = read_test(context, *exchange, /*has_webhook_id=*/false);
  if (exchange->failed(body)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), body->tenant);
  if (exchange->failed(webhook)) return;
  send_test(context, exchange, *webhook, *std::move(body));
}

void handle_test_webhook_in_body(ApiContext& context, const ExchangePtr& exchange) {
  auto body = read_test(context, *exchange, /*has_webhook_id=*/true);
  if (exchange->failed(body)) return;
  const auto webhook = find_webhook(context, *exchange, body->webhook.value_or(""), body->tenant);
  if (exchange->failed(webhook)) return;
  send_test(context, exchange, *webhook, *std::move(body));
}

}  // namespace fanfare
