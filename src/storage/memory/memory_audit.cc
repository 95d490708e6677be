// The audit log of the MemoryStore.
#include <iterator>

#include "storage/memory/memory_writer.h"

namespace fanfare::memory {

AuditPoint State::audit_head() const {
  if (audit_log.empty()) return audit_anchor;
  const auto& [id, row] = *audit_log.rbegin();
  return AuditPoint{.id = id, .hash = row.hash};
}

Result<void> MemoryWriter::check_audit_ids(const WriteOp& op) const {
  AuditId last = state_.audit_head().id;
  for (const AuditEntry& entry : op.audit) {
    if (entry.id <= last)
      return fail(Errc::conflict, "the audit log goes on behind " + to_string(last));
    last = entry.id;
  }
  return {};
}

void MemoryWriter::append_audit(const std::vector<AuditEntry>& entries) {
  for (const AuditEntry& entry : entries) {
    const std::string hash = next_audit_hash(state_.audit_head().hash, entry);
    state_.audit_log[entry.id] = AuditRow{.entry = entry, .hash = hash};
  }
}

Result<OpDone> MemoryWriter::apply(const ExpireAuditOp& op) {
  AuditExpired expired;
  const auto is_old = [&] {
    return !state_.audit_log.empty() && state_.audit_log.begin()->second.entry.at < op.before;
  };
  while (expired.rows < op.rows_max && is_old()) {
    const auto oldest = state_.audit_log.begin();
    state_.audit_anchor = AuditPoint{.id = oldest->first, .hash = oldest->second.hash};
    state_.audit_log.erase(oldest);
    ++expired.rows;
  }
  expired.has_more = is_old();
  return expired;
}

}  // namespace fanfare::memory
