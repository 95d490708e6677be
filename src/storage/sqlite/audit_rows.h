// Rows of the audit log and its two ends, for the writer, the readers and whoever verifies the
// chain.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "storage/audit_chain.h"
#include "storage/sqlite/connection.h"
#include "storage/store.h"

namespace fanfare::sqlite {

// Columns of `audit_log` in their order.
Result<AuditRow> read_audit_row(Statement& row);

// Where the chain begins and ends.
Result<AuditEnds> audit_ends(Connection& db);
// The seal as it is stored; none if there is none.
Result<std::optional<std::string>> stored_audit_seal(Connection& db);

// ---- the writer's, inside its transaction ----
Result<void> append_audit(Connection& db, const std::vector<AuditEntry>& entries);
Result<void> write_audit_seal(Connection& db, const AuditSealer& sealer);
// Errc::corrupt if the log is not what its seal says.
Result<void> check_audit_seal(Connection& db, const AuditSealer& sealer);
// Errc::conflict if there is a seal: who has not its key must leave the log as it is.
Result<void> check_no_audit_seal(Connection& db);

}  // namespace fanfare::sqlite
