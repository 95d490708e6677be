#include "storage/sqlite/sqlite_store.h"

#include <utility>

#include "storage/sqlite/database_file.h"
#include "storage/sqlite/migrator.h"
#include "storage/sqlite/reader.h"

namespace fanfare {
namespace {

using sqlite::Connection;

constexpr int kBusyTimeoutMs = 250;  // only recovery and a restart of the log ever wait

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
  TRY(auto file, sqlite::DatabaseFile::open(name, {.page_bytes = tuning.page_bytes,
                                                   .log_bytes_kept = tuning.log.soft_bytes}));
  TRY_VOID(sqlite::bring_up_to_date(file, embedded_migrations(), clock.wall_now()));
  auto writer = std::make_unique<sqlite::SqliteWriter>(
      std::move(file.db), sqlite::WriterSettings{.log = tuning.log, .index = tuning.index});
  TRY_VOID(writer->load());
  return std::unique_ptr<Store>(new SqliteStore(std::move(file.lock), std::move(writer), file.path,
                                                clock, tuning.read_timeout));
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
