// What the server itself does, in the audit log, and the key that the log is sealed with.
#pragma once

#include <string>
#include <vector>

#include "auth/vault.h"
#include "domain/audit.h"
#include "domain/tenant.h"
#include "storage/audit_chain.h"

namespace fanfare {

// The log was not as its seal had left it when the server started. The entry stays in the chain, so
// a log that holds it fails its verification.
inline constexpr const char* kAuditLogBroken = "server.audit_log_broken";

// Its keys follow from the master keys, which the database does not hold. The vault outlives it.
AuditSealer audit_sealer(const Vault& vault);
AuditSealer audit_sealer(const std::vector<Secret>& master_keys);

AuditEntry server_entry(std::string action, const Metadata& metadata);

}  // namespace fanfare
