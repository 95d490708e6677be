#include "storage/sqlite/sqlite_store.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "storage/sqlite/migrate.h"
#include "storage/sqlite/reader.h"

namespace fanfare {
namespace {

using sqlite::Connection;

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

// page_size and auto_vacuum take effect only before the first table.
Result<void> set_up_writer(Connection& db, const SqliteTuning& tuning) {
  sqlite3_busy_timeout(db.handle(), kBusyTimeoutMs);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  TRY_VOID(db.execute("PRAGMA page_size = " + std::to_string(tuning.page_bytes)));
  TRY_VOID(
      db.execute("PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL;"
                 "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 0;"
                 "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536; PRAGMA mmap_size = 0;"
                 "PRAGMA foreign_keys = OFF; PRAGMA secure_delete = OFF"));
  return db.execute("PRAGMA journal_size_limit = " + std::to_string(tuning.log.soft_bytes));
}

Result<void> set_up_reader(Connection& db) {
  sqlite3_busy_timeout(db.handle(), kBusyTimeoutMs);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
  sqlite3_db_config(db.handle(), SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  return db.execute(
      "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0;"
      "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192; PRAGMA mmap_size = 0");
}

}  // namespace

Result<std::unique_ptr<Store>> SqliteStore::open(const std::string& name, const Clock& clock,
                                                 const SqliteTuning& tuning) {
  turn_off_memory_counting();
  TRY(const std::string path, create_private(name));
  TRY(auto lock, sqlite::LockFile::take(path + ".lock"));
  TRY(auto db, Connection::open(path, SQLITE_OPEN_READWRITE));
  TRY_VOID(set_up_writer(*db, tuning));
  TRY_VOID(sqlite::migrate(*db, embedded_migrations(), clock.wall_now()));
  auto writer = std::make_unique<sqlite::SqliteWriter>(
      std::move(db), sqlite::WriterSettings{.log = tuning.log, .index = tuning.index});
  TRY_VOID(writer->load());
  return std::unique_ptr<Store>(
      new SqliteStore(std::move(lock), std::move(writer), path, clock, tuning.read_timeout));
}

SqliteStore::SqliteStore(sqlite::LockFile lock, std::unique_ptr<sqlite::SqliteWriter> writer,
                         std::string path, const Clock& clock, Millis read_timeout)
    : lock_(std::move(lock)),
      writer_(std::move(writer)),
      path_(std::move(path)),
      clock_(clock),
      read_timeout_(read_timeout) {}

SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<Reader>> SqliteStore::open_reader() {
  // Read-write as far as the file system is concerned: the index of the log is shared memory that
  // readers mark.
  TRY(auto db, Connection::open(path_, SQLITE_OPEN_READWRITE));
  TRY_VOID(set_up_reader(*db));
  return std::unique_ptr<Reader>(
      std::make_unique<sqlite::SqliteReader>(std::move(db), clock_, read_timeout_));
}

Result<void> SqliteStore::limit_growth_for_test(std::int64_t pages) {
  Connection& db = connection_for_test();
  TRY(const auto used, db.number("PRAGMA page_count"));
  const std::int64_t limit = pages == 0 ? 1'000'000'000 : used + pages;
  TRY_VOID(db.number("PRAGMA max_page_count = " + std::to_string(limit)));
  return {};
}

}  // namespace fanfare
