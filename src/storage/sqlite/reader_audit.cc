// Reads of the audit log. Rows come newest first from the narrowest index that the filter allows;
// what else it asks for is looked at row by row.
#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/reader.h"

namespace fanfare::sqlite {
namespace {

// Ids and names of objects: only an id picks few rows, whatever its prefix.
bool is_object_id(std::string_view object) {
  const std::size_t line = object.rfind('_');
  return line != std::string_view::npos && parse_crockford(object.substr(line + 1)).has_value();
}

// Parameters: ?1 the least id, ?2 the id to stay below, ?3 the owner.
Result<Statement> open_walk(Connection& db, const AuditFilter& filter, const WalkRange& range) {
  const auto bound = [&range](Result<Statement> row, const auto& owner) {
    if (row) row->bind(range.low, range.below, owner);
    return row;
  };
  if (is_object_id(filter.object)) {
    return bound(db.prepare("SELECT * FROM audit_log WHERE id >= ?1 AND id < ?2 AND object_id = ?3"
                            " ORDER BY id DESC"),
                 filter.object);
  }
  if (filter.tenant) {
    return bound(db.prepare("SELECT * FROM audit_log WHERE id >= ?1 AND id < ?2 AND tenant = ?3"
                            " ORDER BY id DESC"),
                 *filter.tenant);
  }
  TRY(auto row, db.prepare("SELECT * FROM audit_log WHERE id >= ?1 AND id < ?2 ORDER BY id DESC"));
  row.bind(range.low, range.below);
  return row;
}

}  // namespace

Result<AuditRow> SqliteReader::audit_entry(AuditId id) {
  return in_snapshot([&]() -> Result<AuditRow> {
    TRY(auto row, db_->prepare("SELECT * FROM audit_log WHERE id = ?"));
    row.bind(id);
    TRY(const bool found, row.next());
    if (!found) return fail(Errc::not_found, "there is no audit entry " + to_string(id));
    return read_audit_row(row);
  });
}

Result<Rows<AuditRow>> SqliteReader::audit_entries(const AuditFilter& filter,
                                                   std::optional<AuditId> before,
                                                   std::size_t limit) {
  return in_snapshot([&]() -> Result<Rows<AuditRow>> {
    const auto below = before ? std::optional(before->value) : std::nullopt;
    const WalkRange range =
        walk_range({}, {}, {.since = filter.since, .until = filter.until, .before = below});
    TRY(auto row, open_walk(*db_, filter, range));
    Rows<AuditRow> page;
    while (true) {
      TRY_VOID(check_deadline());
      TRY(const bool found, row.next());
      if (!found) return page;
      TRY(AuditRow read, read_audit_row(row));
      if (!matches(filter, read.entry)) continue;
      page.has_more = page.rows.size() == limit;
      if (page.has_more) return page;
      page.rows.push_back(std::move(read));
    }
  });
}

}  // namespace fanfare::sqlite
