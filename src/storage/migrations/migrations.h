// The numbered SQL files of this directory, as they were when the binary was built. A file that was
// ever released is never edited: a change is a new file (sqlite/migrate.h refuses a database whose
// files differ).
#pragma once

#include <span>
#include <string_view>

namespace fanfare {

struct Migration {
  int version = 0;
  std::string_view name;
  std::string_view sql;
  // NNNN_name.down.sql: takes the same back. Its first line, `-- lost: SELECT …`, is the query that
  // counts the rows that would be lost. Empty: there is no way back.
  std::string_view down = {};
};

// By version, without gaps, starting at 1.
std::span<const Migration> embedded_migrations();

// The query of the first line of `down`; empty if there is none.
std::string_view loss_query(const Migration& migration);

}  // namespace fanfare
