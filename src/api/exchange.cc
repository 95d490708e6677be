#include "api/exchange.h"

#include "api/ensure_tenant.h"

namespace fanfare {

Exchange::Exchange(net::HttpRequest request_in, net::Responder respond, std::string request_id_in)
    : request(std::move(request_in)),
      request_id(std::move(request_id_in)),
      respond_(std::move(respond)) {}

void Exchange::answer(Answer answer) {
  FANFARE_ASSERT(respond_);
  net::HttpResponse response;
  response.status = answer.status;
  // A kept refusal (an event_id conflict) is replayed as what it was.
  const std::string_view type =
      answer.status >= 400 ? "application/problem+json" : "application/json";
  response.headers = common_headers(answer.body.empty() ? "" : type, request_id);
  for (auto& header : answer.headers) response.headers.push_back(std::move(header));
  response.body = std::move(answer.body);
  // Free before the client can see the answer: its next request with the key must find the kept
  // one.
  ticket.release();
  std::exchange(respond_, {})(std::move(response));
}

bool Exchange::makes_tenants(const std::vector<std::string>& missing) {
  if (missing.empty() || tenant_maker == nullptr) return false;
  ApiContext& context = *std::exchange(tenant_maker, nullptr);
  const auto self = shared_from_this();
  ensure_tenants(
      context, missing,
      reply_to<Unit>(self, [&context, self](Unit) { self->route->handler(context, self); }),
      origin(context));
  return true;
}

void Exchange::fail(const Problem& problem) {
  FANFARE_ASSERT(respond_);
  if (makes_tenants(problem.missing_tenants)) return;
  ticket.release();
  std::exchange(respond_, {})(response_of(problem, request_id));
}

void Exchange::audit(ApiContext& context, AuditEntry entry) {
  copy_origin(entry, origin(context));
  audited_.push_back(std::move(entry));
}

AuditEntry Exchange::origin(ApiContext& context) const {
  AuditEntry entry;
  entry.actor = actor_of(principal, context.directory());
  note_origin(entry, request, {client_ip, request_id});
  return entry;
}

WriteContext Exchange::write_context(Timestamp now,
                                     UniqueFunction<StoredAnswer(const OpDone&)> render) {
  WriteContext context = write_context();
  if (idempotency) {
    context.claim = IdempotencyClaim{idempotency->scope, idempotency->key, idempotency->fingerprint,
                                     now, std::move(render)};
  }
  return context;
}

WriteContext Exchange::write_context() {
  WriteContext context;
  context.audit = std::exchange(audited_, {});
  return context;
}

namespace {

Reply<std::string> answering(const ExchangePtr& exchange, HeaderList headers) {
  return reply_to<std::string>(exchange,
                               [exchange, headers = std::move(headers)](std::string body) mutable {
                                 exchange->answer({200, std::move(body), std::move(headers)});
                               });
}

}  // namespace

void answer_from_store(ApiContext& context, const ExchangePtr& exchange,
                       std::function<Result<std::string>(Reader&)> query, HeaderList headers) {
  context.engine.read<std::string>(std::move(query), context.home,
                                   answering(exchange, std::move(headers)));
}

void answer_list_from_store(ApiContext& context, const ExchangePtr& exchange,
                            std::function<Result<std::string>(Reader&)> query) {
  context.engine.read<std::string>(std::move(query), context.home, answering(exchange, {}),
                                   ReadKind::scan);
}

}  // namespace fanfare
