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
  if (reader.has_null("external_id")) tenant.external_id.clear();
  const auto text = reader.text("external_id", kAnyText);
  if (!text) return;
  if (auto broken = broken_external_id(*text)) {
    reader.add_error("external_id", "invalid_text", std::move(*broken));
  } else {
    tenant.external_id = *text;
  }
}

// Applies a body to a tenant: to an empty one to create, to the stored one to change (a merge
// patch, which may repeat what only we set).
Checked<void> apply_body(std::string_view text, bool is_new, Tenant& tenant) {
  const auto body = parse_object(text);
  if (!body) return tl::unexpected<Problem>(body.error());
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  if (is_new || reader.has_null("name")) reader.require("name", "what people call this tenant");
  tenant.name = reader.text("name", kNameRule).value_or(tenant.name);
  read_external_id(reader, tenant);
  if (reader.has_null("metadata")) tenant.metadata.clear();
  reader.merge_metadata("metadata", tenant.metadata);
  if (!is_new) {
    reader.ignore("id");
    reader.ignore("created_at");
  }
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return {};
}

std::string view_of(const Tenant& tenant) {
  JsonWriter out;
  write_tenant(out, tenant);
  return out.take();
}

using TenantPtr = std::shared_ptr<const Tenant>;

Problem no_such_tenant() {
  return {ProblemKind::not_found, "There is no tenant with this id."};
}

// The tenant in the path. One that the query names too must be the same.
Checked<TenantPtr> tenant_of_path(ApiContext& context, const Exchange& exchange) {
  const auto named = only_tenant(exchange);
  if (!named) return tl::unexpected<Problem>(named.error());
  auto tenant = find_tenant(context.directory(), exchange.parameter());
  const auto& own = exchange.principal.tenant;
  const bool is_named = !*named || find_tenant(context.directory(), **named) == tenant;
  if (!tenant || !is_named || (own && *own != tenant->id))
    return tl::unexpected<Problem>(no_such_tenant());
  return tenant;
}

// Of writers that come at the same moment one wins each round.
constexpr int kTriesMax = 60;
constexpr Millis kBetweenTries{5};

void try_change(ApiContext& context, const ExchangePtr& exchange, TenantId id, int tries_left) {
  const TenantPtr before = context.directory().tenant(id);
  if (!before) return exchange->fail(no_such_tenant());
  Tenant next = *before;
  if (exchange->failed(apply_body(exchange->request.body, /*is_new=*/false, next))) return;
  std::string body = view_of(next);
  if (next == *before) return exchange->answer({200, std::move(body), {}});
  exchange->audit(context, audit_entry(before.get(), &next));
  context.engine.update_tenant(
      *before, std::move(next), exchange->write_context(), context.home,
      [&context, exchange, id, tries_left, body = std::move(body)](Result<Unit> done) mutable {
        if (done) return exchange->answer({200, std::move(body), {}});
        if (done.error().code != Errc::version_mismatch) return exchange->fail(done.error());
        if (tries_left == 0) {
          return exchange->fail(Problem(
              ProblemKind::conflict, "Others are changing this tenant at this moment; try again."));
        }
        context.home.after(kBetweenTries, [&context, exchange, id, tries_left] {
          try_change(context, exchange, id, tries_left - 1);
        });
      });
}

}  // namespace

void handle_create_tenant(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  Tenant tenant;
  if (exchange->failed(apply_body(exchange->request.body, /*is_new=*/true, tenant))) return;
  tenant.created_at = context.now();
  tenant.id = TenantId::from(context.ids.next(tenant.created_at));
  Answer answer{201, view_of(tenant), {{"Location", "/api/v1/tenants/" + to_string(tenant.id)}}};
  exchange->audit(context, audit_entry(nullptr, &tenant));
  auto write = exchange->write_context(context.now(),
                                       [answer](const OpDone&) { return plain_answer(answer); });
  context.engine.create_tenant(
      std::move(tenant), std::move(write), context.home,
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
  const auto tenant = tenant_of_path(context, *exchange);
  if (exchange->failed(tenant)) return;
  exchange->answer({200, view_of(**tenant), {}});
}

void handle_change_tenant(ApiContext& context, const ExchangePtr& exchange) {
  const auto tenant = tenant_of_path(context, *exchange);
  if (exchange->failed(tenant)) return;
  try_change(context, exchange, (*tenant)->id, kTriesMax);
}

void handle_delete_tenant(ApiContext& context, const ExchangePtr& exchange) {
  const auto tenant = tenant_of_path(context, *exchange);
  if (exchange->failed(tenant)) return;
  exchange->audit(context, audit_entry(tenant->get(), nullptr));
  context.engine.delete_tenant(
      (*tenant)->id, exchange->write_context(), context.home,
      reply_to<Unit>(exchange, [exchange](Unit) { exchange->answer({204, "", {}}); }));
}

}  // namespace fanfare
