// The chain of the audit log, the same for every store: each row's hash is SHA-256(hash of the row
// before ‖ canonical bytes of the row), in the order of commit, from 32 zero bytes on. Whoever
// changes, removes, inserts or swaps a row breaks it there.
//
// Who can write the whole database could compute a new chain, or cut its end off. Against that
// stands the seal: where the chain begins (retention removes its front) and ends, authenticated
// with a key that the database does not hold. It is written in the transaction of every change of
// the log.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "domain/audit.h"
#include "signing/digest.h"

namespace fanfare {

inline constexpr std::size_t kAuditHashBytes = 32;
// The setting that holds the seal.
inline constexpr const char* kAuditSealSetting = "audit_seal";

std::string next_audit_hash(std::string_view previous, const AuditEntry& entry);

// One end of what is stored: a row's id and hash. Before the first row: nil and zeros.
struct AuditPoint {
  AuditId id{};
  std::string hash = std::string(kAuditHashBytes, '\0');
  bool operator==(const AuditPoint&) const = default;
};

// `anchor` is the last row that retention has removed, `head` the newest.
struct AuditEnds {
  AuditPoint anchor{};
  AuditPoint head{};
  bool operator==(const AuditEnds&) const = default;
};

// Seals with the newest of its keys and opens with any: the master key that they are derived from
// may be replaced while the server runs, so they are asked for anew each time.
class AuditSealer {
 public:
  using Keys = std::function<std::vector<Secret>()>;  // newest first, at least one
  explicit AuditSealer(Keys keys) : keys_(std::move(keys)) {}
  // NOLINTNEXTLINE(google-explicit-constructor): one key that stays is a sealer.
  AuditSealer(Secret key) : keys_([key = std::move(key)] { return std::vector<Secret>{key}; }) {}

  std::string seal(const AuditEnds& ends) const;
  // Errc::corrupt unless one of the keys made it.
  Result<AuditEnds> open(std::string_view seal) const;

 private:
  Keys keys_;
};

}  // namespace fanfare
