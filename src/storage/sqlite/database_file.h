// DatabaseFile: a database file that is ours to write: its lock is taken, the one connection that
// writes is open and set up. The store is built on it; migrations work on it directly.
#pragma once

#include <memory>
#include <string>

#include "storage/sqlite/connection.h"
#include "storage/sqlite/lock_file.h"

namespace fanfare::sqlite {

struct FileSettings {
  int page_bytes = 8192;  // of a new database
  std::int64_t log_bytes_kept = 64LL << 20;
};

struct DatabaseFile {
  LockFile lock;  // first: released last
  std::unique_ptr<Connection> db;
  std::string path;  // its one real name

  // Opens the file, making it if it is not there. Errc::conflict if another process has it or it
  // has several hard links, Errc::unavailable if it cannot be used.
  static Result<DatabaseFile> open(const std::string& name, const FileSettings& settings = {});
};

}  // namespace fanfare::sqlite
