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
};

// By version, without gaps, starting at 1.
std::span<const Migration> embedded_migrations();

}  // namespace fanfare
