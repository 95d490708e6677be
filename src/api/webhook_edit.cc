#include "api/webhook_edit.h"

#include "api/idempotency.h"

namespace fanfare {
namespace {

// Of writers that come at the same moment one wins each round, so this is how many may race without
// one of them being told to try again.
constexpr int kTriesMax = 60;
constexpr Millis kBetweenTries{5};

// A request on its way through look-up and commit.
struct Request {
  ApiContext& context;
  const ExchangePtr exchange;
  const WebhookAnswer answer;
  const bool purges_history = false;
  // What the look-up of the URL said; none while it has not been asked.
  std::optional<Warnings> warnings = std::nullopt;

  Answer answer_with(const Webhook& stored) const {
    return answer.render(stored, warnings.value_or(Warnings{}));
  }
};
using RequestPtr = std::shared_ptr<Request>;
using EditPtr = std::shared_ptr<const WebhookEdit>;

Problem no_such_webhook() {
  return {ProblemKind::not_found, "There is no webhook with this id."};
}

Checked<void> check_room(ApiContext& context, TenantId tenant) {
  const std::size_t most = context.shared.profile.limits.webhooks_per_tenant;
  if (context.directory().webhook_count(tenant) < most) return {};
  return refuse(ProblemKind::conflict,
                "A tenant may have at most " + std::to_string(most) + " webhooks.");
}

// Stores a new webhook, or a change of `current`, and answers.
void put_webhook(const RequestPtr& request, Webhook next, const WebhookPtr& current,
                 UniqueFunction<void(const Error&)> on_error) {
  ApiContext& context = request->context;
  const std::int64_t expected = current ? current->version : 0;
  const Timestamp now = context.now();
  next.version = expected + 1;
  next.updated_at = now;
  if (expected == 0) next.created_at = now;
  // A kept answer is made before the commit, so with an Idempotency-Key the first answer is that
  // one too.
  std::shared_ptr<Answer> kept;
  AuditEntry entry = audit_entry(current.get(), next);
  if (request->purges_history) entry.metadata = R"({"purge":true})";
  request->exchange->audit(context, std::move(entry));
  WriteContext write;
  if (request->exchange->idempotency) {
    kept = std::make_shared<Answer>(request->answer_with(next));
    SecretAnswer answer{next.tenant, kept->status, kept->body, "{}", kept->headers};
    const bool is_secret = request->answer.shows_secret;
    write = request->exchange->write_context(
        now, [&vault = context.engine.vault(), answer, is_secret](const OpDone&) {
          if (is_secret) return sealed_answer(vault, answer);
          return plain_answer({answer.status, answer.body, answer.headers});
        });
  } else {
    write = request->exchange->write_context();
  }
  context.engine.put_webhook(
      {std::move(next), expected, request->purges_history}, std::move(write), context.home,
      [request, kept, on_error = std::move(on_error)](Result<WebhookPtr> stored) mutable {
        if (!stored) return on_error(stored.error());
        request->exchange->answer(kept ? std::move(*kept) : request->answer_with(**stored));
      });
}

void try_edit(const RequestPtr& request, const EditPtr& edit, int tries_left) {
  ApiContext& context = request->context;
  const ExchangePtr& exchange = request->exchange;
  const WebhookPtr current = context.directory().webhook(edit->tenant, edit->id);
  if (!current) return exchange->fail(no_such_webhook());
  if (exchange->failed(check_if_match(exchange->request, *current))) return;
  Webhook next = *current;
  const auto is_changed = edit->change(next);
  if (exchange->failed(is_changed)) return;
  if (!*is_changed) return answer_and_keep(context, exchange, request->answer_with(*current));
  if (!request->warnings && next.settings.url != current->settings.url) {
    // From the beginning then: others may have changed the webhook meanwhile.
    return context.names.check(next.settings.url, next.tenant,
                               [request, edit, tries_left](Warnings warnings) {
                                 request->warnings = std::move(warnings);
                                 try_edit(request, edit, tries_left);
                               });
  }
  put_webhook(request, std::move(next), current, [request, edit, tries_left](const Error& error) {
    if (error.code != Errc::version_mismatch) return request->exchange->fail(error);
    if (tries_left == 0) {
      return request->exchange->fail(Problem(
          ProblemKind::conflict, "Others are changing this webhook at this moment; try again."));
    }
    request->context.home.after(
        kBetweenTries, [request, edit, tries_left] { try_edit(request, edit, tries_left - 1); });
  });
}

}  // namespace

Checked<WebhookPtr> find_webhook(ApiContext& context, const Exchange& exchange,
                                 std::string_view id_text,
                                 const std::optional<std::string>& named_tenant) {
  const Directory& directory = context.directory();
  std::optional<TenantId> tenant;
  if (!exchange.principal.is_admin() || named_tenant) {
    const auto named = tenant_of(exchange.principal, directory, named_tenant);
    if (!named) return tl::unexpected<Problem>(named.error());
    tenant = *named;
  }
  WebhookPtr webhook = directory.webhook_named(tenant, id_text);
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

void edit_webhook(ApiContext& context, const ExchangePtr& exchange, WebhookEdit edit,
                  WebhookAnswer answer) {
  try_edit(
      std::make_shared<Request>(Request{context, exchange, std::move(answer), edit.purges_history}),
      std::make_shared<const WebhookEdit>(std::move(edit)), kTriesMax);
}

void create_webhook(ApiContext& context, const ExchangePtr& exchange, Webhook webhook,
                    WebhookAnswer answer) {
  if (exchange->failed(check_room(context, webhook.tenant))) return;
  const auto request = std::make_shared<Request>(Request{context, exchange, std::move(answer)});
  const auto next = std::make_shared<Webhook>(std::move(webhook));
  context.names.check(next->settings.url, next->tenant, [request, next](Warnings warnings) {
    // Again, for the look-up leaves time for any number of others.
    if (request->exchange->failed(check_room(request->context, next->tenant))) return;
    request->warnings = std::move(warnings);
    put_webhook(request, std::move(*next), nullptr,
                [request](const Error& error) { request->exchange->fail(error); });
  });
}

}  // namespace fanfare
