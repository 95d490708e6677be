#include "app/jwt_keys.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "base/edit_distance.h"
#include "base/encoding.h"
#include "config/toml_file.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

constexpr std::size_t kFileBytesMax = 256 * 1024;
constexpr std::size_t kKeyFileBytesMax = 64 * 1024;
constexpr std::string_view kRoles = "roles.";
constexpr std::array<std::string_view, 12> kKeyNames = {
    "id",         "algorithm",   "secret_file",  "secret_base64_file", "public_key_file",
    "issuer",     "audience",    "tenant_claim", "requires_expiry",    "lifetime_max",
    "role_claim", "default_role"};

std::string without_line_ends(std::string text) {
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

// Every key says its own default; what is left open is only whether a token needs a role.
JwtRules completed(JwtRules rules) {
  if (rules.role_claim.empty() && !rules.default_role) rules.default_role = Role::tenant;
  return rules;
}

// One `[[key]]` table, as flat entries "key[0].id" and so on.
class KeyTable {
 public:
  KeyTable(std::string file, std::string folder, std::vector<TomlEntry> entries)
      : file_(std::move(file)), folder_(std::move(folder)), entries_(std::move(entries)) {}

  Result<JwtKey> read(const JwtRules& defaults) const {
    TRY_VOID(check_names());
    TRY(JwtVerifier verifier, read_verifier());
    JwtRules rules = defaults;
    TRY_VOID(read_rules(rules));
    return JwtKey{text("id").value_or(""), std::move(verifier), completed(std::move(rules))};
  }
  // A mistake about one key, at its line, or the table's first if the key is not there.
  tl::unexpected<Error> refuse(std::string_view name, const std::string& reason) const {
    const TomlEntry* entry = find(name);
    const int line = entry == nullptr ? first_line() : entry->line;
    return fail(Errc::invalid, file_ + ":" + std::to_string(line) + ": " + prefix() +
                                   std::string(name) + " " + reason);
  }

 private:
  std::string_view name_of(const TomlEntry& entry) const {
    const std::string_view key = entry.key;
    return key.substr(key.find("].") + 2);
  }
  std::string prefix() const { return entries_[0].key.substr(0, entries_[0].key.find("].") + 2); }
  int first_line() const {
    return std::min_element(entries_.begin(), entries_.end(),
                            [](const auto& a, const auto& b) { return a.line < b.line; })
        ->line;
  }
  const TomlEntry* find(std::string_view name) const {
    for (const TomlEntry& entry : entries_) {
      if (name_of(entry) == name) return &entry;
    }
    return nullptr;
  }
  std::optional<std::string> text(std::string_view name) const {
    const TomlEntry* entry = find(name);
    if (entry == nullptr) return std::nullopt;
    return entry->value;
  }

  Result<void> check_names() const {
    for (const TomlEntry& entry : entries_) {
      const std::string_view name = name_of(entry);
      const bool is_switch = name == "requires_expiry";
      if (entry.kind != (is_switch ? TomlKind::boolean : TomlKind::string))
        return refuse(name, is_switch ? "must be true or false, without quotes"
                                      : "must be a string, in quotes");
      const bool is_known = name.starts_with(kRoles) ||
                            std::find(kKeyNames.begin(), kKeyNames.end(), name) != kKeyNames.end();
      if (!is_known) return refuse(name, "is not a key of this file" + suggestion(name));
    }
    return {};
  }
  std::string suggestion(std::string_view name) const {
    if (name.size() > 64) return "";
    const auto nearest = std::min_element(kKeyNames.begin(), kKeyNames.end(),
                                          [name](std::string_view a, std::string_view b) {
                                            return edit_distance(name, a) < edit_distance(name, b);
                                          });
    if (edit_distance(name, *nearest) > 3) return "";
    return "; did you mean " + std::string(*nearest) + "?";
  }

  Result<std::string> content(std::string_view name) const {
    const std::filesystem::path path = *text(name);
    const std::string where = path.is_absolute() ? path.string() : folder_ + path.string();
    auto bytes = read_text_file(where, kKeyFileBytesMax);
    if (!bytes) return refuse(name, "cannot be used: " + bytes.error().message);
    return bytes;
  }

  Result<JwtVerifier> read_verifier() const {
    const auto algorithm = jwt_algorithm_named(text("algorithm").value_or(""));
    if (!algorithm) return refuse("algorithm", "must be HS256, RS256, ES256 or EdDSA");
    const bool is_secret = *algorithm == JwtAlgorithm::hs256;
    const bool has_public = text("public_key_file").has_value();
    const int secrets =
        int{text("secret_file").has_value()} + int{text("secret_base64_file").has_value()};
    if (is_secret && (has_public || secrets != 1))
      return refuse(has_public ? "public_key_file" : "secret_file",
                    "does not fit: HS256 takes exactly one of secret_file and secret_base64_file");
    if (!is_secret && (!has_public || secrets != 0))
      return refuse("public_key_file",
                    "is required, and no secret: " + *text("algorithm") + " takes a public key");
    return is_secret ? read_secret() : read_public_key(*algorithm);
  }
  Result<JwtVerifier> read_secret() const {
    const bool is_base64 = text("secret_base64_file").has_value();
    const std::string_view name = is_base64 ? "secret_base64_file" : "secret_file";
    TRY(std::string bytes, content(name));
    bytes = without_line_ends(std::move(bytes));
    if (is_base64) {
      auto decoded = base64_decode(bytes);
      if (!decoded) return refuse(name, "names a file that does not hold base64 with padding");
      bytes = *std::move(decoded);
    }
    auto verifier = JwtVerifier::from_secret(Secret(std::move(bytes)));
    if (!verifier) return refuse(name, "names a file whose content " + verifier.error().message);
    return verifier;
  }
  Result<JwtVerifier> read_public_key(JwtAlgorithm algorithm) const {
    TRY(const std::string bytes, content("public_key_file"));
    auto verifier = JwtVerifier::from_public_key(algorithm, bytes);
    if (!verifier)
      return refuse("public_key_file", "names a file that " + verifier.error().message);
    return verifier;
  }

  Result<void> read_rules(JwtRules& rules) const {
    rules.issuer = text("issuer").value_or(rules.issuer);
    rules.audience = text("audience").value_or(rules.audience);
    rules.tenant_claim = text("tenant_claim").value_or(rules.tenant_claim);
    rules.role_claim = text("role_claim").value_or(rules.role_claim);
    if (rules.tenant_claim.empty()) return refuse("tenant_claim", "must not be empty");
    if (const auto value = text("requires_expiry")) rules.requires_expiry = *value == "true";
    if (const auto value = text("lifetime_max")) {
      const auto lifetime = parse_duration(*value);
      if (!lifetime || *lifetime <= Millis{0})
        return refuse("lifetime_max", "must be a duration such as 24h or 3650d");
      rules.lifetime_max = *lifetime;
    }
    return read_roles(rules);
  }
  Result<void> read_roles(JwtRules& rules) const {
    std::map<std::string, Role> roles;
    for (const TomlEntry& entry : entries_) {
      const std::string_view name = name_of(entry);
      if (!name.starts_with(kRoles)) continue;
      const auto role = role_named(entry.value);
      if (!role) return refuse(name, "must be admin, tenant, read or publish");
      roles[std::string(name.substr(kRoles.size()))] = *role;
    }
    if (!roles.empty()) rules.roles = std::move(roles);
    if (const auto value = text("default_role")) {
      rules.default_role = role_named(*value);
      if (!rules.default_role)
        return refuse("default_role", "must be admin, tenant, read or publish");
    }
    if (rules.role_claim.empty() != rules.roles.empty())
      return refuse("roles", "and role_claim come together: the claim and what its values mean");
    return {};
  }

  std::string file_;
  std::string folder_;
  std::vector<TomlEntry> entries_;  // at least one
};

// "key[3].": the table that an entry is of.
std::string_view table_of(const TomlEntry& entry) {
  const auto end = std::string_view(entry.key).find("].");
  return end == std::string_view::npos ? std::string_view{}
                                       : std::string_view(entry.key).substr(0, end + 2);
}

Result<std::vector<KeyTable>> tables_of(const std::string& path, std::vector<TomlEntry> entries) {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  std::vector<KeyTable> tables;
  for (auto from = entries.begin(); from != entries.end();) {
    const std::string table(table_of(*from));
    if (!table.starts_with("key["))
      return fail(Errc::invalid, path + ":" + std::to_string(from->line) + ": " + from->key +
                                     " has no place here; the file holds [[key]] tables only");
    const auto end = std::find_if(
        from, entries.end(), [&table](const TomlEntry& entry) { return table_of(entry) != table; });
    tables.emplace_back(path, folder, std::vector<TomlEntry>(from, end));
    from = end;
  }
  if (tables.empty())
    return fail(Errc::invalid, path + " holds no key; each begins with a line [[key]]");
  return tables;
}

Result<JwtKeys> single_key(const Config& config, const JwtRules& defaults) {
  const auto place = config.origins.find("jwt-secret");
  const std::string origin = place == config.origins.end() ? "" : place->second + ": ";
  auto verifier = JwtVerifier::from_secret(config.jwt_secret);
  if (!verifier) return fail(Errc::invalid, origin + "jwt-secret " + verifier.error().message);
  JwtKeys keys;
  TRY_VOID(keys.add({"", *std::move(verifier), completed(defaults)}));
  return keys;
}

}  // namespace

Result<JwtKeys> read_jwt_keys(const std::string& path, const JwtRules& defaults) {
  TRY(const std::string text, read_text_file(path, kFileBytesMax));
  TRY(std::vector<TomlEntry> entries, parse_toml(text, path));
  TRY(const std::vector<KeyTable> tables, tables_of(path, std::move(entries)));
  JwtKeys keys;
  for (const KeyTable& table : tables) {
    TRY(JwtKey key, table.read(defaults));
    if (const auto added = keys.add(std::move(key)); !added)
      return table.refuse("id", added.error().message);
  }
  return keys;
}

Result<JwtKeys> jwt_keys_of(const Config& config, const JwtRules& defaults) {
  if (!config.jwt_keys_file.empty() && !config.jwt_secret.empty())
    return fail(Errc::invalid,
                "jwt-keys and jwt-secret cannot be used together; make the secret a [[key]] of the "
                "file");
  if (!config.jwt_keys_file.empty()) return read_jwt_keys(config.jwt_keys_file, defaults);
  if (!config.jwt_secret.empty()) return single_key(config, defaults);
  return JwtKeys{};
}

}  // namespace fanfare
