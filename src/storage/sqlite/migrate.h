// Brings a database to the schema of this binary: runs the migrations it does not have, each in one
// transaction, and remembers name and SHA-256 of each in `schema_migrations`. Refuses, without
// changing anything, a database that a newer program wrote, one whose migrations differ from ours,
// and a file that is not ours at all.
#pragma once

#include <span>

#include "storage/migrations/migrations.h"
#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

Result<void> migrate(Connection& db, std::span<const Migration> migrations, Timestamp now);

}  // namespace fanfare::sqlite
