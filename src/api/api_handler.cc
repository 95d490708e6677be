#include "api/api_handler.h"

#include <array>

#include "api/client_address.h"
#include "api/ensure_tenant.h"
#include "api/idempotency.h"
#include "base/ascii.h"
#include "base/json_scan.h"

namespace fanfare {
namespace {

// `application/json`, alone or with charset=utf-8.
bool is_json_type(std::string_view value) {
  std::string text = lower_case(value);
  std::erase_if(text, [](char c) { return c == ' ' || c == '\t' || c == '"'; });
  return text == "application/json" || text == "application/json;charset=utf-8";
}

// Who reads the first of two and who reads the last must not judge differently, so these come once.
constexpr std::array<std::string_view, 5> kSingleHeaders = {
    "Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "If-Match"};

Checked<void> check_single_headers(const net::HttpRequest& request) {
  std::array<int, kSingleHeaders.size()> seen{};
  for (const auto& header : request.headers) {
    for (std::size_t i = 0; i < kSingleHeaders.size(); ++i) {
      if (!equals_ignoring_case(header.first, kSingleHeaders[i]) || ++seen[i] == 1) continue;
      return refuse(ProblemKind::bad_request,
                    "The request has more than one " + std::string(kSingleHeaders[i]) +
                        " header. Send it once; which of them is meant cannot be told.");
    }
  }
  return {};
}

bool has_body(const net::HttpRequest& request) {
  if (request.header("transfer-encoding")) return true;
  const auto length = request.header("content-length");
  return length && length->find_first_not_of('0') != std::string_view::npos;
}

// What curl -d says of whatever it sends.
bool is_form_type(std::string_view value) {
  return lower_case(value.substr(0, value.find_first_of("; "))) ==
         "application/x-www-form-urlencoded";
}

Checked<void> check_content_type(const net::HttpRequest& request, bool takes_forms) {
  if (!has_body(request)) return {};
  const auto type = request.header("content-type");
  const bool is_fit = !type || is_json_type(*type) || (takes_forms && is_form_type(*type));
  if (!is_fit) {
    return refuse(ProblemKind::unsupported_media_type,
                  "The body must be application/json in UTF-8.");
  }
  if (const auto encoding = request.header("content-encoding");
      encoding && lower_case(*encoding) != "identity") {
    return refuse(ProblemKind::unsupported_media_type,
                  "The body must come without Content-Encoding.");
  }
  return {};
}

// A form that is none: JSON under the wrong name.
Checked<void> check_form(const net::HttpRequest& request) {
  const auto type = request.header("content-type");
  if (!type || !is_form_type(*type) || is_blank(request.body) || check_json(request.body))
    return {};
  return refuse(ProblemKind::unsupported_media_type,
                "The body must be JSON; its form type is passed over, but not a form.");
}

// Publishers answer with ids alone, and often.
bool may_need_names(const Route& route) {
  return !(route.method == "POST" && route.pattern.starts_with("/api/v1/events"));
}

net::Responder with_answer_names(const AnswerNames& names, net::Responder respond) {
  return [&names, respond = std::move(respond)](net::HttpResponse response) mutable {
    if (response.status < 300 && !response.body.empty())
      response.body = names.applied(std::move(response.body));
    respond(std::move(response));
  };
}

std::string hex16(std::uint64_t value) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (std::size_t i = 0; i < 16; ++i) text[15 - i] = kDigits[(value >> (4 * i)) & 15];
  return text;
}

}  // namespace

ApiHandler::ApiHandler(Engine& engine, Loop& home, net::Resolver& resolver,
                       std::shared_ptr<ApiShared> shared)
    : shared_(std::move(shared)),
      context_{engine, home, *shared_, Uuid7Sequence(shared_->config.random),
               NameChecker(home, resolver, url_rules_of(shared_->config.policy))},
      answer_names_(shared_->profile, engine.directory()) {
  shared_->config.random.fill(
      {reinterpret_cast<std::uint8_t*>(&request_id_state_), sizeof request_id_state_});
}

// A counter from a random start through a bijection (SplitMix64): no two alike, and no system call
// for each.
std::string ApiHandler::next_request_id() {
  std::uint64_t z = (request_id_state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return "req_" + hex16(z ^ (z >> 31));
}

Checked<Routed> ApiHandler::admit(const net::HttpRequest& request, Principal& principal) {
  auto routed = shared_->paths.find(request);
  if (!routed) return routed;
  if (auto single = check_single_headers(request); !single)
    return tl::unexpected<Problem>(std::move(single).error());
  if (routed->roles() == kAnybody) return routed;
  const ApiConfig& config = shared_->config;
  auto who = authenticate(
      request,
      {shared_->admin_digest, context_.directory(), config.jwt_keys, config.on_token_refused},
      context_.now(), tokens_);
  if (who && !who->missing_tenant.empty() && !config.auto_create_tenants) {
    return refuse(ProblemKind::forbidden,
                  "The token is valid, but there is no tenant with its external_id yet. An "
                  "administrator makes it with POST /api/v1/tenants.");
  }
  if (!who) return tl::unexpected<Problem>(std::move(who).error());
  principal = *std::move(who);
  if (auto may = authorize(principal, routed->roles()); !may)
    return tl::unexpected<Problem>(std::move(may).error());
  return routed;
}

Checked<RouteMatch> ApiHandler::settle(Routed routed, const Principal& principal,
                                       net::HttpRequest& request) {
  if (routed.is_aliased) {
    if (auto form = check_form(request); !form)
      return tl::unexpected<Problem>(std::move(form).error());
    if (!routed.choices.empty()) {
      auto chosen = choose_by_action(routed, request.body);
      if (!chosen) return tl::unexpected<Problem>(std::move(chosen).error());
      if (auto may = authorize(principal, chosen->roles()); !may)
        return tl::unexpected<Problem>(std::move(may).error());
      routed.target = *std::move(chosen);
    }
    request.path = std::move(routed.target.path);
    if (routed.target.query) request.query = *std::move(routed.target.query);
  }
  request.query = with_tenant_renamed(shared_->profile, std::move(request.query));
  return std::move(routed.target.match);
}

// Who knocks at what is closed to them: a key that opens nothing, or one too small for a route of
// admins.
void ApiHandler::note_refusal(const Problem& problem, const net::HttpRequest& request,
                              const Principal& principal, const Origin& origin) {
  const auto is_for_admins = [&] {
    const auto routed = shared_->paths.find(request);
    return routed && routed->roles() == kAdmins;
  };
  const bool is_login = problem.kind == ProblemKind::unauthorized;
  if (!is_login && !(problem.kind == ProblemKind::forbidden && is_for_admins())) return;
  const auto left_out = shared_->refusals.take(context_.now());
  if (!left_out) return;
  AuditEntry entry = refusal_entry(problem, request, *left_out);
  if (!principal.name.empty()) {
    entry.actor = actor_of(principal, context_.directory());
    entry.tenant = principal.tenant;
  }
  note_origin(entry, request, origin);
  context_.engine.record(std::move(entry), context_.home, [](const Result<Unit>&) {});
}

net::HeadVerdict ApiHandler::on_head(const net::HttpRequest& request) {
  Principal principal;
  const auto routed = admit(request, principal);
  if (!routed) {
    const bool may_be_extra =
        routed.error().kind == ProblemKind::not_found && shared_->config.extra_routes;
    if (may_be_extra) return {limits::kBodyBytesMax, std::nullopt};
    const std::string request_id = next_request_id();
    note_refusal(routed.error(), request, principal,
                 {client_ip_of(request, shared_->config.trusted_proxies), request_id});
    return {0, response_of(routed.error(), request_id)};
  }
  if (const auto type = check_content_type(request, routed->is_aliased); !type) {
    return {0, response_of(type.error(), next_request_id())};
  }
  if (routed->body_bytes_max() == 0 && has_body(request)) {
    const Problem problem(ProblemKind::payload_too_large, "This route takes no body.");
    return {0, response_of(problem, next_request_id())};
  }
  return {routed->body_bytes_max(), std::nullopt};
}

void ApiHandler::on_request(net::HttpRequest request, net::Responder respond) {
  Principal principal;
  auto routed = admit(request, principal);
  const bool may_be_extra =
      !routed && routed.error().kind == ProblemKind::not_found && shared_->config.extra_routes;
  if (may_be_extra && shared_->config.extra_routes(request, respond)) return;

  Checked<RouteMatch> match = routed
                                  ? settle(*std::move(routed), principal, request)
                                  : Checked<RouteMatch>(tl::unexpected(std::move(routed).error()));
  if (match && answer_names_.are_needed() && may_need_names(*match->route))
    respond = with_answer_names(answer_names_, std::move(respond));
  const auto exchange =
      std::make_shared<Exchange>(std::move(request), std::move(respond), next_request_id());
  exchange->client_ip = client_ip_of(exchange->request, shared_->config.trusted_proxies);
  if (!match) {
    note_refusal(match.error(), exchange->request, principal,
                 {exchange->client_ip, exchange->request_id});
  }
  if (exchange->failed(match)) return;
  exchange->route = match->route;
  exchange->parameters = std::move(match->parameters);
  exchange->principal = std::move(principal);
  if (exchange->principal.missing_tenant.empty()) return begin(exchange);
  const std::string missing = std::exchange(exchange->principal.missing_tenant, {});
  ensure_tenant(context_, missing,
                reply_to<TenantId>(exchange,
                                   [this, exchange](TenantId made) {
                                     exchange->principal.tenant = made;
                                     begin(exchange);
                                   }),
                exchange->origin(context_));
}

void ApiHandler::begin(const ExchangePtr& exchange) {
  if (shared_->config.auto_create_tenants && exchange->route->makes_tenants &&
      exchange->principal.is_admin()) {
    exchange->tenant_maker = &context_;
  }
  auto tag = idempotency_of(exchange->request, *exchange->route, exchange->principal);
  if (exchange->failed(tag)) return;
  exchange->idempotency = *std::move(tag);
  if (exchange->idempotency) return run_idempotent(context_, exchange);
  exchange->route->handler(context_, exchange);
}

net::HttpResponse ApiHandler::on_refused(int status, std::string_view detail) {
  const Problem problem(kind_of_status(status), std::string(detail));
  return response_of(problem, next_request_id());
}

}  // namespace fanfare
