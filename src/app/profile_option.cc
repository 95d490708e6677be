#include "app/profile_option.h"

#include "api/field_names.h"
#include "api/path_aliases.h"
#include "api/router.h"

namespace fanfare {
namespace {

std::vector<std::string> strings(std::span<const std::string_view> names) {
  return {names.begin(), names.end()};
}

}  // namespace

ProfileRules profile_rules() {
  return {.leads_to_route = leads_to_route,
          .own_paths = strings(own_paths()),
          .webhook_request_fields = strings(webhook_request_fields()),
          .event_request_fields = strings(event_request_fields()),
          .webhook_answer_fields = strings(webhook_answer_fields()),
          .delivery_answer_fields = strings(delivery_answer_fields()),
          .attempt_answer_fields = strings(attempt_answer_fields()),
          .other_request_names = strings(other_request_names())};
}

Result<std::shared_ptr<const Profile>> profile_of(const Config& config) {
  auto profile = load_profile(config.profile, profile_rules());
  if (profile) return std::make_shared<const Profile>(*std::move(profile));
  const auto origin = config.origins.find("profile");
  const std::string place = origin == config.origins.end() ? "" : origin->second + ": ";
  return fail(Errc::invalid, place + "profile cannot be used: " + profile.error().message);
}

JwtRules jwt_rules_of(const JwtDefaults& defaults) {
  JwtRules rules;
  rules.audience = defaults.audience;
  rules.lifetime_max = defaults.lifetime_max.value_or(rules.lifetime_max);
  if (!defaults.tenant_claim.empty()) rules.tenant_claim = defaults.tenant_claim;
  rules.role_claim = defaults.role_claim;
  rules.roles = defaults.roles;
  rules.default_role = defaults.default_role;
  return rules;
}

}  // namespace fanfare
