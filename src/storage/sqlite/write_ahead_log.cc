#include "storage/sqlite/write_ahead_log.h"

namespace fanfare::sqlite {

WriteAheadLog::WriteAheadLog(Connection& db, const LogLimits& limits) : db_(db), limits_(limits) {
  // Setting a hook also takes the place of the automatic checkpoint.
  sqlite3_wal_hook(db_.handle(), &WriteAheadLog::on_commit, this);
}

WriteAheadLog::~WriteAheadLog() {
  sqlite3_wal_hook(db_.handle(), nullptr, nullptr);
}

Result<void> WriteAheadLog::load() {
  TRY(page_bytes_, db_.number("PRAGMA page_size"));
  return {};
}

int WriteAheadLog::on_commit(void* self, sqlite3*, const char*, int pages) {
  auto& log = *static_cast<WriteAheadLog*>(self);
  log.bytes_ = pages * log.page_bytes_;
  return SQLITE_OK;
}

bool WriteAheadLog::wants_checkpoint(bool is_idle) const {
  return bytes_ > (is_idle ? limits_.idle_bytes : limits_.soft_bytes) && bytes_ >= not_below_;
}

Result<void> WriteAheadLog::checkpoint() {
  // PASSIVE never waits. Far beyond the soft limit readers must have kept the log from starting
  // again: RESTART waits for them (busy_timeout), which stalls commits, but not for long.
  const int mode =
      bytes_ > 4 * limits_.soft_bytes ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE;
  int in_log = 0;
  int copied = 0;
  const int rc = sqlite3_wal_checkpoint_v2(db_.handle(), "main", mode, &in_log, &copied);
  if (rc != SQLITE_OK && (rc & 0xff) != SQLITE_BUSY) return db_.failed(rc);
  // RESTART that meets a reader has often copied everything, but the log goes on growing where it
  // is. Without a step to grow by, every commit would wait for that reader again.
  if (rc == SQLITE_OK && in_log == copied) {
    bytes_ = 0;
    not_below_ = 0;
    return {};
  }
  if (in_log >= 0) bytes_ = in_log * page_bytes_;
  not_below_ = bytes_ + limits_.soft_bytes / 4;
  return {};
}

Result<bool> WriteAheadLog::clear() {
  TRY(const auto timeout, db_.number("PRAGMA busy_timeout"));
  sqlite3_busy_timeout(db_.handle(), 0);
  const int rc =
      sqlite3_wal_checkpoint_v2(db_.handle(), "main", SQLITE_CHECKPOINT_TRUNCATE, nullptr, nullptr);
  sqlite3_busy_timeout(db_.handle(), static_cast<int>(timeout));
  if ((rc & 0xff) == SQLITE_BUSY) return false;
  if (rc != SQLITE_OK) return db_.failed(rc);
  bytes_ = 0;
  not_below_ = 0;
  is_to_be_cleared_ = false;
  return true;
}

Result<void> WriteAheadLog::check_room() {
  if (bytes_ <= limits_.hard_bytes) return {};
  TRY_VOID(checkpoint());
  if (bytes_ <= limits_.hard_bytes) return {};
  return fail(Errc::unavailable,
              "the database's log has reached its limit of " + std::to_string(limits_.hard_bytes) +
                  " bytes and cannot be emptied: something reads the database for a long time");
}

}  // namespace fanfare::sqlite
