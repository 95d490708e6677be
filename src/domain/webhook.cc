#include "domain/webhook.h"

#include <algorithm>

#include "base/edit_distance.h"
#include "domain/name_table.h"

namespace fanfare {
namespace {

constexpr Named<WebhookStatus> kStatuses[] = {
    {WebhookStatus::active, "active"},
    {WebhookStatus::paused, "paused"},
    {WebhookStatus::disabled, "disabled"},
};

constexpr Named<SignatureScheme> kSchemes[] = {
    {SignatureScheme::standard, "standard"},
    {SignatureScheme::hex, "hex"},
    {SignatureScheme::github, "github"},
    {SignatureScheme::stripe, "stripe"},
};

constexpr Named<Envelope> kEnvelopes[] = {
    {Envelope::standard, "standard"},
    {Envelope::event, "event"},
    {Envelope::type, "type"},
    {Envelope::raw, "raw"},
};

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

}  // namespace

std::string_view name_of(WebhookStatus status) {
  return name_in(kStatuses, status);
}
std::string_view name_of(SignatureScheme scheme) {
  return name_in(kSchemes, scheme);
}
std::string_view name_of(Envelope envelope) {
  return name_in(kEnvelopes, envelope);
}
std::optional<WebhookStatus> webhook_status_named(std::string_view name) {
  return value_in(kStatuses, name);
}
std::optional<SignatureScheme> signature_scheme_named(std::string_view name) {
  return value_in(kSchemes, name);
}
std::optional<Envelope> envelope_named(std::string_view name) {
  return value_in(kEnvelopes, name);
}

bool matches(std::string_view pattern, std::string_view event_type) {
  if (pattern == "*") return true;
  if (!pattern.ends_with(".*")) return pattern == event_type;
  const std::string_view family_and_dot = pattern.substr(0, pattern.size() - 1);
  return event_type.size() > family_and_dot.size() && event_type.starts_with(family_and_dot);
}

bool wants(const WebhookSettings& settings, std::string_view event_type) {
  return std::any_of(
      settings.events.begin(), settings.events.end(),
      [event_type](const std::string& pattern) { return matches(pattern, event_type); });
}

bool is_event_type_name(std::string_view name) {
  if (name.size() > limits::kEventTypeBytesMax) return false;
  bool is_group_begun = false;
  for (const char c : name) {
    if (c == '.' ? !is_group_begun : !is_name_character(c)) return false;
    is_group_begun = c != '.';
  }
  return is_group_begun;
}

bool is_event_pattern(std::string_view pattern) {
  if (pattern == "*") return true;
  if (pattern.ends_with(".*")) pattern.remove_suffix(2);
  return is_event_type_name(pattern);
}

std::string closest_name(std::string_view name, const std::vector<std::string>& known) {
  // A name over the limit is compared by its beginning: the cost grows with the product of the
  // lengths, and the caller chooses this one.
  name = name.substr(0, limits::kEventTypeBytesMax);
  const auto closest =
      std::min_element(known.begin(), known.end(), [name](const auto& a, const auto& b) {
        return edit_distance(name, a) < edit_distance(name, b);
      });
  return closest == known.end() ? std::string() : *closest;
}

}  // namespace fanfare
