#include "auth/jwt.h"

#include <algorithm>
#include <charconv>

#include "base/encoding.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace fanfare {
namespace {

constexpr std::size_t kTokenBytesMax = 4096;
constexpr std::size_t kKeyIdBytesMax = 64;
constexpr int kDepthMax = 8;
constexpr std::chrono::seconds kSkew{60};              // how far two honest clocks may be apart
constexpr std::int64_t kSecondsMax = 253'402'300'799;  // the end of the year 9999

using Members = std::vector<JsonMember>;

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Errc::invalid, std::move(reason));
}

bool is_key_id(std::string_view id) {
  return !id.empty() && id.size() <= kKeyIdBytesMax &&
         std::all_of(id.begin(), id.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
                  c == '_' || c == '-';
         });
}

// ---- the parts ----

struct Parts {
  std::string header, claims, signature;
  std::string_view signed_text;
};

Result<Parts> parts_of(std::string_view token) {
  if (token.size() > kTokenBytesMax) return refuse("the token is longer than 4096 bytes");
  const auto first = token.find('.');
  const auto second = token.find('.', first == std::string_view::npos ? first : first + 1);
  if (second == std::string_view::npos || token.find('.', second + 1) != std::string_view::npos)
    return refuse("the token does not have three parts");
  auto header = base64url_decode(token.substr(0, first));
  auto claims = base64url_decode(token.substr(first + 1, second - first - 1));
  auto signature = base64url_decode(token.substr(second + 1));
  if (!header || !claims || !signature)
    return refuse("a part of the token is not base64url without padding");
  return Parts{*std::move(header), *std::move(claims), *std::move(signature),
               token.substr(0, second)};
}

// Of text that the scanner has accepted: brackets outside strings.
int depth_of(std::string_view json) {
  int depth = 0;
  int deepest = 0;
  bool is_in_string = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (is_in_string && c == '\\') ++i;
    if (c == '"') is_in_string = !is_in_string;
    if (is_in_string) continue;
    if (c == '{' || c == '[') deepest = std::max(deepest, ++depth);
    if (c == '}' || c == ']') --depth;
  }
  return deepest;
}

Result<Members> members_of(const std::string& json, std::string_view what) {
  auto members = scan_json_object(json);
  if (!members) return refuse("the " + std::string(what) + ": " + members.error().message);
  if (depth_of(json) > kDepthMax)
    return refuse("the " + std::string(what) + " are nested more than 8 deep");
  return members;
}

const std::string_view* find(const Members& members, std::string_view name) {
  for (const JsonMember& member : members) {
    if (unescape_json(member.key) == name) return &member.value;
  }
  return nullptr;
}

std::optional<std::string> text_of(std::string_view value) {
  if (!value.starts_with('"')) return std::nullopt;
  return unescape_json(value.substr(1, value.size() - 2));
}

// The text at a name or a dotted way; none if nothing is there. Names with dots come first: claims
// that are called by a URL are common.
Result<std::optional<std::string>> text_at(const Members& claims, std::string_view way) {
  if (const std::string_view* value = find(claims, way)) {
    auto text = text_of(*value);
    if (!text) return refuse("the claim " + std::string(way) + " is not a string");
    return text;
  }
  const auto dot = way.find('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string_view* inner = find(claims, way.substr(0, dot));
  if (inner == nullptr || !inner->starts_with('{')) return std::nullopt;
  const auto members = scan_json_object(*inner);
  if (!members) return refuse(members.error().message);
  return text_at(*members, way.substr(dot + 1));
}

// ---- the header ----

Result<const JwtKey*> key_for(const Members& header, const JwtKeys& keys) {
  if (find(header, "crit") != nullptr)
    return refuse("the header has crit, and no extension is understood here");
  std::optional<std::string> kid;
  if (const std::string_view* value = find(header, "kid")) {
    kid = text_of(*value);
    if (!kid) return refuse("the header's kid is not a string");
  }
  const JwtKey* key = keys.find(kid);
  if (key == nullptr)
    return refuse(kid ? "no key is configured for the header's kid"
                      : "the header has no kid, and there is not exactly one key");
  const std::string_view* alg = find(header, "alg");
  const auto name = alg == nullptr ? std::nullopt : text_of(*alg);
  if (!name || *name != name_of(key->verifier.algorithm()))
    return refuse("the header's alg is not " + std::string(name_of(key->verifier.algorithm())) +
                  ", which the key is for");
  return key;
}

// ---- the claims ----

// An integer of seconds since 1970; none if the claim is absent.
Result<std::optional<Timestamp>> date_at(const Members& claims, std::string_view name) {
  const std::string_view* value = find(claims, name);
  if (value == nullptr) return std::nullopt;
  std::int64_t seconds = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, seconds);
  if (error != std::errc{} || stop != end || value->starts_with('-') || seconds > kSecondsMax)
    return refuse(std::string(name) + " is not an integer of seconds since 1970");
  return timestamp_of_ms(seconds * 1000);
}

Result<void> read_dates(const Members& claims, const JwtRules& rules, JwtClaims& out) {
  TRY(const auto expires, date_at(claims, "exp"));
  TRY(const auto issued, date_at(claims, "iat"));
  TRY(const auto not_before, date_at(claims, "nbf"));
  if (rules.requires_expiry && (!expires || !issued)) return refuse("exp and iat are required");
  out.valid_from = timestamp_of_ms(0);
  out.valid_until = timestamp_of_ms((kSecondsMax + 1) * 1000);
  if (issued) out.valid_from = *issued - kSkew;
  if (not_before) out.valid_from = std::max(out.valid_from, *not_before - kSkew);
  if (!expires) return {};
  out.valid_until = *expires + kSkew;
  // Without iat it lives from now on at the latest, so it is too early for one that ends too late.
  if (!issued) out.valid_from = std::max(out.valid_from, *expires - rules.lifetime_max);
  if (issued && *expires < *issued) return refuse("exp is before iat");
  if (issued && *expires - *issued > rules.lifetime_max)
    return refuse("the token lives longer than the key allows");
  return {};
}

// The elements of a JSON array, without the white space around them; of text that the scanner has
// accepted. Strings only, so a comma outside a string ends one.
std::optional<std::vector<std::string>> texts_of_array(std::string_view array) {
  std::vector<std::string> texts;
  std::size_t at = 1;
  for (;;) {
    at = array.find_first_not_of(" \t\r\n,", at);
    if (array[at] == ']') return texts;
    if (array[at] != '"') return std::nullopt;
    std::size_t end = at + 1;
    while (array[end] != '"') end += array[end] == '\\' ? 2 : 1;
    texts.push_back(unescape_json(array.substr(at + 1, end - at - 1)));
    at = end + 1;
  }
}

Result<void> check_audience(const Members& claims, const JwtRules& rules) {
  const std::string_view* value = find(claims, "aud");
  if (value == nullptr) return refuse("aud is required");
  if (value->starts_with('[')) {
    const auto several = texts_of_array(*value);
    if (several && std::find(several->begin(), several->end(), rules.audience) != several->end())
      return {};
  } else if (text_of(*value) == rules.audience) {
    return {};
  }
  return refuse("aud is another audience");
}

Result<Role> role_of(const Members& claims, const JwtRules& rules) {
  std::optional<std::string> value;
  if (!rules.role_claim.empty()) {
    TRY(value, text_at(claims, rules.role_claim));
  }
  if (!value) {
    if (rules.default_role) return *rules.default_role;
    return refuse("the token has no claim " + rules.role_claim +
                  ", and its key has no default_role");
  }
  const auto role = rules.roles.find(*value);
  if (role == rules.roles.end())
    return refuse("the claim " + rules.role_claim + " holds none of the key's roles");
  return role->second;
}

Result<JwtClaims> read_claims(const Members& claims, const JwtKey& key) {
  JwtClaims out;
  out.key_id = key.id;
  TRY_VOID(read_dates(claims, key.rules, out));
  if (!key.rules.issuer.empty()) {
    TRY(const auto issuer, text_at(claims, "iss"));
    if (issuer != key.rules.issuer) return refuse("iss is another issuer");
  }
  if (!key.rules.audience.empty()) {
    TRY_VOID(check_audience(claims, key.rules));
  }
  TRY(const auto subject, text_at(claims, "sub"));
  out.subject = subject.value_or("");
  TRY(out.role, role_of(claims, key.rules));
  if (out.role == Role::admin) return out;
  TRY(const auto tenant, text_at(claims, key.rules.tenant_claim));
  if (!tenant || tenant->empty())
    return refuse("the token has no claim " + key.rules.tenant_claim + ", which names the tenant");
  out.tenant = *tenant;
  return out;
}

}  // namespace

Result<void> JwtKeys::add(JwtKey key) {
  if (!key.id.empty() && !is_key_id(key.id))
    return refuse("must have 1 to 64 letters, digits, - and _");
  for (const JwtKey& other : keys_) {
    if (other.id == key.id && !key.id.empty()) return refuse("is the id of another key too");
    if (key.id.empty() || other.id.empty())
      return refuse("is required where there is more than one key");
  }
  keys_.push_back(std::move(key));
  return {};
}

const JwtKey* JwtKeys::find(const std::optional<std::string>& kid) const {
  const bool is_only_one = keys_.size() == 1;
  if (!kid) return is_only_one ? &keys_.front() : nullptr;
  if (is_only_one && keys_.front().id.empty()) {
    // Nothing is looked up by it; some issuers write base64 there.
    std::string plain = *kid;
    std::erase_if(plain, [](char c) { return c == '+' || c == '/' || c == '='; });
    return is_key_id(plain) && kid->size() <= kKeyIdBytesMax ? &keys_.front() : nullptr;
  }
  if (!is_key_id(*kid)) return nullptr;
  const auto found = std::find_if(keys_.begin(), keys_.end(),
                                  [&kid](const JwtKey& key) { return key.id == *kid; });
  return found == keys_.end() ? nullptr : &*found;
}

bool looks_like_jwt(std::string_view token) {
  return std::count(token.begin(), token.end(), '.') == 2;
}

Result<JwtClaims> read_jwt(std::string_view token, const JwtKeys& keys) {
  TRY(const Parts parts, parts_of(token));
  TRY(const Members header, members_of(parts.header, "header"));
  TRY(const JwtKey* const key, key_for(header, keys));
  // Nothing of the claims is read before it is known who wrote them.
  if (!key->verifier.verify(parts.signed_text, parts.signature))
    return refuse("the signature is not the key's");
  TRY(const Members claims, members_of(parts.claims, "claims"));
  return read_claims(claims, *key);
}

Result<JwtClaims> verify_jwt(std::string_view token, const JwtKeys& keys, Timestamp now) {
  TRY(JwtClaims claims, read_jwt(token, keys));
  if (!claims.is_valid_at(now)) return refuse("the token has expired or is not valid yet");
  return claims;
}

}  // namespace fanfare
