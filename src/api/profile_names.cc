#include "api/profile_names.h"

#include <algorithm>
#include <array>

#include "api/field_names.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace fanfare {

namespace json = boost::json;

namespace {

constexpr std::string_view kTenantField = "tenant_id";

bool has_name(std::span<const std::string_view> names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

const JsonMember* find_member(const std::vector<JsonMember>& members, std::string_view key) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [key](const JsonMember& member) { return member.key == key; });
  return found == members.end() ? nullptr : &*found;
}

// The text of a string that needs no unescaping, such as an id; empty for anything else.
std::string_view plain_text(const JsonMember* member) {
  if (member == nullptr || member->value.size() < 2 || member->value.front() != '"') return {};
  return member->value.substr(1, member->value.size() - 2);
}

// Moves `alias` to `field`, or drops the one of the two that was not changed.
void resolve(const FieldAlias& alias, const CurrentWebhook& current, WebhookNames& names) {
  json::object& body = names.body;
  const json::value theirs = body.at(alias.alias);
  body.erase(alias.alias);
  const json::value* ours = body.if_contains(alias.field);
  if (ours == nullptr) {
    body[alias.field] = theirs;
    names.used.push_back(alias);
    return;
  }
  if (*ours == theirs) return;
  const json::object now = current ? current() : json::object{};
  const json::value* as_it_is = now.if_contains(alias.field);
  if (as_it_is != nullptr && *as_it_is == theirs) return;
  if (as_it_is != nullptr && *as_it_is == *ours) {
    body[alias.field] = theirs;
    names.used.push_back(alias);
    return;
  }
  names.errors.push_back(
      {pointer_to("", alias.alias), "conflicting", "says something else than " + alias.field, ""});
}

}  // namespace

// ---- requests ----

bool is_tenant_word_of(const Profile& profile, std::string_view name) {
  if (is_tenant_word(name)) return false;
  if (name == profile.tenant_word) return true;
  for (const FieldAliases* aliases : {&profile.webhook_requests, &profile.event_requests}) {
    const std::string* field = field_named(*aliases, name);
    if (field != nullptr && *field == kTenantField) return true;
  }
  return false;
}

void rename_tenant(const Profile& profile, json::object& body) {
  std::vector<std::string> found;
  for (const auto& member : body) {
    if (is_tenant_word_of(profile, {member.key().data(), member.key().size()}))
      found.emplace_back(member.key().data(), member.key().size());
  }
  for (const std::string& word : found) {
    const auto free = std::find_if(kTenantWords.begin(), kTenantWords.end(),
                                   [&body](std::string_view name) { return !body.contains(name); });
    if (free == kTenantWords.end()) return;
    body[*free] = json::value(body.at(word));
    body.erase(word);
  }
}

std::string with_tenant_renamed(const Profile& profile, std::string query) {
  std::string renamed;
  bool has_word = false;
  for (std::string_view left = query; !left.empty();) {
    const std::string_view one = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(left.size(), one.size() + 1));
    const std::string_view name = one.substr(0, one.find('='));
    const bool is_word = is_tenant_word_of(profile, name);
    // Two names of the tenant are for the reader to refuse.
    if (is_tenant_word(name) || (is_word && has_word)) return query;
    has_word = has_word || is_word;
    renamed.append(renamed.empty() ? "" : "&").append(is_word ? kTenantField : name);
    renamed.append(one.substr(name.size()));
  }
  return has_word ? renamed : query;
}

WebhookNames in_our_names(const Profile& profile, json::object body,
                          const CurrentWebhook& current) {
  WebhookNames names{std::move(body), {}, {}};
  rename_tenant(profile, names.body);
  for (const FieldAlias& alias : profile.webhook_requests) {
    if (names.body.contains(alias.alias)) resolve(alias, current, names);
  }
  for (const FieldAlias& alias : profile.webhook_answers) {
    if (!names.body.contains(alias.alias)) continue;
    if (has_name(webhook_request_fields(), alias.field)) {
      resolve(alias, current, names);
    } else if (current) {
      names.body.erase(alias.alias);  // part of an answer that nobody can set
    }
  }
  return names;
}

// ---- answers ----

bool AnswerNames::are_needed() const {
  return profile_.tenant_word != kTenantField || profile_.tenant_id_is_external ||
         !profile_.webhook_answers.empty() || !profile_.delivery_answers.empty() ||
         !profile_.attempt_answers.empty();
}

std::string AnswerNames::applied(std::string body) const {
  std::string out;
  out.reserve(body.size() + body.size() / 8);
  write_value(body, /*is_root=*/true, out);
  return out;
}

const FieldAliases* AnswerNames::aliases_for(std::string_view id) const {
  if (id.starts_with("wh_")) return &profile_.webhook_answers;
  if (id.starts_with("dlv_")) return &profile_.delivery_answers;
  if (id.starts_with("att_")) return &profile_.attempt_answers;
  return nullptr;
}

void AnswerNames::write_value(std::string_view value, bool is_root, std::string& out) const {
  if (value.starts_with('{')) return write_object(value, is_root, out);
  if (!value.starts_with('[')) {
    out += value;
    return;
  }
  out += '[';
  bool is_first = true;
  for (const std::string_view element : json_elements(value)) {
    if (!std::exchange(is_first, false)) out += ',';
    if (element.starts_with('{')) {
      write_object(element, /*is_root=*/false, out);
    } else {
      out += element;
    }
  }
  out += ']';
}

// Only lists of objects of ours are entered: whatever else is inside may be a customer's own data.
void AnswerNames::write_object(std::string_view text, bool is_root, std::string& out) const {
  const auto members = scan_json_object(text);
  if (!members) {
    out += text;
    return;
  }
  const std::string_view id = plain_text(find_member(*members, "id"));
  const std::string_view tenant = plain_text(find_member(*members, kTenantField));
  out += '{';
  for (const JsonMember& member : *members) {
    if (out.back() != '{') out += ',';
    out.append("\"").append(member.key).append("\":");
    const bool is_list = (is_root && id.empty() && member.key == "data") ||
                         (id.starts_with("wh_") && member.key == "recent_deliveries") ||
                         (id.starts_with("dlv_") && member.key == "attempt_log");
    if (is_list && member.value.starts_with('[')) {
      write_value(member.value, false, out);
    } else if (profile_.tenant_id_is_external && !tenant.empty() && member.key == kTenantField) {
      out += tenant_shown(tenant);
    } else {
      out += member.value;
    }
  }
  const auto add = [&](std::string_view name, std::string_view value) {
    if (find_member(*members, name) == nullptr)
      out.append(",\"").append(name).append("\":").append(value);
  };
  if (const FieldAliases* aliases = aliases_for(id)) {
    for (const FieldAlias& alias : *aliases) {
      if (const JsonMember* member = find_member(*members, alias.field))
        add(alias.alias, member->value);
    }
  }
  if (!tenant.empty()) add(profile_.tenant_word, tenant_shown(tenant));
  out += '}';
}

std::string AnswerNames::tenant_shown(std::string_view id) const {
  std::string_view shown = id;
  const auto parsed = parse_id<TenantTag>(id);
  const auto tenant = parsed ? directory_.tenant(*parsed) : nullptr;
  if (tenant && !tenant->external_id.empty()) shown = tenant->external_id;
  std::string text;
  append_json_string(text, shown);
  return text;
}

}  // namespace fanfare
