#include "storage/sqlite/migrate.h"

#include <array>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/encoding.h"

namespace fanfare::sqlite {
namespace {

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  const int ok =
      EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  FANFARE_ASSERT(ok == 1);
  return hex_encode(digest);
}

Result<bool> has_history(Connection& db) {
  TRY(const auto ours,
      db.number("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'"));
  if (ours > 0) return true;
  TRY(const auto tables, db.number("SELECT count(*) FROM sqlite_master"));
  if (tables > 0) {
    return fail(Errc::conflict,
                "the file is a SQLite database of another program; name a new file");
  }
  return false;
}

Result<void> create_history(Connection& db) {
  TRY(const bool is_there, has_history(db));
  if (is_there) return {};
  return db.execute(
      "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
      " sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL)");
}

Result<std::vector<AppliedMigration>> applied_migrations(Connection& db) {
  TRY(auto row, db.prepare("SELECT version, name, sha256, applied_at FROM schema_migrations"
                           " ORDER BY version"));
  std::vector<AppliedMigration> applied;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return applied;
    AppliedMigration& one = applied.emplace_back();
    TRY_VOID(row.read(one.version, one.name, one.sha256, one.applied_at));
  }
}

Result<void> check_history(const std::vector<AppliedMigration>& applied,
                           std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const AppliedMigration& one = applied[i];
    if (i >= migrations.size()) {
      return fail(Errc::conflict, "the database has migration " + label(one.version, one.name) +
                                      ", which this version of fanfare does not know; start the"
                                      " version that wrote it, or a newer one");
    }
    const Migration& known = migrations[i];
    if (one.version != known.version || one.sha256 != sha256_hex(known.sql)) {
      return fail(Errc::corrupt,
                  "migration " + label(one.version, one.name) +
                      " of the database is not the one this version of fanfare has"
                      " (" +
                      label(known.version, known.name) +
                      ", another checksum); the database was made by a changed program");
    }
  }
  return {};
}

tl::unexpected<Error> failed(const Migration& migration, const Error& error) {
  return fail(error.code, "migration " + label(migration.version, migration.name) +
                              " failed: " + error.message);
}

Result<void> apply_pending(Connection& db, std::span<const Migration> migrations, Timestamp now) {
  TRY_VOID(create_history(db));
  TRY(const auto applied, applied_migrations(db));
  TRY_VOID(check_history(applied, migrations));
  for (const Migration& migration : migrations.subspan(applied.size())) {
    if (auto done = db.execute(std::string(migration.sql)); !done) {
      return failed(migration, done.error());
    }
    TRY_VOID(db.run("INSERT INTO schema_migrations VALUES (?,?,?,?)", migration.version,
                    migration.name, sha256_hex(migration.sql), now));
  }
  return {};
}

// Nothing is lost, whatever is thrown away: this is asked before, in the same transaction.
Result<void> check_nothing_is_lost(Connection& db, const Migration& migration) {
  TRY(const auto rows, db.number(std::string(loss_query(migration))));
  if (rows == 0) return {};
  return fail(Errc::conflict, "taking back migration " + label(migration.version, migration.name) +
                                  " would lose " + std::to_string(rows) + " row" +
                                  (rows == 1 ? "" : "s") +
                                  "; restore a backup from before it instead (counted with: " +
                                  std::string(loss_query(migration)) + ")");
}

Result<void> take_back_newest(Connection& db, std::span<const Migration> migrations) {
  TRY(const auto applied, migration_history(db, migrations));
  if (applied.empty()) return fail(Errc::conflict, "nothing has been applied to the database yet");
  const Migration& newest = migrations[applied.size() - 1];
  if (newest.down.empty() || loss_query(newest).empty()) {
    return fail(Errc::conflict, "there is no way back from migration " +
                                    label(newest.version, newest.name) +
                                    "; restore a backup from before it instead");
  }
  TRY_VOID(check_nothing_is_lost(db, newest));
  if (auto done = db.execute(std::string(newest.down)); !done) return failed(newest, done.error());
  TRY_VOID(db.run("DELETE FROM schema_migrations WHERE version = ?", newest.version));
  return {};
}

template <class Work>
Result<void> in_transaction(Connection& db, Work work) {
  TRY_VOID(db.execute("BEGIN IMMEDIATE"));
  auto done = work();
  if (done) done = db.execute("COMMIT");
  if (!done) db.roll_back();
  return done;
}

}  // namespace

std::string label(int version, std::string_view name) {
  return std::to_string(version) + " (" + std::string(name) + ")";
}

Result<std::vector<AppliedMigration>> migration_history(Connection& db,
                                                        std::span<const Migration> migrations) {
  TRY(const bool is_there, has_history(db));
  if (!is_there) return std::vector<AppliedMigration>();
  TRY(auto applied, applied_migrations(db));
  TRY_VOID(check_history(applied, migrations));
  return applied;
}

Result<void> migrate(Connection& db, std::span<const Migration> migrations, Timestamp now) {
  return in_transaction(db, [&] { return apply_pending(db, migrations, now); });
}

Result<void> migrate_down(Connection& db, std::span<const Migration> migrations) {
  return in_transaction(db, [&] { return take_back_newest(db, migrations); });
}

}  // namespace fanfare::sqlite
