// Walks the chain of the audit log from its anchor to its end and says where it breaks first. It
// reads only, on a connection of its own, in short snapshots, so that it neither disturbs a running
// server nor keeps its log from being emptied; what is appended meanwhile is walked too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/secret.h"
#include "storage/audit_chain.h"

namespace fanfare {

struct AuditVerdict {
  std::int64_t rows = 0;  // that continue the chain
  AuditPoint head{};      // the last of them, or the anchor
  // Where it breaks and how; empty = the log is whole.
  std::string broken_at{};  // the id of a row; empty if no single row is to blame
  std::string reason{};

  bool is_whole() const { return reason.empty(); }
};

struct AuditVerifyOptions {
  AuditSealer sealer;
  std::string broken_action;     // an entry of this action tells that the log was broken before it
  std::size_t rows_each = 5000;  // in one snapshot
  std::function<void(std::int64_t rows)> on_progress{};  // after each snapshot
};

// An error means that the log could not be read, which says nothing about it.
Result<AuditVerdict> verify_audit_log(const std::string& path, const AuditVerifyOptions& options);

}  // namespace fanfare
