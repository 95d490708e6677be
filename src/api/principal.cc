#include "api/principal.h"

#include "api/ensure_tenant.h"
#include "auth/api_key.h"
#include "base/ascii.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

tl::unexpected<Problem> unauthorized() {
  Problem problem(ProblemKind::unauthorized,
                  "A valid API key is needed: send it as \"Authorization: Bearer ff_live_…\" or as "
                  "\"X-API-Key\".");
  problem.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"fanfare\"");
  return tl::unexpected<Problem>(std::move(problem));
}

std::optional<std::string_view> token_of(const net::HttpRequest& request) {
  if (const auto header = request.header("authorization")) {
    const std::size_t space = header->find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    if (!equals_ignoring_case(header->substr(0, space), "bearer")) return std::nullopt;
    std::string_view token = header->substr(space);
    while (token.starts_with(' ')) token.remove_prefix(1);
    return token;
  }
  return request.header("x-api-key");
}

// A subject that is too long for any honest one is left out.
std::string name_of(const JwtClaims& claims) {
  constexpr std::size_t kSubjectBytesMax = 128;
  const std::string key = claims.key_id.empty() ? "default" : claims.key_id;
  if (claims.subject.size() > kSubjectBytesMax) return "jwt:" + key;
  return "jwt:" + key + ":" + claims.subject;
}

Checked<Principal> principal_of(const JwtClaims& claims, const Directory& directory) {
  Principal principal{claims.role, std::nullopt, name_of(claims)};
  if (principal.is_admin()) return principal;
  if (const auto tenant = find_tenant(directory, claims.tenant)) {
    principal.tenant = tenant->id;
  } else if (broken_external_id(claims.tenant)) {
    return refuse(
        ProblemKind::forbidden,
        "The token is valid, but what it names as its tenant is neither the id nor fit to "
        "be the external_id of one.");
  } else {
    principal.missing_tenant = claims.tenant;
  }
  return principal;
}

Checked<Principal> authenticate_jwt(const std::string& token, const KeyRing& keys, Timestamp now,
                                    TokenMemo& memo) {
  if (!memo.jwt) memo.jwt = read_jwt(token, keys.jwt_keys);
  const Result<JwtClaims>& claims = *memo.jwt;
  if (claims && claims->is_valid_at(now)) return principal_of(*claims, keys.directory);
  if (keys.refused) {
    keys.refused(claims ? "the token has expired or is not valid yet" : claims.error().message);
  }
  return unauthorized();
}

}  // namespace

Checked<Principal> authenticate(const net::HttpRequest& request, const KeyRing& keys, Timestamp now,
                                TokenMemo& memo) {
  const auto token = token_of(request);
  if (!token || token->empty()) return unauthorized();
  if (!equal_constant_time(*token, memo.token.reveal())) {
    memo = {Secret(std::string(*token)), sha256_bytes(*token), is_well_formed_api_key(*token)};
  }
  if (!keys.admin_digest.empty() && equal_constant_time(memo.digest, keys.admin_digest)) {
    return Principal{Role::admin, std::nullopt, "admin"};
  }
  if (looks_like_jwt(*token) && !keys.jwt_keys.empty())
    return authenticate_jwt(memo.token.reveal(), keys, now, memo);
  if (!memo.is_well_formed) return unauthorized();
  const auto key = keys.directory.api_key_by_hash(memo.digest);
  if (!key || key->revoked_at || (key->expires_at && *key->expires_at <= now)) {
    return unauthorized();
  }
  return Principal{key->role, key->tenant, to_string(key->id)};
}

Checked<void> authorize(const Principal& principal, RoleSet roles) {
  if (roles == kAnybody || (roles & role_bit(principal.role)) != 0) return {};
  std::string detail = "A key with the role \"" + std::string(name_of(principal.role)) +
                       "\" may not do this. It takes one of:";
  for (const Role role : {Role::admin, Role::tenant, Role::read, Role::publish}) {
    if ((roles & role_bit(role)) != 0) detail.append(" ").append(name_of(role));
  }
  return refuse(ProblemKind::forbidden, detail + ".");
}

std::shared_ptr<const Tenant> find_tenant(const Directory& directory, const std::string& named) {
  if (const auto id = parse_id<TenantTag>(named)) return directory.tenant(*id);
  return directory.tenant_by_external_id(named);
}

SameTenant same_tenant(const Principal& principal, const Directory& directory) {
  return [&principal, &directory](const std::string& a, const std::string& b) {
    const auto one = tenant_of(principal, directory, a);
    const auto other = tenant_of(principal, directory, b);
    return one && other && *one == *other;
  };
}

Checked<TenantId> tenant_of(const Principal& principal, const Directory& directory,
                            const std::optional<std::string>& named) {
  if (!named) {
    if (principal.tenant) return *principal.tenant;
    return tl::unexpected<Problem>(
        validation_problem({{"/tenant_id", "required",
                             "an admin key has no tenant of its own: name one with tenant_id, in "
                             "the body or the query",
                             ""}}));
  }
  const auto tenant = find_tenant(directory, *named);
  if (!tenant || (principal.tenant && tenant->id != *principal.tenant)) {
    Problem problem(ProblemKind::not_found, "There is no tenant with this tenant_id.");
    if (!principal.tenant && !broken_external_id(*named)) problem.missing_tenants = {*named};
    return tl::unexpected<Problem>(std::move(problem));
  }
  return tenant->id;
}

}  // namespace fanfare
