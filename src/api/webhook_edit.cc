#include "api/webhook_edit.h"

#include "api/idempotency.h"

namespace fanfare {
namespace {

// Of writers that come at the same moment one wins each round, so this is how many may race without
// one of them being told to try again.
constexpr int kTriesMax = 60;
constexpr Millis kBetweenTries{5};

using EditPtr = std::shared_ptr<WebhookEdit>;

Problem no_such_webhook() {
  return {ProblemKind::not_found, "There is no webhook with this id."};
}

Problem too_many_webhooks() {
  return {ProblemKind::conflict, "A tenant may have at most " +
                                     std::to_string(limits::kWebhooksPerTenantMax) + " webhooks."};
}

// Stores a new webhook, or a change to version `expected`, and answers.
void put_webhook(ApiContext& context, const ExchangePtr& exchange, Webhook next,
                 std::int64_t expected, EditPtr edit, UniqueFunction<void()> on_mismatch) {
  const Timestamp now = context.now();
  next.version = expected + 1;
  next.updated_at = now;
  if (expected == 0) next.created_at = now;
  // A kept answer is made before the commit, so with an Idempotency-Key the first answer is that
  // one too.
  std::shared_ptr<Answer> kept;
  std::optional<IdempotencyClaim> claim;
  if (exchange->idempotency) {
    kept = std::make_shared<Answer>(edit->answer(next));
    SecretAnswer answer{next.tenant, kept->status, kept->body, "{}"};
    const bool is_secret = edit->shows_secret;
    claim =
        exchange->claim(now, [&vault = context.engine.vault(), answer, is_secret](const OpDone&) {
          return is_secret ? sealed_answer(vault, answer)
                           : StoredAnswer{answer.status, answer.body, false};
        });
  }
  context.engine.put_webhook({std::move(next), expected}, std::move(claim), context.home,
                             [exchange, edit, kept, on_mismatch = std::move(on_mismatch)](
                                 Result<WebhookPtr> stored) mutable {
                               if (!stored && stored.error().code == Errc::version_mismatch)
                                 return on_mismatch();
                               if (!stored) return exchange->fail(stored.error());
                               exchange->answer(kept ? std::move(*kept) : edit->answer(**stored));
                             });
}

void try_edit(ApiContext& context, const ExchangePtr& exchange, const EditPtr& edit,
              int tries_left) {
  const WebhookPtr current = context.directory().webhook(edit->tenant, edit->id);
  if (!current) return exchange->fail(no_such_webhook());
  if (exchange->failed(check_if_match(exchange->request, *current))) return;
  Webhook next = *current;
  const auto is_changed = edit->change(next);
  if (exchange->failed(is_changed)) return;
  if (!*is_changed) return answer_and_keep(context, exchange, edit->answer(*current));
  if (!edit->warnings && next.settings.url != current->settings.url) {
    // From the beginning then: others may have changed the webhook meanwhile.
    return context.names.check(next.settings.url, next.tenant,
                               [&context, exchange, edit, tries_left](Warnings warnings) {
                                 edit->warnings = std::move(warnings);
                                 try_edit(context, exchange, edit, tries_left);
                               });
  }
  auto again = [&context, exchange, edit, tries_left] {
    if (tries_left == 0) {
      return exchange->fail(Problem(ProblemKind::conflict,
                                    "Others are changing this webhook at this moment; try again."));
    }
    context.home.after(kBetweenTries, [&context, exchange, edit, tries_left] {
      try_edit(context, exchange, edit, tries_left - 1);
    });
  };
  put_webhook(context, exchange, std::move(next), current->version, edit, std::move(again));
}

}  // namespace

Checked<WebhookPtr> find_webhook(ApiContext& context, const Exchange& exchange,
                                 std::string_view id_text,
                                 const std::optional<std::string>& named_tenant) {
  const auto id = parse_id<WebhookTag>(id_text);
  if (!id) return tl::unexpected<Problem>(no_such_webhook());
  const Directory& directory = context.directory();
  WebhookPtr webhook;
  if (exchange.principal.is_admin() && !named_tenant) {
    webhook = directory.webhook(*id);
    if (webhook && webhook->is_deleted) webhook = nullptr;
  } else {
    const auto tenant = tenant_of(exchange.principal, directory, named_tenant);
    if (!tenant) return tl::unexpected<Problem>(tenant.error());
    webhook = directory.webhook(*tenant, *id);
  }
  if (!webhook) return tl::unexpected<Problem>(no_such_webhook());
  return webhook;
}

Checked<void> check_if_match(const net::HttpRequest& request, const Webhook& webhook) {
  const auto wanted = request.header("if-match");
  if (!wanted || *wanted == "*") return {};
  const std::string etag = etag_of(webhook);
  std::string_view rest = *wanted;
  while (!rest.empty()) {
    std::string_view one = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one == etag) return {};
  }
  return refuse(
      ProblemKind::precondition_failed,
      "The webhook has changed since you read it: its ETag is " + etag + " now. Read it again.");
}

void edit_webhook(ApiContext& context, const ExchangePtr& exchange, WebhookEdit edit) {
  try_edit(context, exchange, std::make_shared<WebhookEdit>(std::move(edit)), kTriesMax);
}

void create_webhook(ApiContext& context, const ExchangePtr& exchange, Webhook webhook,
                    WebhookEdit edit) {
  const auto shared = std::make_shared<WebhookEdit>(std::move(edit));
  const auto next = std::make_shared<Webhook>(std::move(webhook));
  context.names.check(
      next->settings.url, next->tenant, [&context, exchange, shared, next](Warnings warnings) {
        // Here and not before the look-up, which leaves time for any number of others.
        if (context.directory().webhook_count(next->tenant) >= limits::kWebhooksPerTenantMax)
          return exchange->fail(too_many_webhooks());
        shared->warnings = std::move(warnings);
        put_webhook(context, exchange, std::move(*next), 0, shared, [exchange] {
          exchange->fail(Problem(ProblemKind::conflict, "This id was just taken; try again."));
        });
      });
}

}  // namespace fanfare
