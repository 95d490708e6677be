// One function for each operation of write_ops.h, run inside the writer's transaction. A refusal is
// answered before anything is written, so that it needs no savepoint; a statement that fails in the
// middle is the writer's business (writer.h). Those that change runs also say what that counts as.
#pragma once

#include "storage/rollup_batch.h"
#include "storage/sqlite/connection.h"
#include "storage/write_ops.h"

namespace fanfare::sqlite {

Result<OpDone> apply(Connection& db, const PublishOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const BroadcastOp& op);
Result<OpDone> apply(Connection& db, const ExpandOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const AttemptOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const EndRunOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const SettleOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const RequeueOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const ExpireOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const CreateTenantOp& op);
Result<OpDone> apply(Connection& db, const UpdateTenantOp& op);
Result<OpDone> apply(Connection& db, const DeleteTenantOp& op);
Result<OpDone> apply(Connection& db, const PurgeOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const PutApiKeyOp& op);
Result<OpDone> apply(Connection& db, const PutEventTypeOp& op);
Result<OpDone> apply(Connection& db, const DeleteEventTypeOp& op);
Result<OpDone> apply(Connection& db, const PutWebhookOp& op, RollupBatch& counted);
Result<OpDone> apply(Connection& db, const SetSettingOp& op);
Result<OpDone> apply(Connection& db, const ExpireAuditOp& op);
Result<OpDone> apply(Connection& db, const RecordOp& op);
Result<OpDone> apply(Connection& db, const PutTenantKeysOp& op);
Result<OpDone> apply(Connection& db, const DropTenantKeyOp& op);
Result<OpDone> apply(Connection& db, const ResealOp& op);
Result<OpDone> apply(Connection& db, const FlushRollupsOp& op);
Result<OpDone> apply(Connection& db, const TrimRollupTailOp& op);

// Removes rollups whose time is over, at most so many of each resolution; true if there are more.
Result<bool> drop_old_rollups(Connection& db, Timestamp now, int rows_max);

// Whether any purge was begun and is not over.
Result<bool> has_purges(Connection& db);
Result<void> begin_purge(Connection& db, const Purge& purge, Timestamp now);
// Errc::not_found if the operation would store something new for a tenant that is being purged.
Result<void> check_not_purged(Connection& db, const WriteAction& action);

// Errc::idempotency_conflict if the claim's place is taken.
Result<void> check_claim(Connection& db, const IdempotencyClaim& claim);
Result<void> keep_answer(Connection& db, IdempotencyClaim& claim, const OpDone& done);

}  // namespace fanfare::sqlite
