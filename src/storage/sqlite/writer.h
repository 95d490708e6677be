// SqliteWriter: the one connection that writes. A batch is one transaction; its operations are in
// *_ops.cc. The journal's thread only.
//
// Operations refuse before they write, so a batch needs no savepoints (they would cost a tenth of
// the rate). If an operation fails in its middle all the same (an id that is already stored: a bug
// of the caller; a damaged row), the batch is rolled back and run again with a savepoint around
// each operation, so that only the guilty one is lost. An answer may thus be rendered twice.
//
// A batch takes a slice of the lazy indexes with it. If that fails, the batch is stored without it
// and the indexes rest for a while: lists grow slower by it, and nothing else.
#pragma once

#include <memory>
#include <optional>

#include "storage/audit_chain.h"
#include "storage/rollup_batch.h"
#include "storage/sqlite/free_space.h"
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
  const RollupTail& last_tail() const override { return tail_; }
  Result<Uuid> newest_id() override;
  Result<void> seal_audit_log(AuditSealer sealer) override;

  Connection& connection_for_test() { return *db_; }

 private:
  template <class Work>
  auto in_transaction(const Work& work) -> decltype(work());
  enum class Savepoints { none, for_each_operation };
  Result<std::vector<Result<OpDone>>> run_batch(std::span<WriteOp> ops, Savepoints savepoints);
  Result<OpDone> run_guarded(WriteOp& op, Savepoints savepoints, bool& is_fatal);
  Result<OpDone> run_one(WriteOp& op, RollupBatch& counted);
  Result<void> append_tail();
  void note_stored(const WriteOp& op, const OpDone& done);
  void note_purge(const WriteOp& op, const OpDone& done);
  Result<void> advance_index(std::size_t entries_min);
  Result<bool> give_space_back(Timestamp now, bool is_idle);
  Result<bool> drop_expired(Timestamp now);

  std::unique_ptr<Connection> db_;
  WriterSettings settings_;
  WriteAheadLog log_;
  LazyIndex index_;
  FreeSpace space_;
  RollupTail tail_;              // of the last commit; a batch under way counts into it
  RollupBatch operation_;        // of one operation that may be undone
  std::int64_t newest_seq_ = 0;  // of the tail, committed
  bool is_index_failing_ = false;
  std::optional<AuditSealer> sealer_;  // none: nobody gave a key
  // Spares every event the look at `purges` while nothing is being purged. True too early or too
  // long does no harm.
  bool may_be_purging_ = false;
  bool is_purge_over_ = false;  // in this transaction
  Timestamp cleared_at_{};      // when clearing the log was last tried
  Timestamp swept_at_{};        // when expired keys were last looked for and none was left
};

}  // namespace fanfare::sqlite
