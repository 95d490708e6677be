#include "storage/sqlite/audit_verify.h"

#include "storage/sqlite/audit_rows.h"

namespace fanfare {
namespace {

using sqlite::Connection;

constexpr int kBusyTimeoutMs = 2000;

class Walk {
 public:
  Walk(Connection& db, const AuditVerifyOptions& options)
      : db_(db), sealer_(options.sealer), options_(options) {}

  Result<AuditVerdict> run() {
    bool is_over = false;
    while (!is_over) {
      TRY_VOID(db_.run("BEGIN"));
      auto stepped = step();
      db_.roll_back();
      TRY(is_over, std::move(stepped));
      if (options_.on_progress) options_.on_progress(verdict_.rows);
    }
    return std::move(verdict_);
  }

 private:
  // Walks the next rows in one snapshot; true at the end of the log or where it breaks.
  Result<bool> step() {
    TRY(const AuditEnds ends, sqlite::audit_ends(db_));
    // Retention may overtake the walk: then what is left is walked from its new beginning.
    if (verdict_.head.id <= ends.anchor.id) verdict_.head = ends.anchor;
    TRY(const bool has_stray, find_stray(ends));
    if (has_stray) return true;
    TRY(auto row, db_.prepare("SELECT * FROM audit_log WHERE id > ? ORDER BY id LIMIT ?"));
    row.bind(verdict_.head.id, options_.rows_each);
    for (std::size_t i = 0; i < options_.rows_each; ++i) {
      TRY(const bool found, row.next());
      if (!found) return check_end(ends);
      const auto read = sqlite::read_audit_row(row);
      if (!read)
        return broken("", "the row behind " + to_string(verdict_.head.id) +
                              " cannot be read: " + read.error().message);
      if (!take(*read)) return true;
    }
    return false;
  }

  // Before the beginning of the log there is nothing. Ids that are no blobs, which lists pass over,
  // sort there too.
  Result<bool> find_stray(const AuditEnds& ends) {
    TRY(auto row, db_.prepare("SELECT hex(id) FROM audit_log WHERE id <= ? LIMIT 1"));
    row.bind(ends.anchor.id);
    TRY(const bool found, row.next());
    if (!found) return false;
    std::string id;
    TRY_VOID(row.read(id));
    return broken("", "a row with the id x'" + id + "' stands before the beginning of the log");
  }

  // False if the row does not continue the chain.
  bool take(const AuditRow& row) {
    const std::string id = to_string(row.entry.id);
    if (row.hash != next_audit_hash(verdict_.head.hash, row.entry)) {
      return !broken(
          id, "it does not continue the chain: it was changed, or something between " +
                  (verdict_.head.id.is_nil() ? "the beginning" : to_string(verdict_.head.id)) +
                  " and it was changed, removed or inserted");
    }
    if (row.entry.action == options_.broken_action) {
      return !broken(id,
                     "the server found at this start that the log had been changed while it "
                     "did not run: " +
                         row.entry.metadata);
    }
    verdict_.head = {.id = row.entry.id, .hash = row.hash};
    ++verdict_.rows;
    return true;
  }

  // Nothing behind the last row: it must be the one that the seal names.
  Result<bool> check_end(const AuditEnds& ends) {
    const auto checked = sqlite::check_audit_seal(db_, sealer_);
    if (checked) return true;
    if (checked.error().code != Errc::corrupt) return tl::unexpected<Error>(checked.error());
    return broken(ends.head.id.is_nil() ? "" : to_string(ends.head.id), checked.error().message);
  }

  bool broken(std::string id, std::string reason) {
    verdict_.broken_at = std::move(id);
    verdict_.reason = std::move(reason);
    return true;
  }

  Connection& db_;
  const AuditSealer sealer_;
  const AuditVerifyOptions& options_;
  AuditVerdict verdict_;
};

}  // namespace

Result<AuditVerdict> verify_audit_log(const std::string& path, const AuditVerifyOptions& options) {
  TRY(const auto db, Connection::open(path, SQLITE_OPEN_READONLY));
  sqlite3_busy_timeout(db->handle(), kBusyTimeoutMs);
  sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db->handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  TRY_VOID(db->execute("PRAGMA query_only = 1"));
  return Walk(*db, options).run();
}

}  // namespace fanfare
