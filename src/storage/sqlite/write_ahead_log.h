// The write-ahead log's size and its checkpoints. SQLite 3.40 can lose a reset of the log when two
// connections write or checkpoint, so automatic checkpoints are off everywhere and the one writing
// connection checkpoints here, between commits. The writer's thread only.
#pragma once

#include <cstdint>

#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

struct LogLimits {
  std::int64_t idle_bytes;  // checkpointed when nothing else is to do
  std::int64_t soft_bytes;  // checkpointed even under load
  std::int64_t hard_bytes;  // commits are refused: readers hold the log, or checkpoints fail
};

class WriteAheadLog {
 public:
  WriteAheadLog(Connection& db, const LogLimits& limits);
  WriteAheadLog(const WriteAheadLog&) = delete;
  WriteAheadLog& operator=(const WriteAheadLog&) = delete;
  ~WriteAheadLog();
  Result<void> load();

  bool wants_checkpoint(bool is_idle) const;
  Result<void> checkpoint();
  // From now on nothing of what the log holds may stay in its file: what was deleted is to be gone.
  void wants_clearing() { is_to_be_cleared_ = true; }
  bool is_to_be_cleared() const { return is_to_be_cleared_; }
  // Empties it into the database and cuts it to nothing. False, at once, while a reader needs it.
  Result<bool> clear();
  // Errc::unavailable while the log is at its hard limit and cannot be emptied.
  Result<void> check_room();

 private:
  static int on_commit(void* self, sqlite3* db, const char* name, int pages);

  Connection& db_;
  LogLimits limits_;
  std::int64_t page_bytes_ = 0;
  std::int64_t bytes_ = 0;  // in the log and not known to be in the database
  std::int64_t not_below_ =
      0;  // after a checkpoint that readers cut short: the size from which another is worth it
  bool is_to_be_cleared_ = false;
};

}  // namespace fanfare::sqlite
