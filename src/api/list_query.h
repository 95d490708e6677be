// What every list and every route below a webhook shares: tenant, page and cursor from the query,
// and the page of a list that is in memory.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "api/exchange.h"
#include "api/json_input.h"
#include "api/query.h"
#include "api/views.h"

namespace fanfare {

struct ListPage {
  std::size_t limit = 0;
  std::optional<std::string> after;  // the position behind which the page starts
  std::string list, tenant, filter;  // what the next cursor is bound to

  CursorScope scope() const { return {list, tenant, filter}; }
};

// The tenant that the query names, under any of the words for it.
std::optional<std::string> tenant_in(QueryReader& query);
// Call after every filter was read: refuses what is left over, then opens the cursor. `tenant` is
// empty for lists of the whole system.
Checked<ListPage> read_page(ApiContext& context, QueryReader& query, std::string list,
                            std::string tenant);
// Refuses every parameter but the tenant's; answers its name.
Checked<std::optional<std::string>> only_tenant(const Exchange& exchange);
// Reads the body of a route whose tenant either it or the query may name, or both if they agree;
// `fields` reads the rest of it. Answers the tenant's name, or every mistake.
using ReadFields =
    std::function<void(ObjectReader& reader, const std::optional<std::string>& tenant)>;
Checked<std::optional<std::string>> read_with_tenant(ApiContext& context, const Exchange& exchange,
                                                     const ReadFields& fields);
// The same for a body that has no other field.
Checked<std::optional<std::string>> only_tenant_in_body(ApiContext& context,
                                                        const Exchange& exchange);

// Refuses every parameter: of what belongs to no tenant and is not read by one.
Checked<void> no_query(const Exchange& exchange);

template <class T>
std::string position_of(const Id<T>& id) {
  return {reinterpret_cast<const char*>(id.value.bytes.data()), id.value.bytes.size()};
}
inline std::string position_of(const AuditRow& row) {
  return position_of(row.entry.id);
}
template <class T>
  requires requires(const T& row) { row.id; }
std::string position_of(const T& row) {
  return position_of(row.id);
}
template <class IdType>
std::optional<IdType> id_at(const std::optional<std::string>& position) {
  if (!position || position->size() != 16) return std::nullopt;
  IdType id;
  std::copy(position->begin(), position->end(), id.value.bytes.begin());
  return id;
}

// One page of `rows` in their order. `position` gives a row's sort key; a row is on the page if
// `is_after` it.
template <class Row, class Position, class IsAfter, class Write>
std::string page_in_memory(const CursorSigner& cursors, const ListPage& page,
                           const std::vector<Row>& rows, Position position, IsAfter is_after,
                           Write write) {
  JsonWriter out;
  std::optional<std::string> last;
  std::optional<std::string> next;
  std::size_t count = 0;
  for (const Row& row : rows) {
    if (page.after && !is_after(*row, *page.after)) continue;
    if (count == page.limit) {
      next = cursors.make(page.scope(), *last);
      break;
    }
    write(out, *row);
    last = position(*row);
    ++count;
  }
  return list_of(out.take(), next);
}

// Newest first by id, which is how the directory and the store list.
template <class Row, class Write>
std::string page_by_id(const CursorSigner& cursors, const ListPage& page,
                       const std::vector<Row>& rows, Write write) {
  return page_in_memory(
      cursors, page, rows, [](const auto& row) { return position_of(row.id); },
      [](const auto& row, const std::string& after) { return position_of(row.id) < after; }, write);
}

// A page that the store has cut already.
template <class T, class Write>
std::string page_of_rows(const CursorSigner& cursors, const ListPage& page, const Rows<T>& rows,
                         Write write) {
  JsonWriter out;
  for (const T& row : rows.rows) write(out, row);
  std::optional<std::string> next;
  if (rows.has_more && !rows.rows.empty())
    next = cursors.make(page.scope(), position_of(rows.rows.back()));
  return list_of(out.take(), next);
}

}  // namespace fanfare
