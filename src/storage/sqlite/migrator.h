// Migrations of a database file: what was applied, what is pending, up, down. Whatever changes a
// file that holds data is tried on a copy of it first, in the same directory: only if the copy
// takes the migrations and passes integrity_check is the file itself touched, in one transaction.
// So a migration that fails leaves the file as it was.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "storage/migrations/migrations.h"

namespace fanfare::sqlite {

struct DatabaseFile;

struct MigrationStatus {
  int version = 0;
  std::string name;
  std::optional<Timestamp> applied_at{};  // none = pending
  bool has_way_back = false;
};

// Of a file, which may be in use by a server or not be there yet; nothing is changed.
Result<std::vector<MigrationStatus>> migration_status(
    const std::string& path, std::span<const Migration> migrations = embedded_migrations());

// Applies what is pending. A new file needs no copy.
Result<void> bring_up_to_date(DatabaseFile& file, std::span<const Migration> migrations,
                              Timestamp now);

// The same and one version back, on a file that no server has open: Errc::conflict names the
// process that has.
Result<void> migrate_file_up(const std::string& path, Timestamp now,
                             std::span<const Migration> migrations = embedded_migrations());
Result<void> migrate_file_down(const std::string& path,
                               std::span<const Migration> migrations = embedded_migrations());

// The schema after all migrations as one script: what it makes of an empty file, a server takes.
Result<std::string> schema_script(std::span<const Migration> migrations = embedded_migrations());

}  // namespace fanfare::sqlite
