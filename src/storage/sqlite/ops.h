// One function for each operation of write_ops.h, run inside the writer's transaction. A refusal is
// answered before anything is written, so that it needs no savepoint; a statement that fails in the
// middle is the writer's business (writer.h).
#pragma once

#include "storage/sqlite/connection.h"
#include "storage/write_ops.h"

namespace fanfare::sqlite {

Result<OpDone> apply(Connection& db, const PublishOp& op);
Result<OpDone> apply(Connection& db, const AttemptOp& op);
Result<OpDone> apply(Connection& db, const EndRunOp& op);
Result<OpDone> apply(Connection& db, const SettleOp& op);
Result<OpDone> apply(Connection& db, const RequeueOp& op);
Result<OpDone> apply(Connection& db, const ExpireOp& op);
Result<OpDone> apply(Connection& db, const CreateTenantOp& op);
Result<OpDone> apply(Connection& db, const PutApiKeyOp& op);
Result<OpDone> apply(Connection& db, const PutEventTypeOp& op);
Result<OpDone> apply(Connection& db, const DeleteEventTypeOp& op);
Result<OpDone> apply(Connection& db, const PutWebhookOp& op);
Result<OpDone> apply(Connection& db, const SetSettingOp& op);
Result<OpDone> apply(Connection& db, const ExpireAuditOp& op);
Result<OpDone> apply(Connection& db, const RecordOp& op);
Result<OpDone> apply(Connection& db, const PutTenantKeysOp& op);
Result<OpDone> apply(Connection& db, const DropTenantKeyOp& op);
Result<OpDone> apply(Connection& db, const ResealOp& op);

// Errc::idempotency_conflict if the claim's place is taken.
Result<void> check_claim(Connection& db, const IdempotencyClaim& claim);
Result<void> keep_answer(Connection& db, IdempotencyClaim& claim, const OpDone& done);

}  // namespace fanfare::sqlite
