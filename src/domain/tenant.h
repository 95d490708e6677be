// Whose data it is, and the keys that open it.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "domain/ids.h"

namespace fanfare {

using Metadata = std::map<std::string, std::string>;

struct Tenant {
  TenantId id;
  std::string external_id;  // the caller's own name for it, unique; empty = none
  std::string name;
  Metadata metadata;
  Timestamp created_at;

  bool operator==(const Tenant&) const = default;
};

// What a key may do. Each role names a fixed set of rights (auth/principal.h).
enum class Role { admin, tenant, read, publish };

std::string_view name_of(Role role);
std::optional<Role> role_named(std::string_view name);

struct ApiKey {
  ApiKeyId id;
  std::optional<TenantId> tenant;  // none for an admin key
  Role role = Role::tenant;
  std::string name;
  std::string prefix;  // the first characters of the key, for people
  std::string sha256;  // 32 bytes: SHA-256 of the whole key
  Timestamp created_at;
  std::optional<Timestamp> expires_at;
  std::optional<Timestamp> revoked_at;
};

struct EventType {
  std::string name;
  std::string description;
  std::string category;
  std::string sample;  // JSON text of `data`; empty = none
  std::string schema;  // JSON Schema text; empty = none
  Timestamp created_at;

  bool operator==(const EventType&) const = default;
};

}  // namespace fanfare
