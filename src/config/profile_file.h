// Reads profiles: the ones that come with the server (profiles/*.toml, compiled in) and a person's
// own file of the same format. Everything is checked here, so that a Profile that exists can be
// used. Pure but for reading the file.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/profile.h"

namespace fanfare {

// What a profile may refer to. The layers that know are above this one.
struct ProfileRules {
  std::function<bool(const PathAlias&)> leads_to_route;
  // What the server answers itself, each with everything below it: "/api/v1".
  std::vector<std::string> own_paths;
  // Names of ours that another name may stand for.
  std::vector<std::string> webhook_request_fields, event_request_fields;
  std::vector<std::string> webhook_answer_fields, delivery_answer_fields, attempt_answer_fields;
  // More names that requests have a meaning for, so that none of them can be the tenant's.
  std::vector<std::string> other_request_names;
};

// Errc::invalid as "mine.toml:3: webhooks.envelope must be …": the file's first mistake.
Result<Profile> parse_profile(std::string_view text, const std::string& file_name,
                              const ProfileRules& rules);

// By the name of one that is compiled in, or by path: what holds a slash or ends in .toml.
Result<Profile> load_profile(const std::string& name_or_path, const ProfileRules& rules);

struct EmbeddedProfile {
  std::string_view name;
  std::string_view text;
};
// By name.
std::span<const EmbeddedProfile> embedded_profiles();

}  // namespace fanfare
