#include "app/database.h"

#include <filesystem>
#include <unistd.h>

#include "storage/memory/memory_store.h"
#include "storage/sqlite/sqlite_store.h"

namespace fanfare {

namespace {

bool is_there_but_not_writable(const std::string& path) {
  return ::access(path.c_str(), F_OK) == 0 && ::access(path.c_str(), W_OK) != 0;
}

// SQLite says what failed, but neither where nor that it needs more than the file itself.
std::string explained(const std::string& message, const std::string& path) {
  std::string text = message;
  if (text.find(path) == std::string::npos) text = "cannot open the database " + path + ": " + text;
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  for (const std::string& place : {folder, path}) {
    if (!is_there_but_not_writable(place)) continue;
    return text + "; let the user that runs fanfare write to " + place +
           (place == folder ? ", where files beside the database are kept too" : "");
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<Store>> open_database(const DatabaseLocation& database, const Clock& clock) {
  if (database.kind == DatabaseKind::memory) return make_memory_store();
  auto store = SqliteStore::open(database.path, clock);
  if (!store) return fail(store.error().code, explained(store.error().message, database.path));
  return store;
}

}  // namespace fanfare
