#include "storage/sqlite/migrator.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <functional>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/sqlite/database_file.h"
#include "storage/sqlite/migrate.h"

namespace fanfare::sqlite {
namespace {

// Besides the copy itself and as much again for what the migrations write.
constexpr std::int64_t kSpaceReserve = 16LL << 20;

// A copy of a database beside it, gone with its owner.
class TrialCopy {
 public:
  static Result<std::unique_ptr<TrialCopy>> of(DatabaseFile& file);
  TrialCopy(const TrialCopy&) = delete;
  TrialCopy& operator=(const TrialCopy&) = delete;
  ~TrialCopy() {
    db_.reset();
    remove_files();
  }
  Connection& db() { return *db_; }

 private:
  explicit TrialCopy(std::string path) : path_(std::move(path)) {}
  Result<void> fill(Connection& from);
  void remove_files() const {
    for (const char* suffix : {"", "-journal", "-wal", "-shm"}) {
      ::unlink((path_ + suffix).c_str());
    }
  }

  const std::string path_;
  std::unique_ptr<Connection> db_;
};

Result<void> check_space(DatabaseFile& file) {
  TRY(const auto pages, file.db->number("PRAGMA page_count"));
  TRY(const auto page_bytes, file.db->number("PRAGMA page_size"));
  const std::int64_t needed = 2 * pages * page_bytes + kSpaceReserve;
  const std::string folder = file.path.substr(0, file.path.rfind('/') + 1);
  struct statvfs disk{};
  if (::statvfs(folder.c_str(), &disk) != 0) return {};  // the copy itself will tell
  const auto free = static_cast<std::int64_t>(disk.f_bavail * disk.f_frsize);
  if (free >= needed) return {};
  constexpr std::int64_t kMegabyte = 1 << 20;
  return fail(Errc::unavailable, "migrations are tried on a copy first, for which " + folder +
                                     " needs " + std::to_string(needed / kMegabyte + 1) +
                                     " MiB of free space and has " +
                                     std::to_string(free / kMegabyte) + "; make room there");
}

Result<std::unique_ptr<TrialCopy>> TrialCopy::of(DatabaseFile& file) {
  TRY_VOID(check_space(file));
  std::unique_ptr<TrialCopy> copy(new TrialCopy(file.path + ".trial"));
  copy->remove_files();  // of a trial that a crash ended
  TRY_VOID(copy->fill(*file.db));
  return copy;
}

Result<void> TrialCopy::fill(Connection& from) {
  // Made here, because SQLite would let everybody read it.
  const int fd = ::open(path_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    return fail(Errc::unavailable,
                "cannot make the copy " + path_ +
                    ", on which migrations are tried first: " + std::strerror(errno));
  }
  ::close(fd);
  TRY(db_, Connection::open(path_, SQLITE_OPEN_READWRITE));
  sqlite3_backup* backup = sqlite3_backup_init(db_->handle(), "main", from.handle(), "main");
  if (backup == nullptr) return db_->failed(sqlite3_errcode(db_->handle()));
  const int stepped = sqlite3_backup_step(backup, -1);
  sqlite3_backup_finish(backup);
  if (stepped != SQLITE_DONE) {
    return fail(errc_of_sqlite(stepped),
                "cannot copy the database to " + path_ + ": " + sqlite3_errstr(stepped));
  }
  // Nobody needs it after a crash.
  return db_->execute("PRAGMA journal_mode = DELETE; PRAGMA synchronous = OFF");
}

Result<void> check_integrity(Connection& db) {
  TRY(auto row, db.prepare("PRAGMA integrity_check(1)"));
  TRY(const bool found, row.next());
  std::string finding;
  if (found) TRY_VOID(row.read(finding));
  if (finding == "ok") return {};
  return fail(Errc::corrupt, "integrity_check says: " + finding);
}

// Does the work on a copy, and only if that holds on the file.
Result<void> try_and_do(DatabaseFile& file, const std::function<Result<void>(Connection&)>& work) {
  {
    TRY(const auto copy, TrialCopy::of(file));
    auto tried = work(copy->db());
    if (tried) tried = check_integrity(copy->db());
    if (!tried) {
      return fail(tried.error().code,
                  tried.error().message + "; it was tried on a copy, the database is unchanged");
    }
  }
  return work(*file.db);
}

Result<std::vector<AppliedMigration>> history_of_file(const std::string& path,
                                                      std::span<const Migration> migrations) {
  if (::access(path.c_str(), F_OK) != 0) return std::vector<AppliedMigration>();
  TRY(const auto db, Connection::open(path, SQLITE_OPEN_READONLY));
  return migration_history(*db, migrations);
}

// ---- the schema as a script ----

Result<std::vector<std::string>> texts(Connection& db, const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  int rc = sqlite3_prepare_v2(db.handle(), sql.c_str(), -1, &statement, nullptr);
  if (rc != SQLITE_OK) return db.failed(rc);
  std::vector<std::string> found;
  while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
    found.emplace_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)));
  }
  sqlite3_finalize(statement);
  if (rc != SQLITE_DONE) return db.failed(rc);
  return found;
}

// The rows that migrations put into a table, as statements.
Result<std::string> seed_rows(Connection& db, const std::string& table) {
  TRY(const auto columns, texts(db, "SELECT name FROM pragma_table_info('" + table + "')"));
  std::string values;
  for (const std::string& column : columns) {
    values += (values.empty() ? "" : "||','||") + ("quote(\"" + column + "\")");
  }
  TRY(const auto rows, texts(db, "SELECT " + values + " FROM \"" + table + "\""));
  std::string script;
  for (const std::string& row : rows) {
    script.append("INSERT INTO ").append(table).append(" VALUES (").append(row).append(");\n");
  }
  return script;
}

}  // namespace

Result<std::vector<MigrationStatus>> migration_status(const std::string& path,
                                                      std::span<const Migration> migrations) {
  TRY(const auto applied, history_of_file(path, migrations));
  std::vector<MigrationStatus> status;
  for (std::size_t i = 0; i < migrations.size(); ++i) {
    const Migration& migration = migrations[i];
    MigrationStatus& one =
        status.emplace_back(MigrationStatus{.version = migration.version,
                                            .name = std::string(migration.name),
                                            .applied_at = std::nullopt,
                                            .has_way_back = !loss_query(migration).empty()});
    if (i < applied.size()) one.applied_at = applied[i].applied_at;
  }
  return status;
}

Result<void> bring_up_to_date(DatabaseFile& file, std::span<const Migration> migrations,
                              Timestamp now) {
  const auto work = [&](Connection& db) { return migrate(db, migrations, now); };
  TRY(const auto applied, migration_history(*file.db, migrations));
  if (applied.size() == migrations.size()) return {};
  return applied.empty() ? work(*file.db) : try_and_do(file, work);
}

Result<void> migrate_file_up(const std::string& path, Timestamp now,
                             std::span<const Migration> migrations) {
  TRY(auto file, DatabaseFile::open(path));
  return bring_up_to_date(file, migrations, now);
}

Result<void> migrate_file_down(const std::string& path, std::span<const Migration> migrations) {
  if (::access(path.c_str(), F_OK) != 0) {
    return fail(Errc::not_found, "there is no database " + path);
  }
  TRY(auto file, DatabaseFile::open(path));
  return try_and_do(file, [&](Connection& db) { return migrate_down(db, migrations); });
}

Result<std::string> schema_script(std::span<const Migration> migrations) {
  TRY(const auto db, Connection::open(":memory:", SQLITE_OPEN_READWRITE));
  TRY_VOID(migrate(*db, migrations, Timestamp{}));
  std::string script =
      "-- The schema of fanfare as one script. It makes of an empty file what the server makes of "
      "it"
      " itself.\nPRAGMA auto_vacuum = INCREMENTAL;\nPRAGMA journal_mode = WAL;\n"
      "BEGIN IMMEDIATE;\n\n";
  const auto add_objects = [&](const std::string& which) -> Result<void> {
    TRY(const auto objects, texts(*db, "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND " +
                                           which + " ORDER BY rowid"));
    for (const std::string& sql : objects) script.append(sql).append(";\n\n");
    return {};
  };
  TRY_VOID(add_objects("type <> 'trigger'"));
  TRY(const auto tables,
      texts(*db,
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            " ORDER BY rowid"));
  for (const std::string& table : tables) {
    TRY(const std::string rows, seed_rows(*db, table));
    script.append(rows);
  }
  // Last: some refuse rows that only a migration may write.
  TRY_VOID(add_objects("type = 'trigger'"));
  return script +
         "UPDATE schema_migrations SET applied_at = CAST(strftime('%s') AS INTEGER) * 1000;\n"
         "COMMIT;\n";
}

}  // namespace fanfare::sqlite
