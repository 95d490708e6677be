// The writer of a MemoryStore. Every operation checks first and then writes, so a refusal leaves
// nothing behind.
#pragma once

#include "storage/memory/memory_state.h"

namespace fanfare::memory {

class MemoryWriter final : public Writer {
 public:
  explicit MemoryWriter(State& state) : state_(state) {}

  Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) override;
  // Nothing is lazy here; expired keys are ignored by those who look.
  Result<bool> maintain(Timestamp now, bool is_idle) override;
  const RollupTail& last_tail() const override { return tail_; }
  Result<Uuid> newest_id() override;
  // Nobody else can write these maps, and they end with the process.
  Result<void> seal_audit_log(AuditSealer) override { return {}; }

 private:
  Result<OpDone> run(WriteOp& op);
  Result<OpDone> apply(const PublishOp& op);
  Result<OpDone> apply(const BroadcastOp& op);
  Result<OpDone> apply(const ExpandOp& op);
  Result<OpDone> apply(const AttemptOp& op);
  Result<OpDone> apply(const EndRunOp& op);
  Result<OpDone> apply(const SettleOp& op);
  Result<OpDone> apply(const RequeueOp& op);
  Result<OpDone> apply(const ExpireOp& op);
  Result<OpDone> apply(const CreateTenantOp& op);
  Result<OpDone> apply(const UpdateTenantOp& op);
  Result<OpDone> apply(const DeleteTenantOp& op);
  Result<OpDone> apply(const PurgeOp& op);
  Result<OpDone> apply(const PutApiKeyOp& op);
  Result<OpDone> apply(const PutEventTypeOp& op);
  Result<OpDone> apply(const DeleteEventTypeOp& op);
  Result<OpDone> apply(const PutWebhookOp& op);
  Result<OpDone> apply(const SetSettingOp& op);
  Result<OpDone> apply(const ExpireAuditOp& op);
  Result<OpDone> apply(const RecordOp& op);
  Result<OpDone> apply(const PutTenantKeysOp& op);
  Result<OpDone> apply(const DropTenantKeyOp& op);
  Result<OpDone> apply(const ResealOp& op);
  Result<OpDone> apply(const FlushRollupsOp& op);
  Result<OpDone> apply(const TrimRollupTailOp& op);

  Result<void> check_audit_ids(const WriteOp& op) const;
  void append_audit(const std::vector<AuditEntry>& entries);
  bool is_purged(TenantId tenant) const { return state_.purges.contains({.tenant = tenant}); }
  // Errc::not_found if it would store something new for a tenant that is being purged.
  Result<void> check_not_purged(const WriteAction& action) const;
  bool has_stored_id(const PublishOp& op) const;
  Published publish(const EventPlan& plan);
  std::optional<Published> published_before(const EventPlan& plan) const;
  void move_to_history(const FinishedRun& finished);
  void end_run(const FinishedRun& finished);  // without an attempt

  State& state_;
  RollupTail tail_;  // of the last commit
};

}  // namespace fanfare::memory
