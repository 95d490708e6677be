// SqliteWriter: the one connection that writes. A batch is one transaction; its operations are in
// *_ops.cc. The journal's thread only.
//
// Operations refuse before they write, so a batch needs no savepoints (they would cost a tenth of
// the rate). If a statement fails in the middle of an operation all the same (an id that is already
// stored: a bug of the caller), the batch is rolled back and run again with a savepoint around each
// operation, so that only the guilty one is lost. An answer may thus be rendered twice.
#pragma once

#include <memory>

#include "storage/sqlite/lazy_index.h"
#include "storage/sqlite/write_ahead_log.h"
#include "storage/store.h"

namespace fanfare::sqlite {

struct WriterSettings {
  LogLimits log;
  IndexPace index;
};

class SqliteWriter final : public Writer {
 public:
  SqliteWriter(std::unique_ptr<Connection> db, const WriterSettings& settings);
  Result<void> load();

  Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) override;
  Result<bool> maintain(Timestamp now, bool is_idle) override;
  Result<Uuid> newest_id() override;

  Connection& connection_for_test() { return *db_; }

 private:
  enum class Savepoints { none, for_each_operation };
  Result<std::vector<Result<OpDone>>> run_batch(std::span<WriteOp> ops, Savepoints savepoints);
  Result<std::vector<Result<OpDone>>> run_all(std::span<WriteOp> ops, Savepoints savepoints);
  Result<OpDone> run_guarded(WriteOp& op, Savepoints savepoints, bool& is_fatal);
  Result<OpDone> run_one(WriteOp& op);
  void note_stored(const WriteOp& op, const OpDone& done);
  Result<void> index_in_transaction();
  void end_transaction(bool is_committed);
  Result<bool> drop_expired(Timestamp now);

  std::unique_ptr<Connection> db_;
  WriterSettings settings_;
  WriteAheadLog log_;
  LazyIndex index_;
  Timestamp swept_at_{};  // when expired keys were last looked for and none was left
};

}  // namespace fanfare::sqlite
