// SqliteStore: everything durable in one SQLite file with a write-ahead log beside it. One
// connection writes and checkpoints; each reader has its own, which can do neither. A lock file
// keeps a second process out.
//
// The store must outlive its readers: the writer closes last, because closing is a checkpoint.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "storage/sqlite/lock_file.h"
#include "storage/sqlite/writer.h"
#include "storage/store.h"

namespace fanfare {

// What tests set otherwise.
struct SqliteTuning {
  // Under load the log is emptied into the database when it reaches `soft`, which takes 30–110 ms;
  // when idle earlier.
  sqlite::LogLimits log{.idle_bytes = 8LL << 20, .soft_bytes = 64LL << 20, .hard_bytes = 1LL << 30};
  sqlite::IndexPace index{};
  Millis read_timeout = limits::kReadTimeout;
  int page_bytes = 8192;  // of a new database
};

class SqliteStore final : public Store {
 public:
  // Opens or creates the database, taking its lock, and migrates it. Errc::conflict if another
  // process has it, a newer program wrote it or it has several hard links, Errc::corrupt if it is
  // damaged, Errc::unavailable if the file cannot be used. `clock` outlives the store.
  static Result<std::unique_ptr<Store>> open(const std::string& name, const Clock& clock,
                                             const SqliteTuning& tuning = {});
  ~SqliteStore() override;

  Writer& writer() override { return *writer_; }
  Result<std::unique_ptr<Reader>> open_reader() override;

  // Lets the database file grow by no more than `pages`, so that the disk seems full; 0 lifts the
  // limit.
  Result<void> limit_growth_for_test(std::int64_t pages);
  // The writer's connection, to break what no program of ours would.
  sqlite::Connection& connection_for_test() { return writer_->connection_for_test(); }

 private:
  SqliteStore(sqlite::LockFile lock, std::unique_ptr<sqlite::SqliteWriter> writer, std::string path,
              const Clock& clock, Millis read_timeout);

  sqlite::LockFile lock_;  // first: released last
  std::unique_ptr<sqlite::SqliteWriter> writer_;
  std::string path_;
  const Clock& clock_;
  Millis read_timeout_;
};

}  // namespace fanfare
