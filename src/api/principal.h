// Principal: who asks, proved by a key and nothing else. Looked up on every request, never cached,
// so that a revoked key stops working with the commit that revokes it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "api/json_input.h"
#include "api/problem.h"
#include "api/router.h"
#include "auth/jwt.h"
#include "delivery/directory.h"

namespace fanfare {

struct Principal {
  Role role = Role::read;
  std::optional<TenantId> tenant;  // none for admin keys: they name the tenant
  std::string name;                // "admin", the id of the key, or "jwt:KEY:SUBJECT"
  // External id that a trusted token names and no tenant has. Such a principal gets no further than
  // to the place that makes the tenant (ApiHandler).
  std::string missing_tenant = {};

  bool is_admin() const { return role == Role::admin; }
  // Idempotency keys and answers kept under them belong to this.
  std::string scope() const { return tenant ? to_string(*tenant) : "admin"; }
};

// The digest of the token seen last, or what it says if it is a JWT. A head is judged twice (before
// its body and after) and clients keep their key, so this saves the hashing, which is most of the
// cost; the key itself is looked up every time, and a JWT's dates are. Loop thread only.
struct TokenMemo {
  Secret token;
  std::string digest;
  bool is_well_formed = false;
  std::optional<Result<JwtClaims>> jwt = {};
};

// Reads `Authorization: Bearer` or `X-API-Key`. `admin_digest` is the SHA-256 of the operator's own
// admin key, empty if there is none. The refusal is the same for unknown, expired and revoked keys
// and for every token; `refused` is told why a token was.
struct KeyRing {
  const std::string& admin_digest;
  const Directory& directory;
  const JwtKeys& jwt_keys;
  const std::function<void(const std::string& reason)>& refused;
};
Checked<Principal> authenticate(const net::HttpRequest& request, const KeyRing& keys, Timestamp now,
                                TokenMemo& memo);

// 403 unless the role is one of `roles`.
Checked<void> authorize(const Principal& principal, RoleSet roles);

// The tenant a request is about. `named` is the tenant_id that body or query gave (an id, or an
// external_id): an admin must give one, a tenant's key only its own; another's answers 404 as if it
// did not exist. What only an admin may name and might be made is in the problem's missing_tenants.
Checked<TenantId> tenant_of(const Principal& principal, const Directory& directory,
                            const std::optional<std::string>& named);
// The tenant with this id or external_id; none if there is none.
std::shared_ptr<const Tenant> find_tenant(const Directory& directory, const std::string& named);
// Whether two names are of one tenant that the principal may see. Both arguments outlive the
// answer.
SameTenant same_tenant(const Principal& principal, const Directory& directory);

}  // namespace fanfare
