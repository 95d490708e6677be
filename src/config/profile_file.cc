#include "config/profile_file.h"

#include <algorithm>
#include <set>

#include "base/json_scan.h"
#include "config/profile_webhooks.h"
#include "config/toml_file.h"

namespace fanfare {
namespace {

constexpr std::size_t kProfileFileBytesMax = 4 * 1024 * 1024;
constexpr std::size_t kEventTypesMax = 1000;  // all are put into the store in one transaction
constexpr std::size_t kPathsMax = 100;        // compared one after the other
constexpr std::size_t kWordBytesMax = 64;
constexpr std::size_t kPathBytesMax = 512;
constexpr std::string_view kTenantField = "tenant_id";

// What can be a member of JSON, a parameter of a query and a key of TOML without quotes.
bool is_word(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  });
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Such a word would be taken for the tenant where a request means the other.
bool means_something_else(std::string_view word, const ProfileRules& rules) {
  if (word == kTenantField) return false;
  const std::vector<std::string>* const kLists[] = {
      &rules.webhook_request_fields, &rules.event_request_fields,  &rules.webhook_answer_fields,
      &rules.delivery_answer_fields, &rules.attempt_answer_fields, &rules.other_request_names};
  return std::any_of(std::begin(kLists), std::end(kLists),
                     [word](const auto* names) { return contains(*names, word); });
}

void read_tenant(TableReader& reader, const ProfileRules& rules, Profile& profile) {
  auto table = reader.table("tenant");
  if (!table) return;
  if (const auto word = table->text("word", kWordBytesMax)) {
    if (!is_word(*word)) table->refuse("word", "must be a word of letters, digits and _");
    if (means_something_else(*word, rules))
      table->refuse("word", "cannot be \"" + *word + "\", a name that the API has already");
    profile.tenant_word = *word;
  }
  profile.tenant_id_is_external = table->flag("tenant_id_is_external").value_or(false);
  table->finish();
}

void read_limits(TableReader& reader, ProfileLimits& limits) {
  auto table = reader.table("limits");
  if (!table) return;
  const auto tightened = [&table](std::string_view name, std::size_t& limit) {
    limit = static_cast<std::size_t>(table->integer(name, 1, static_cast<std::int64_t>(limit))
                                         .value_or(static_cast<std::int64_t>(limit)));
  };
  tightened("payload_bytes", limits.payload_bytes);
  tightened("webhooks_per_tenant", limits.webhooks_per_tenant);
  limits.https_only = table->flag("https_only").value_or(false);
  table->finish();
}

std::optional<Role> read_role(TableReader& reader, std::string_view key, std::string_view name) {
  const auto role = role_named(name);
  if (!role) reader.refuse(key, "must be admin, tenant, read or publish");
  return role;
}

void read_jwt(TableReader& reader, JwtDefaults& jwt) {
  auto table = reader.table("jwt");
  if (!table) return;
  jwt.tenant_claim = table->text("tenant_claim", kPathBytesMax).value_or("");
  jwt.role_claim = table->text("role_claim", kPathBytesMax).value_or("");
  jwt.audience = table->text("audience", kPathBytesMax).value_or("");
  if (auto roles = table->table("roles")) {
    for (const auto& [value, name] : roles->texts(kWordBytesMax)) {
      if (const auto role = read_role(*roles, value, name)) jwt.roles[value] = *role;
    }
  }
  if (const auto name = table->text("default_role", kWordBytesMax))
    jwt.default_role = read_role(*table, "default_role", *name);
  if (const auto text = table->text("lifetime_max", kWordBytesMax)) {
    const auto lifetime = parse_duration(*text);
    if (lifetime) {
      jwt.lifetime_max = *lifetime;
    } else {
      table->refuse("lifetime_max", lifetime.error().message);
    }
  }
  table->finish();
}

// A path without a slash at the end; a mistake for what is none.
std::string read_path(TableReader& reader, std::string_view name) {
  reader.require(name, "a path such as /api/v1/webhooks");
  std::string path = reader.text(name, kPathBytesMax).value_or("");
  const bool is_plain = std::all_of(path.begin(), path.end(), [](char c) {
    return c > ' ' && c < 0x7F && c != '?' && c != '#' && c != '%';
  });
  const bool is_root = path.find_first_not_of('/') == std::string::npos;
  if (reader.has(name) && (!path.starts_with('/') || is_root || !is_plain))
    reader.refuse(name, "must be a path such as /api/v1/webhooks");
  while (path.ends_with('/')) path.pop_back();
  return path;
}

bool is_at_or_below(std::string_view path, std::string_view top) {
  return path.starts_with(top) && (path.size() == top.size() || path[top.size()] == '/');
}

// Aliases are asked before the API's own routes, so one that overlaps with these would hide some of
// them, or one that a later version brings.
void refuse_own_path(TableReader& reader, const std::string& from, const ProfileRules& rules) {
  if (from.empty()) return;  // refused already
  for (const std::string& own : rules.own_paths) {
    if (!is_at_or_below(from, own) && !is_at_or_below(own, from)) continue;
    reader.refuse("from", "would stand in front of the server's own " + own +
                              ", which works under every profile");
    return;
  }
}

PathAlias read_path_alias(TableReader& reader, const ProfileRules& rules) {
  constexpr std::string_view kMethods[] = {"GET", "POST", "PUT", "PATCH", "DELETE"};
  PathAlias path;
  path.from = read_path(reader, "from");
  refuse_own_path(reader, path.from, rules);
  path.to = read_path(reader, "to");
  path.id_from = reader.text("id_from", kWordBytesMax).value_or("");
  path.action = reader.text("action", kWordBytesMax).value_or("");
  // Only a request with a body can say what it wants done.
  path.method = reader.text("method", kWordBytesMax).value_or(path.action.empty() ? "" : "POST");
  if (!path.method.empty() &&
      std::find(std::begin(kMethods), std::end(kMethods), path.method) == std::end(kMethods)) {
    reader.refuse("method", "must be GET, POST, PUT, PATCH or DELETE");
  } else if (!rules.leads_to_route(path)) {
    reader.refuse("to", "leads to no route of the API" +
                            (path.method.empty() ? "" : " that takes " + path.method));
  }
  path.is_for_admins = reader.flag("admins_only").value_or(false);
  if (reader.has("id_from") && !is_word(path.id_from))
    reader.refuse("id_from", "must be the name of a parameter, of letters, digits and _");
  if (reader.has("action") && path.action.empty())
    reader.refuse("action", "must not be empty; leave it out for every body");
  reader.finish();
  return path;
}

void read_paths(TableReader& reader, const ProfileRules& rules, Profile& profile) {
  for (TableReader& table : reader.tables("paths", kPathsMax)) {
    PathAlias path = read_path_alias(table, rules);
    const bool is_repeated =
        std::any_of(profile.paths.begin(), profile.paths.end(), [&path](const PathAlias& other) {
          return other.method == path.method && other.from == path.from &&
                 other.id_from == path.id_from && other.action == path.action;
        });
    if (is_repeated) table.refuse("from", "is there already, so this one would never be used");
    profile.paths.push_back(std::move(path));
  }
}

void read_aliases(TableReader& group, std::string_view name, const std::vector<std::string>& fields,
                  const Profile& profile, FieldAliases& aliases) {
  auto table = group.table(name);
  if (!table) return;
  for (auto& [alias, field] : table->texts(kWordBytesMax)) {
    if (!is_word(alias)) {
      table->refuse(alias, "must be a word of letters, digits and _");
    } else if (contains(fields, alias)) {
      table->refuse(alias, "is a field of its own already");
    } else if (alias == profile.tenant_word) {
      table->refuse(alias, "is the word for the tenant already");
    } else if (!contains(fields, field)) {
      table->refuse(alias, "stands for \"" + field + "\", which is not a field here");
    } else {
      aliases.push_back({std::move(alias), std::move(field)});
    }
  }
}

void read_all_aliases(TableReader& reader, const ProfileRules& rules, Profile& profile) {
  if (auto requests = reader.table("requests")) {
    read_aliases(*requests, "webhook", rules.webhook_request_fields, profile,
                 profile.webhook_requests);
    read_aliases(*requests, "event", rules.event_request_fields, profile, profile.event_requests);
    requests->finish();
  }
  if (auto answers = reader.table("answers")) {
    read_aliases(*answers, "webhook", rules.webhook_answer_fields, profile,
                 profile.webhook_answers);
    read_aliases(*answers, "delivery", rules.delivery_answer_fields, profile,
                 profile.delivery_answers);
    read_aliases(*answers, "attempt", rules.attempt_answer_fields, profile,
                 profile.attempt_answers);
    answers->finish();
  }
}

EventType read_event_type(TableReader& reader, std::size_t payload_bytes_max) {
  EventType type;
  reader.require("name", "such as \"user.created\"");
  type.name = reader.text("name", limits::kEventTypeBytesMax).value_or("");
  if (reader.has("name") && !is_event_type_name(type.name)) {
    reader.refuse("name",
                  "must be groups of letters, digits, _ and - joined by dots, such as "
                  "\"user.created\"");
  }
  type.category = reader.text("category", limits::kNameBytesMax).value_or("");
  type.description = reader.text("description", limits::kDescriptionBytesMax).value_or("");
  type.sample = reader.text("sample", payload_bytes_max).value_or("");
  if (!type.sample.empty()) {
    if (const auto checked = check_json(type.sample); !checked)
      reader.refuse("sample", "is not JSON: " + checked.error().message);
  }
  reader.finish();
  return type;
}

void read_event_types(TableReader& reader, Profile& profile) {
  std::set<std::string> names;
  for (TableReader& table : reader.tables("event_types", kEventTypesMax)) {
    EventType type = read_event_type(table, profile.limits.payload_bytes);
    if (!names.insert(type.name).second)
      table.refuse("name", "\"" + type.name + "\" is there already");
    profile.event_types.push_back(std::move(type));
  }
}

Profile read_profile(TableReader& reader, const ProfileRules& rules) {
  Profile profile;
  reader.require("name", "what the profile is called");
  profile.name = reader.text("name", kWordBytesMax).value_or("");
  profile.title = reader.text("title", limits::kNameBytesMax).value_or(profile.name);
  profile.description = reader.text("description", limits::kDescriptionBytesMax).value_or("");
  const std::string catalogue = reader.text("catalogue", kWordBytesMax).value_or("closed");
  if (catalogue != "open" && catalogue != "closed")
    reader.refuse("catalogue", "must be \"open\" or \"closed\"");
  profile.catalogue_is_open = catalogue == "open";
  profile.auto_create_tenants = reader.flag("auto_create_tenants").value_or(false);
  profile.broadcast = reader.flag("broadcast").value_or(false);
  read_tenant(reader, rules, profile);
  if (auto webhooks = reader.table("webhooks"))
    read_webhook_defaults(*std::move(webhooks), profile.webhooks);
  read_limits(reader, profile.limits);
  read_jwt(reader, profile.jwt);
  read_paths(reader, rules, profile);
  read_all_aliases(reader, rules, profile);
  read_event_types(reader, profile);
  reader.finish();
  return profile;
}

std::string names_of_embedded() {
  std::string names;
  for (const EmbeddedProfile& profile : embedded_profiles())
    names.append(names.empty() ? "" : ", ").append(profile.name);
  return names;
}

}  // namespace

Result<Profile> parse_profile(std::string_view text, const std::string& file_name,
                              const ProfileRules& rules) {
  const toml::parse_result parsed = toml::parse(text);
  Mistakes mistakes(file_name);
  if (!parsed) {
    mistakes.add(static_cast<int>(parsed.error().source().begin.line),
                 std::string(parsed.error().description()));
    return tl::unexpected(mistakes.first().error());
  }
  TableReader reader(parsed.table(), "", mistakes);
  Profile profile = read_profile(reader, rules);
  TRY_VOID(mistakes.first());
  return profile;
}

Result<Profile> load_profile(const std::string& name_or_path, const ProfileRules& rules) {
  if (name_or_path.find('/') != std::string::npos || name_or_path.ends_with(".toml")) {
    TRY(const std::string text, read_text_file(name_or_path, kProfileFileBytesMax));
    return parse_profile(text, name_or_path, rules);
  }
  for (const EmbeddedProfile& embedded : embedded_profiles()) {
    if (embedded.name != name_or_path) continue;
    const std::string file_name = "profiles/" + name_or_path + ".toml";
    TRY(Profile profile, parse_profile(embedded.text, file_name, rules));
    if (profile.name == name_or_path) return profile;
    return fail(Errc::invalid, file_name + ":1: name must be \"" + name_or_path + "\"");
  }
  return fail(Errc::invalid, "\"" + name_or_path + "\" is not a profile; there are " +
                                 names_of_embedded() +
                                 ", or the path of your own file such as ./mine.toml");
}

}  // namespace fanfare
