#include "domain/audit.h"

#include <algorithm>

#include "domain/name_table.h"

namespace fanfare {
namespace {

constexpr Named<ActorKind> kActorKinds[] = {
    {ActorKind::system, "system"},       {ActorKind::admin_key, "admin_key"},
    {ActorKind::api_key, "api_key"},     {ActorKind::jwt, "jwt"},
    {ActorKind::anonymous, "anonymous"},
};

constexpr std::string_view kFamilyEnd = ".*";

void append_field(std::string& out, std::string_view bytes) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out += static_cast<char>(static_cast<unsigned char>(bytes.size() >> shift));
  }
  out += bytes;
}

std::string_view bytes_of(const Uuid& id) {
  return {reinterpret_cast<const char*>(id.bytes.data()), id.bytes.size()};
}

bool is_action(std::string_view pattern, std::string_view action) {
  if (!pattern.ends_with(kFamilyEnd)) return pattern == action;
  return action.starts_with(pattern.substr(0, pattern.size() - 1));
}

}  // namespace

std::string_view name_of(ActorKind kind) {
  return name_in(kActorKinds, kind);
}

std::optional<ActorKind> actor_kind_named(std::string_view name) {
  return value_in(kActorKinds, name);
}

std::string canonical_bytes(const AuditEntry& entry) {
  std::string out = "fanfare audit entry 1";
  append_field(out, bytes_of(entry.id.value));
  append_field(out, std::to_string(ms_of(entry.at)));
  append_field(out, entry.tenant ? bytes_of(entry.tenant->value) : std::string_view());
  append_field(out, name_of(entry.actor.kind));
  for (const std::string* field :
       {&entry.actor.id, &entry.actor.name, &entry.action, &entry.object.type, &entry.object.id,
        &entry.before, &entry.after, &entry.ip, &entry.user_agent, &entry.request_id,
        &entry.metadata}) {
    append_field(out, *field);
  }
  return out;
}

bool matches(const AuditFilter& filter, const AuditEntry& entry) {
  if (filter.tenant && entry.tenant != filter.tenant) return false;
  if (filter.since && entry.at < *filter.since) return false;
  if (filter.until && entry.at >= *filter.until) return false;
  if (!filter.action.empty() && !is_action(filter.action, entry.action)) return false;
  const auto is_one_of = [](const std::string& wanted, std::string_view a, std::string_view b) {
    return wanted.empty() || wanted == a || wanted == b;
  };
  return is_one_of(filter.actor, name_of(entry.actor.kind), entry.actor.id) &&
         is_one_of(filter.object, entry.object.type, entry.object.id);
}

bool is_audit_action_pattern(std::string_view text) {
  if (text.ends_with(kFamilyEnd)) text.remove_suffix(kFamilyEnd.size());
  if (text.empty() || text.starts_with('.') || text.ends_with('.')) return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
  });
}

}  // namespace fanfare
