// The audit log: rows are appended behind the last one, each with its link of the chain, and leave
// from the front through the anchor. The end of the chain is read from the table each time: entries
// are rare, and a batch that is rolled back takes no state with it.
#include "storage/sqlite/audit_rows.h"
#include "storage/sqlite/ops.h"

namespace fanfare::sqlite {
namespace {

// The first row of a query for id and hash; none without rows.
Result<std::optional<AuditPoint>> read_point(Statement row) {
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::optional<AuditPoint> point(std::in_place);
  TRY_VOID(row.read(point->id, point->hash));
  if (point->hash.size() != kAuditHashBytes)
    return fail(Errc::corrupt, "a hash of the audit log does not have its length");
  return point;
}

Result<AuditPoint> anchor_of(Connection& db) {
  TRY(auto row, db.prepare("SELECT id, hash FROM audit_anchor"));
  TRY(const auto point, read_point(std::move(row)));
  if (!point) return fail(Errc::corrupt, "the anchor of the audit log is gone");
  return *point;
}

}  // namespace

Result<AuditRow> read_audit_row(Statement& row) {
  AuditRow read;
  AuditEntry& entry = read.entry;
  TRY_VOID(row.read(entry.id, entry.tenant, entry.at, entry.actor.kind, entry.actor.id,
                    entry.actor.name, entry.action, entry.object.type, entry.object.id,
                    entry.before, entry.after, entry.ip, entry.user_agent, entry.request_id,
                    entry.metadata, read.hash));
  return read;
}

Result<AuditEnds> audit_ends(Connection& db) {
  AuditEnds ends;
  TRY(ends.anchor, anchor_of(db));
  TRY(auto row, db.prepare("SELECT id, hash FROM audit_log ORDER BY id DESC LIMIT 1"));
  TRY(const auto newest, read_point(std::move(row)));
  ends.head = newest.value_or(ends.anchor);
  return ends;
}

Result<std::optional<std::string>> stored_audit_seal(Connection& db) {
  TRY(auto row, db.prepare("SELECT value FROM settings WHERE key = ?"));
  row.bind(std::string_view(kAuditSealSetting));
  TRY(const bool found, row.next());
  if (!found) return std::nullopt;
  std::string seal;
  TRY_VOID(row.read(seal));
  return seal;
}

Result<void> append_audit(Connection& db, const std::vector<AuditEntry>& entries) {
  if (entries.empty()) return {};
  TRY(const AuditEnds ends, audit_ends(db));
  std::string hash = ends.head.hash;
  for (const AuditEntry& entry : entries) {
    hash = next_audit_hash(hash, entry);
    TRY_VOID(db.run("INSERT INTO audit_log VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)", entry.id,
                    entry.tenant, entry.at, entry.actor.kind, entry.actor.id, entry.actor.name,
                    entry.action, entry.object.type, entry.object.id, entry.before, entry.after,
                    entry.ip, entry.user_agent, entry.request_id, entry.metadata, Blob{hash}));
  }
  return {};
}

Result<void> write_audit_seal(Connection& db, const AuditSealer& sealer) {
  TRY(const AuditEnds ends, audit_ends(db));
  const std::string seal = sealer.seal(ends);
  TRY_VOID(db.run("INSERT OR REPLACE INTO settings VALUES (?,?)",
                  std::string_view(kAuditSealSetting), Blob{seal}));
  return {};
}

Result<void> check_audit_seal(Connection& db, const AuditSealer& sealer) {
  TRY(const AuditEnds ends, audit_ends(db));
  TRY(const auto seal, stored_audit_seal(db));
  if (!seal) {
    if (ends == AuditEnds{}) return {};
    return fail(Errc::corrupt, "the audit log has entries, and its seal is gone");
  }
  TRY(const AuditEnds sealed, sealer.open(*seal));
  if (sealed.anchor != ends.anchor) {
    return fail(Errc::corrupt, "the audit log begins behind " + to_string(ends.anchor.id) +
                                   ", but its seal says behind " + to_string(sealed.anchor.id));
  }
  if (sealed.head != ends.head) {
    return fail(Errc::corrupt, "the audit log ends with " + to_string(ends.head.id) +
                                   ", but its seal says with " + to_string(sealed.head.id) +
                                   ", or that row was changed");
  }
  return {};
}

Result<void> check_no_audit_seal(Connection& db) {
  TRY(const auto seal, stored_audit_seal(db));
  if (!seal) return {};
  return fail(Errc::conflict,
              "the audit log is sealed; entries can only go while the master key is at hand");
}

Result<OpDone> apply(Connection& db, const ExpireAuditOp& op) {
  AuditExpired expired;
  std::optional<AuditPoint> last;
  {
    TRY(auto row, db.prepare("SELECT id, hash, at FROM audit_log ORDER BY id"));
    while (!expired.has_more) {
      TRY(const bool found, row.next());
      if (!found) break;
      AuditPoint point;
      Timestamp at;
      TRY_VOID(row.read(point.id, point.hash, at));
      if (at >= op.before) break;
      expired.has_more = expired.rows == op.rows_max;
      if (expired.has_more) break;
      last = std::move(point);
      ++expired.rows;
    }
  }
  if (!last) return expired;
  TRY_VOID(db.run("UPDATE audit_anchor SET id = ?, hash = ?", last->id, Blob{last->hash}));
  TRY_VOID(db.run("DELETE FROM audit_log WHERE id <= ?", last->id));
  return expired;
}

}  // namespace fanfare::sqlite
