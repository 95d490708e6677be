// The profile that the configuration names, checked against what the API has.
#pragma once

#include <memory>

#include "auth/jwt.h"
#include "config/config.h"
#include "config/profile_file.h"

namespace fanfare {

// What the API of this binary knows: its routes, its own paths and its names of fields.
ProfileRules profile_rules();

// Errc::invalid names the place of the option, or file and line of what is wrong in the profile.
Result<std::shared_ptr<const Profile>> profile_of(const Config& config);

// What a token must hold, as far as the profile says.
JwtRules jwt_rules_of(const JwtDefaults& defaults);

}  // namespace fanfare
