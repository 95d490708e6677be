// Brings a database to the schema of this binary: runs the migrations it does not have, all in one
// transaction, and remembers name and SHA-256 of each in `schema_migrations`. Refuses, without
// changing anything, a database that a newer program wrote, one whose migrations differ from ours,
// and a file that is not ours at all. migrator.h does this to a file.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "storage/migrations/migrations.h"
#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

struct AppliedMigration {
  int version = 0;
  std::string name;
  std::string sha256;
  Timestamp applied_at{};
};

// What was applied, checked against `migrations`; empty for a new file.
Result<std::vector<AppliedMigration>> migration_history(Connection& db,
                                                        std::span<const Migration> migrations);

Result<void> migrate(Connection& db, std::span<const Migration> migrations, Timestamp now);

// Takes the newest applied migration back. Errc::conflict if there is no way back from it, or if
// rows would be lost: then nothing has changed.
Result<void> migrate_down(Connection& db, std::span<const Migration> migrations);

// "2 (audit)": how messages call a migration.
std::string label(int version, std::string_view name);

}  // namespace fanfare::sqlite
