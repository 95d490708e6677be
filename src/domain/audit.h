// What the audit log keeps: who did what to which object, and what it was before and after. An
// entry is stored in the transaction of the change that it tells of (WriteOp.audit), is never
// changed, and goes only with retention. The entries are a chain: each row's hash covers the bytes
// below and the hash of the row before it (storage/audit_chain.h).
//
// No secret is in an entry: texts that open something stand as fingerprints, `sha256:` and 12 hex
// digits (auth/audit_change.h).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "domain/ids.h"

namespace fanfare {

struct AuditTag {
  static constexpr std::string_view kPrefix = "aud";
};
using AuditId = Id<AuditTag>;

// `system` is the server itself; `anonymous` somebody whose key or token was refused.
enum class ActorKind { system, admin_key, api_key, jwt, anonymous };

std::string_view name_of(ActorKind kind);
std::optional<ActorKind> actor_kind_named(std::string_view name);

struct AuditActor {
  ActorKind kind = ActorKind::system;
  std::string id{};    // key_…, or KEY:SUBJECT of a token; empty if there is none
  std::string name{};  // what people call it; empty = none
  bool operator==(const AuditActor&) const = default;
};

// What was acted on. `type` is the API's word for it, such as "webhook" or "event_type"; `id` is
// its id, or its name if that is how it is known.
struct AuditObject {
  std::string type{};
  std::string id{};
  bool operator==(const AuditObject&) const = default;
};

struct AuditEntry {
  // Both are set by the journal, as the ids of events are.
  AuditId id{};
  Timestamp at{};

  std::optional<TenantId> tenant{};  // none: it concerns the whole system
  AuditActor actor{};
  std::string action{};  // "webhook.created": the object's type, a dot, what was done to it
  AuditObject object{};
  // JSON objects of the members that changed; empty = there is none (created, deleted).
  std::string before{}, after{};
  std::string ip{}, user_agent{}, request_id{};
  std::string metadata{};  // JSON object of whatever else is worth knowing; empty = none

  bool operator==(const AuditEntry&) const = default;
};

// The bytes that the chain's hashes cover: every field, each after its length, so that no two
// entries have the same. Stored hashes depend on it: it never changes.
std::string canonical_bytes(const AuditEntry& entry);

// Which entries a list shows.
struct AuditFilter {
  std::optional<TenantId> tenant{};           // none = all
  std::string actor{};                        // a kind of actor or an actor's id; empty = any
  std::string action{};                       // exact, or a family `webhook.*`; empty = any
  std::string object{};                       // a type or an id; empty = any
  std::optional<Timestamp> since{}, until{};  // at in [since, until)
};
bool matches(const AuditFilter& filter, const AuditEntry& entry);

// `[a-z0-9_]+` words joined by dots, or such a family `webhook.*`.
bool is_audit_action_pattern(std::string_view text);

}  // namespace fanfare
