#include "api/handlers.h"
#include "api/list_query.h"

namespace fanfare {
namespace {

AuditFilter read_filter(QueryReader& query) {
  AuditFilter filter;
  filter.actor = query.text("actor").value_or("");
  filter.action = query.text("action").value_or("");
  if (!filter.action.empty() && !is_audit_action_pattern(filter.action)) {
    query.add_error("action", "invalid_action",
                    "must be an action such as webhook.created, or a family such as webhook.*");
  }
  filter.object = query.text("object").value_or("");
  filter.since = query.time("since");
  filter.until = query.time("until");
  return filter;
}

// Whose entries this principal may see: everybody's, for an admin that names no tenant. A tenant
// that was deleted is still named by its id.
Checked<std::optional<TenantId>> visible_tenant(ApiContext& context, const Exchange& exchange,
                                                const std::optional<std::string>& named) {
  if (exchange.principal.is_admin()) {
    if (!named) return std::nullopt;
    if (const auto id = parse_id<TenantTag>(*named)) return *id;
  }
  auto tenant = tenant_of(exchange.principal, context.directory(), named);
  if (!tenant) return tl::unexpected<Problem>(std::move(tenant).error());
  return *tenant;
}

}  // namespace

void handle_list_audit_entries(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  AuditFilter filter = read_filter(query);
  const auto tenant = visible_tenant(context, *exchange, named);
  if (exchange->failed(tenant)) return;
  filter.tenant = *tenant;
  auto page = read_page(context, query, "audit-logs", *tenant ? to_string(**tenant) : "");
  if (exchange->failed(page)) return;
  answer_list_from_store(
      context, exchange,
      [&cursors = context.shared.cursors, filter = std::move(filter),
       page = *std::move(page)](Reader& reader) -> Result<std::string> {
        TRY(const auto rows, reader.audit_entries(filter, id_at<AuditId>(page.after), page.limit));
        return page_of_rows(cursors, page, rows, write_audit_row);
      });
}

void handle_get_audit_entry(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant(*exchange);
  if (exchange->failed(named)) return;
  const auto tenant = visible_tenant(context, *exchange, *named);
  if (exchange->failed(tenant)) return;
  const auto id = parse_id<AuditTag>(exchange->parameter());
  if (!id) {
    return exchange->fail(Problem(ProblemKind::not_found, "There is no audit entry with this id."));
  }
  answer_from_store(context, exchange,
                    [id = *id, tenant = *tenant](Reader& reader) -> Result<std::string> {
                      TRY(const AuditRow row, reader.audit_entry(id));
                      if (tenant && row.entry.tenant != tenant)
                        return fail(Errc::not_found, "there is no audit entry " + to_string(id));
                      JsonWriter out;
                      write_audit_row(out, row);
                      return out.take();
                    });
}

}  // namespace fanfare
