#include "storage/sqlite/database_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fanfare::sqlite {
namespace {

constexpr int kBusyTimeoutMs = 250;  // only recovery and a restart of the log ever wait

tl::unexpected<Error> cannot_open(const std::string& path) {
  return fail(Errc::unavailable, "cannot open the database " + path + ": " + std::strerror(errno));
}

// SQLite would create the file for all to read; it and the files beside it hold customers'
// payloads. Answers the file's one name, which the lock is named after: through a link another
// process would find another lock.
Result<std::string> create_private(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return cannot_open(path);
  struct stat file{};
  const bool is_known = ::fstat(fd, &file) == 0;
  ::close(fd);
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         std::free);
  if (!is_known || !real) return cannot_open(path);
  if (file.st_nlink > 1) {
    return fail(Errc::conflict, "the database " + path + " has " + std::to_string(file.st_nlink) +
                                    " names (hard links), through which two processes could write "
                                    "it at once; remove all names but one");
  }
  return std::string(real.get());
}

// SQLite counts its memory under a mutex, at every allocation, unless told otherwise before its
// first use: a tenth of the cost of a commit. Failing is harmless; somebody used SQLite earlier.
void turn_off_memory_counting() {
  static const int result = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  static_cast<void>(result);
}

// Both take effect only before the first table; said again, auto_vacuum would write to the file.
Result<void> set_up_layout(Connection& db, const FileSettings& settings) {
  TRY(const auto pages, db.number("PRAGMA page_count"));
  if (pages > 0) return {};
  return db.execute("PRAGMA page_size = " + std::to_string(settings.page_bytes) +
                    "; PRAGMA auto_vacuum = INCREMENTAL");
}

Result<void> set_up_writer(Connection& db, const FileSettings& settings) {
  sqlite3_busy_timeout(db.handle(), kBusyTimeoutMs);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  TRY_VOID(set_up_layout(db, settings));
  TRY_VOID(
      db.execute("PRAGMA journal_mode = WAL;"
                 "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA mmap_size = 0;"
                 "PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF"));
  return db.execute("PRAGMA journal_size_limit = " + std::to_string(settings.log_bytes_kept));
}

}  // namespace

Result<DatabaseFile> DatabaseFile::open(const std::string& name, const FileSettings& settings) {
  turn_off_memory_counting();
  TRY(const std::string path, create_private(name));
  TRY(auto lock, LockFile::take(path + ".lock"));
  TRY(auto db, Connection::open(path, SQLITE_OPEN_READWRITE));
  TRY_VOID(set_up_writer(*db, settings));
  return DatabaseFile{.lock = std::move(lock), .db = std::move(db), .path = path};
}

}  // namespace fanfare::sqlite
