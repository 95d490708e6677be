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

std::string folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return folder.empty() ? std::string(1, '.') : folder;
}

// SQLite says what failed, but neither where nor that it needs more than the file itself. The files
// beside the database are beside what a link leads to.
std::string explained(const Error& error, const std::string& path) {
  std::string text;
  if (error.message.find(path) == std::string::npos)
    text.append("cannot open the database ").append(path);
  if (!text.empty()) text.append(": ");
  text.append(error.message);
  if (error.code != Errc::unavailable) return text;
  std::error_code ignored;
  const auto real = std::filesystem::weakly_canonical(path, ignored).string();
  const std::string folder = folder_of(real.empty() ? path : real);
  if (is_there_but_not_writable(folder)) {
    text.append("; let the user that runs fanfare write to ").append(folder);
    text.append(", where files beside the database are kept too");
  } else if (is_there_but_not_writable(path)) {
    text.append("; let the user that runs fanfare write to ").append(path);
  }
  return text;
}

}  // namespace

Result<std::unique_ptr<Store>> open_database(const DatabaseLocation& database, const Clock& clock) {
  if (database.kind == DatabaseKind::memory) return make_memory_store();
  auto store = SqliteStore::open(database.path, clock);
  if (!store) return fail(store.error().code, explained(store.error(), database.path));
  return store;
}

}  // namespace fanfare
