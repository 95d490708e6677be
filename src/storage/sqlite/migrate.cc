#include "storage/sqlite/migrate.h"

#include <array>
#include <vector>

#include <openssl/evp.h>

#include "base/assert.h"
#include "base/encoding.h"

namespace fanfare::sqlite {
namespace {

struct Applied {
  int version = 0;
  std::string name;
  std::string sha256;
};

std::string sha256_hex(std::string_view text) {
  std::array<std::uint8_t, 32> digest{};
  const int ok =
      EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  FANFARE_ASSERT(ok == 1);
  return hex_encode(digest);
}

std::string label(int version, std::string_view name) {
  return std::to_string(version) + " (" + std::string(name) + ")";
}

Result<void> create_history(Connection& db) {
  TRY(const auto ours,
      db.number("SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'"));
  if (ours > 0) return {};
  TRY(const auto tables, db.number("SELECT count(*) FROM sqlite_master"));
  if (tables > 0) {
    return fail(Errc::conflict,
                "the file is a SQLite database of another program; name a new file");
  }
  return db.execute(
      "CREATE TABLE schema_migrations (version INTEGER PRIMARY KEY, name TEXT NOT NULL,"
      " sha256 TEXT NOT NULL, applied_at INTEGER NOT NULL)");
}

Result<std::vector<Applied>> applied_migrations(Connection& db) {
  TRY(auto row, db.prepare("SELECT version, name, sha256 FROM schema_migrations ORDER BY version"));
  std::vector<Applied> applied;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return applied;
    Applied& one = applied.emplace_back();
    TRY_VOID(row.read(one.version, one.name, one.sha256));
  }
}

Result<void> check_history(const std::vector<Applied>& applied,
                           std::span<const Migration> migrations) {
  for (std::size_t i = 0; i < applied.size(); ++i) {
    const Applied& one = applied[i];
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

Result<void> apply_in_transaction(Connection& db, const Migration& migration, Timestamp now) {
  TRY_VOID(db.execute("BEGIN IMMEDIATE"));
  TRY_VOID(db.execute(std::string(migration.sql)));
  TRY_VOID(db.run("INSERT INTO schema_migrations VALUES (?,?,?,?)", migration.version,
                  migration.name, sha256_hex(migration.sql), now));
  return db.execute("COMMIT");
}

}  // namespace

Result<void> migrate(Connection& db, std::span<const Migration> migrations, Timestamp now) {
  TRY_VOID(create_history(db));
  TRY(const auto applied, applied_migrations(db));
  TRY_VOID(check_history(applied, migrations));
  for (const Migration& migration : migrations.subspan(applied.size())) {
    auto done = apply_in_transaction(db, migration, now);
    if (done) continue;
    db.roll_back();
    return fail(done.error().code, "migration " + label(migration.version, migration.name) +
                                       " failed: " + done.error().message);
  }
  return {};
}

}  // namespace fanfare::sqlite
