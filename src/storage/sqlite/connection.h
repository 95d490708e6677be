// Connection and Statement: SQLite behind values. Every failure is an Error, every statement is
// prepared once and kept, and a borrowed statement resets itself when it goes. One thread for each
// connection.
//
// Parameters and columns are written by position: `run(sql, a, b)` binds ?1 and ?2, `read(x, y)`
// fills from columns 0 and 1. Text may hold NUL bytes; a column that does not fit its type is
// Errc::corrupt.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>

#include <sqlite3.h>

#include "base/result.h"
#include "base/uuid.h"
#include "storage/sqlite/columns.h"

namespace fanfare::sqlite {

// SQL that lives as long as the program: the statement cache is keyed by its address.
struct Sql {
  consteval Sql(const char* literal) : text(literal) {}  // NOLINT(google-explicit-constructor)
  const char* text;
};

// Bytes bound as a BLOB; a plain string_view is bound as TEXT.
struct Blob {
  std::string_view bytes;
};

class Connection;

class Statement {
 public:
  Statement(Connection& db, sqlite3_stmt* handle) : db_(&db), handle_(handle) {}
  Statement(Statement&& other) noexcept
      : db_(other.db_), handle_(std::exchange(other.handle_, nullptr)), rc_(other.rc_) {}
  Statement& operator=(Statement&&) = delete;
  ~Statement() {
    if (handle_ != nullptr) sqlite3_reset(handle_);
  }

  // Binds copies of all parameters of a query.
  template <class... Args>
  void bind(const Args&... args) {
    int index = 0;
    (bind_value(++index, args, true), ...);
  }
  // Runs a statement that answers no rows. Parameters are not copied.
  template <class... Args>
  Result<void> run(const Args&... args) {
    int index = 0;
    (bind_value(++index, args, false), ...);
    return finish();
  }
  // Steps to the next row; false after the last.
  Result<bool> next();
  // Reads the columns of the current row, from the first on.
  template <class... Out>
  Result<void> read(Out&... out) {
    int index = 0;
    if ((read_value(index++, out) && ...)) return {};
    return bad_column(index - 1);
  }

 private:
  void bind_value(int index, std::nullptr_t, bool) { note(sqlite3_bind_null(handle_, index)); }
  void bind_value(int index, const Uuid& value, bool copied) {
    bind_bytes(index, {reinterpret_cast<const char*>(value.bytes.data()), value.bytes.size()},
               copied);
  }
  template <class Tag>
  void bind_value(int index, const Id<Tag>& value, bool copied) {
    bind_value(index, value.value, copied);
  }
  template <std::integral T>
  void bind_value(int index, T value, bool) {
    note(sqlite3_bind_int64(handle_, index, static_cast<sqlite3_int64>(value)));
  }
  template <class E>
    requires std::is_enum_v<E>
  void bind_value(int index, E value, bool) {
    note(sqlite3_bind_int64(handle_, index, static_cast<sqlite3_int64>(value)));
  }
  void bind_value(int index, Timestamp value, bool copied) {
    bind_value(index, ms_of(value), copied);
  }
  void bind_value(int index, std::string_view value, bool copied);
  void bind_value(int index, const std::string& value, bool copied) {
    bind_value(index, std::string_view(value), copied);
  }
  void bind_value(int index, Blob value, bool copied) { bind_bytes(index, value.bytes, copied); }
  template <class T>
  void bind_value(int index, const std::optional<T>& value, bool copied) {
    if (value) return bind_value(index, *value, copied);
    bind_value(index, nullptr, copied);
  }
  void bind_bytes(int index, std::string_view bytes, bool copied);

  bool read_value(int index, Uuid& out);
  template <class Tag>
  bool read_value(int index, Id<Tag>& out) {
    return read_value(index, out.value);
  }
  bool read_value(int index, std::int64_t& out);
  bool read_value(int index, int& out);
  bool read_value(int index, std::uint32_t& out);
  bool read_value(int index, bool& out);
  bool read_value(int index, Timestamp& out);
  bool read_value(int index, std::string& out);
  template <class E>
    requires std::is_enum_v<E>
  bool read_value(int index, E& out) {
    std::int64_t number = 0;
    if (!read_value(index, number) || number < 0 ||
        number > static_cast<std::int64_t>(last_of<E>())) {
      return false;
    }
    out = static_cast<E>(number);
    return true;
  }
  template <class T>
  bool read_value(int index, std::optional<T>& out) {
    if (sqlite3_column_type(handle_, index) == SQLITE_NULL) {
      out.reset();
      return true;
    }
    return read_value(index, out.emplace());
  }

  void note(int rc) {
    if (rc != SQLITE_OK) rc_ = rc;
  }
  Result<void> finish();
  tl::unexpected<Error> bad_column(int index);

  Connection* db_;
  sqlite3_stmt* handle_;
  int rc_ = SQLITE_OK;  // of binding
};

class Connection {
 public:
  // `flags` as for sqlite3_open_v2; NOMUTEX is added.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, int flags);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Borrows the kept statement; it must not be borrowed already.
  Result<Statement> prepare(Sql sql);
  // Runs a statement without rows and answers how many rows it changed.
  template <class... Args>
  Result<std::int64_t> run(Sql sql, const Args&... args) {
    TRY(auto statement, prepare(sql));
    TRY_VOID(statement.run(args...));
    return sqlite3_changes64(handle_);
  }
  // Runs SQL text of any number of statements, not kept: migrations and pragmas.
  Result<void> execute(const std::string& sql);
  // The first column of the only row of a query that is not kept: pragmas.
  Result<std::int64_t> number(const std::string& sql);

  bool is_in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }
  // Ends a transaction whatever its state; what it wrote is forgotten.
  void roll_back();

  // The result code of the last call of SQLite that failed since the last time it was taken;
  // SQLITE_OK if none did. It tells a refusal (a value that an operation answers) from a statement
  // that did not run.
  int take_failure() { return std::exchange(failure_, SQLITE_OK); }
  tl::unexpected<Error> failed(int rc);

  sqlite3* handle() { return handle_; }

 private:
  explicit Connection(sqlite3* handle) : handle_(handle) {}

  sqlite3* handle_;
  int failure_ = SQLITE_OK;
  std::unordered_map<const void*, sqlite3_stmt*> statements_;
};

// Which error a result code of SQLite is to the rest of the program.
Errc errc_of_sqlite(int rc);

}  // namespace fanfare::sqlite
