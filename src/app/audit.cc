#include "app/audit.h"

#include <utility>

#include "domain/webhook_codec.h"

namespace fanfare {

namespace {
constexpr std::string_view kPurpose = "audit log";
}

AuditSealer audit_sealer(const Vault& vault) {
  return AuditSealer([&vault] { return vault.derived_keys(kPurpose); });
}

AuditSealer audit_sealer(const std::vector<Secret>& master_keys) {
  std::vector<Secret> keys;
  for (const Secret& master : master_keys) keys.push_back(derived_key(master, kPurpose));
  return AuditSealer([keys = std::move(keys)] { return keys; });
}

AuditEntry server_entry(std::string action, const Metadata& metadata) {
  return AuditEntry{.action = std::move(action),
                    .object = {.type = "server", .id = {}},
                    .metadata = encode_metadata(metadata)};
}

}  // namespace fanfare
