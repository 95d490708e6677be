#include "storage/sqlite/connection.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace fanfare::sqlite {

Errc errc_of_sqlite(int rc) {
  switch (rc & 0xff) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
    case SQLITE_PROTOCOL:
    case SQLITE_PERM:
      return Errc::unavailable;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return Errc::corrupt;
    case SQLITE_CONSTRAINT:
      return Errc::conflict;
    default:
      return Errc::internal;
  }
}

// ---- Statement ----

void Statement::bind_value(int index, std::string_view value, bool copied) {
  // A null pointer would bind NULL; an empty text must stay a text.
  const char* data = value.data() == nullptr ? "" : value.data();
  note(sqlite3_bind_text64(handle_, index, data, value.size(),
                           copied ? SQLITE_TRANSIENT : SQLITE_STATIC, SQLITE_UTF8));
}

void Statement::bind_bytes(int index, std::string_view bytes, bool copied) {
  const char* data = bytes.data() == nullptr ? "" : bytes.data();
  note(sqlite3_bind_blob64(handle_, index, data, bytes.size(),
                           copied ? SQLITE_TRANSIENT : SQLITE_STATIC));
}

Result<bool> Statement::next() {
  if (rc_ != SQLITE_OK) return db_->failed(rc_);
  const int rc = sqlite3_step(handle_);
  if (rc == SQLITE_ROW) return true;
  if (rc == SQLITE_DONE) return false;
  return db_->failed(rc);
}

Result<void> Statement::finish() {
  TRY(const bool has_row, next());
  FANFARE_ASSERT(!has_row);
  sqlite3_reset(handle_);
  return {};
}

tl::unexpected<Error> Statement::bad_column(int index) {
  const char* name = sqlite3_column_name(handle_, index);
  return fail(Errc::corrupt, "the stored value of column '" + std::string(name ? name : "?") +
                                 "' is not what this program writes; check the database file");
}

bool Statement::read_value(int index, Uuid& out) {
  const void* data = sqlite3_column_blob(handle_, index);
  if (sqlite3_column_bytes(handle_, index) != static_cast<int>(out.bytes.size())) return false;
  std::copy_n(static_cast<const std::uint8_t*>(data), out.bytes.size(), out.bytes.begin());
  return true;
}

bool Statement::read_value(int index, std::int64_t& out) {
  if (sqlite3_column_type(handle_, index) != SQLITE_INTEGER) return false;
  out = sqlite3_column_int64(handle_, index);
  return true;
}

bool Statement::read_value(int index, int& out) {
  std::int64_t wide = 0;
  if (!read_value(index, wide) || !std::in_range<int>(wide)) return false;
  out = static_cast<int>(wide);
  return true;
}

bool Statement::read_value(int index, std::uint32_t& out) {
  std::int64_t wide = 0;
  if (!read_value(index, wide) || !std::in_range<std::uint32_t>(wide)) return false;
  out = static_cast<std::uint32_t>(wide);
  return true;
}

bool Statement::read_value(int index, bool& out) {
  std::int64_t wide = 0;
  if (!read_value(index, wide) || (wide != 0 && wide != 1)) return false;
  out = wide == 1;
  return true;
}

bool Statement::read_value(int index, Timestamp& out) {
  std::int64_t ms = 0;
  if (!read_value(index, ms)) return false;
  out = timestamp_of_ms(ms);
  return true;
}

bool Statement::read_value(int index, std::string& out) {
  const int type = sqlite3_column_type(handle_, index);
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) return false;
  // column_blob gives the bytes of a text too, and its length counts NUL bytes inside.
  const auto* data = static_cast<const char*>(sqlite3_column_blob(handle_, index));
  out.assign(data == nullptr ? "" : data,
             static_cast<std::size_t>(sqlite3_column_bytes(handle_, index)));
  return true;
}

// ---- Connection ----

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, int flags) {
  sqlite3* handle = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &handle, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Connection> connection(new Connection(handle));
  if (rc == SQLITE_OK) {
    sqlite3_extended_result_codes(handle, 1);
    return connection;
  }
  const std::string why = handle == nullptr ? "out of memory" : sqlite3_errmsg(handle);
  return fail(errc_of_sqlite(rc), "cannot open the database " + path + ": " + why);
}

Connection::~Connection() {
  for (const auto& [sql, statement] : statements_) sqlite3_finalize(statement);
  sqlite3_close_v2(handle_);
}

Result<Statement> Connection::prepare(Sql sql) {
  sqlite3_stmt*& kept = statements_[sql.text];
  if (kept == nullptr) {
    const int rc =
        sqlite3_prepare_v3(handle_, sql.text, -1, SQLITE_PREPARE_PERSISTENT, &kept, nullptr);
    if (rc != SQLITE_OK) {
      statements_.erase(sql.text);
      return failed(rc);
    }
  }
  FANFARE_ASSERT(sqlite3_stmt_busy(kept) == 0);
  return Statement(*this, kept);
}

Result<void> Connection::execute(const std::string& sql) {
  const int rc = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) return failed(rc);
  return {};
}

Result<std::int64_t> Connection::number(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int rc = sqlite3_prepare_v2(handle_, sql.c_str(), -1, &raw, nullptr);
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, sqlite3_finalize);
  if (rc != SQLITE_OK) return failed(rc);
  const int stepped = sqlite3_step(raw);
  if (stepped == SQLITE_ROW) return sqlite3_column_int64(raw, 0);
  if (stepped == SQLITE_DONE)
    return fail(Errc::internal, "a query that answers one row answered none: " + sql);
  return failed(stepped);
}

void Connection::roll_back() {
  // SQLite has already rolled back by itself after some errors (a full disk, an I/O error).
  if (is_in_transaction()) sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
}

tl::unexpected<Error> Connection::failed(int rc) {
  failure_ = rc;
  if ((rc & 0xff) == SQLITE_INTERRUPT) {
    return fail(Errc::unavailable, "the query took too long and was stopped; narrow it");
  }
  return fail(errc_of_sqlite(rc), "the database answered: " + std::string(sqlite3_errmsg(handle_)) +
                                      " (SQLite code " + std::to_string(rc) + ")");
}

}  // namespace fanfare::sqlite
