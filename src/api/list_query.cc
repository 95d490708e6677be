#include "api/list_query.h"

#include "api/profile_names.h"

namespace fanfare {

std::optional<std::string> tenant_in(QueryReader& query) {
  return query.text({"tenant_id", "client_id", "org_id", "user_id"});
}

Checked<ListPage> read_page(ApiContext& context, QueryReader& query, std::string list,
                            std::string tenant) {
  ListPage page;
  page.limit = static_cast<std::size_t>(
      query.integer("limit", 1, static_cast<int>(limits::kPageMax)).value_or(limits::kPageDefault));
  const auto cursor = query.paging_text("cursor");
  page.list = std::move(list);
  page.tenant = std::move(tenant);
  page.filter = query.filter_text();
  if (auto problem = query.finish()) return tl::unexpected<Problem>(*std::move(problem));
  if (!cursor) return page;
  auto position = context.shared.cursors.open(page.scope(), *cursor);
  if (!position) return tl::unexpected<Problem>(std::move(position).error());
  page.after = *std::move(position);
  return page;
}

Checked<std::optional<std::string>> only_tenant(const Exchange& exchange) {
  QueryReader query(exchange.request.query);
  auto named = tenant_in(query);
  if (auto problem = query.finish()) return tl::unexpected<Problem>(*std::move(problem));
  return named;
}

Checked<void> no_query(const Exchange& exchange) {
  if (auto problem = QueryReader(exchange.request.query).finish())
    return tl::unexpected<Problem>(*std::move(problem));
  return {};
}

Checked<std::optional<std::string>> read_with_tenant(ApiContext& context, const Exchange& exchange,
                                                     const ReadFields& fields) {
  const auto in_query = only_tenant(exchange);
  if (!in_query) return in_query;
  auto body = parse_object(exchange.request.body);
  if (!body) return tl::unexpected<Problem>(body.error());
  rename_tenant(context.shared.profile, *body);
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  auto tenant = reader.tenant(*in_query, same_tenant(exchange.principal, context.directory()));
  fields(reader, tenant);
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return tenant;
}

Checked<std::optional<std::string>> only_tenant_in_body(ApiContext& context,
                                                        const Exchange& exchange) {
  return read_with_tenant(context, exchange,
                          [](ObjectReader&, const std::optional<std::string>&) {});
}

}  // namespace fanfare
