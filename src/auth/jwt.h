// Bearer JWTs (RFC 7519) as an input: somebody else's server signs them, this one only verifies.
// The rules are strict on purpose: whatever two readers could understand differently is refused.
// The key decides about algorithm, issuer, audience, dates and what the claims mean; a token only
// says which key it is for, by a name that is looked up among the configured ones and nowhere else.
// `jku`, `jwk`, `x5u` and `x5c` are not looked at, `crit` is refused.
//
// Pure: bytes, keys and the time in, claims or the reason out. Reasons are for the operator's log;
// the client is told nothing but that the token is not accepted. No reason repeats a token.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "auth/jwt_key.h"
#include "base/time.h"
#include "domain/tenant.h"

namespace fanfare {

// What one key's tokens must hold and what they mean.
struct JwtRules {
  std::string issuer;           // exactly; empty = any
  std::string audience;         // exactly, or one of several; empty = any
  bool requires_expiry = true;  // exp and iat must be there
  Millis lifetime_max = std::chrono::hours{24};
  // A member of the claims, or a way into them such as "app_metadata.org".
  std::string tenant_claim = "sub";
  std::string role_claim;             // empty = every token has the default role
  std::map<std::string, Role> roles;  // what its values mean; others are refused
  std::optional<Role> default_role;   // of a token without the role claim; none = refused
};

struct JwtKey {
  // What a token calls it in `kid`. Empty: it is the only key, and takes tokens of any kid.
  std::string id;
  JwtVerifier verifier;
  JwtRules rules;
};

// The keys that are trusted. Immutable once filled; any thread then.
class JwtKeys {
 public:
  // Errc::invalid for an id that is none or that another key has, or for a second key where one has
  // no id.
  Result<void> add(JwtKey key);
  bool empty() const { return keys_.empty(); }
  // The key that a token with this kid is tried with; null if there is none.
  const JwtKey* find(const std::optional<std::string>& kid) const;

 private:
  std::vector<JwtKey> keys_;
};

struct JwtClaims {
  std::string key_id;
  std::string subject;  // empty if the token names none
  Role role = Role::read;
  std::string tenant;  // what the tenant claim holds; empty for an admin
  // The skew is in them: valid at `from` and after, before `until`.
  Timestamp valid_from;
  Timestamp valid_until;

  bool is_valid_at(Timestamp now) const { return valid_from <= now && now < valid_until; }
};

// Whether it is worth reading as one: two dots.
bool looks_like_jwt(std::string_view token);

// Everything but the time, so that the outcome may be kept; who uses it asks is_valid_at() each
// time.
Result<JwtClaims> read_jwt(std::string_view token, const JwtKeys& keys);
// Everything.
Result<JwtClaims> verify_jwt(std::string_view token, const JwtKeys& keys, Timestamp now);

}  // namespace fanfare
