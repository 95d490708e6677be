#include "api/ensure_tenant.h"
#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/json_input.h"
#include "api/list_query.h"

namespace fanfare {
namespace {

constexpr TextRule kNameRule{1, limits::kNameBytesMax, false};
constexpr TextRule kAnyText{0, limits::kBodyBytesMax, true};  // judged by broken_external_id()

void read_external_id(ObjectReader& reader, Tenant& tenant) {
  const auto text = reader.text("external_id", kAnyText);
  if (!text) return;
  if (auto broken = broken_external_id(*text)) {
    reader.add_error("external_id", "invalid_text", std::move(*broken));
  } else {
    tenant.external_id = *text;
  }
}

Checked<Tenant> read_tenant(std::string_view text) {
  const auto body = parse_object(text);
  if (!body) return tl::unexpected<Problem>(body.error());
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  Tenant tenant;
  reader.require("name", "what people call this tenant");
  tenant.name = reader.text("name", kNameRule).value_or("");
  read_external_id(reader, tenant);
  reader.merge_metadata("metadata", tenant.metadata);
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return tenant;
}

std::string view_of(const Tenant& tenant) {
  JsonWriter out;
  write_tenant(out, tenant);
  return out.take();
}

}  // namespace

void handle_create_tenant(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  auto tenant = read_tenant(exchange->request.body);
  if (exchange->failed(tenant)) return;
  tenant->created_at = context.now();
  tenant->id = TenantId::from(context.ids.next(tenant->created_at));
  Answer answer{201, view_of(*tenant), {{"Location", "/api/v1/tenants/" + to_string(tenant->id)}}};
  exchange->audit(context, audit_entry(nullptr, &*tenant));
  auto write = exchange->write_context(context.now(),
                                       [answer](const OpDone&) { return plain_answer(answer); });
  context.engine.create_tenant(
      *std::move(tenant), std::move(write), context.home,
      reply_to<Unit>(exchange, [exchange, answer = std::move(answer)](Unit) mutable {
        exchange->answer(std::move(answer));
      }));
}

void handle_list_tenants(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto page = read_page(context, query, "tenants", "");
  if (exchange->failed(page)) return;
  exchange->answer(
      {200,
       page_by_id(context.shared.cursors, *page, context.directory().tenants(), write_tenant),
       {}});
}

void handle_get_tenant(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant(*exchange);
  if (exchange->failed(named)) return;
  const auto tenant = find_tenant(context.directory(), exchange->parameter());
  const auto& own = exchange->principal.tenant;
  if (!tenant || (own && *own != tenant->id)) {
    return exchange->fail(Problem(ProblemKind::not_found, "There is no tenant with this id."));
  }
  exchange->answer({200, view_of(*tenant), {}});
}

}  // namespace fanfare
