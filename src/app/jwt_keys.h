// The keys of bearer tokens that a configuration names: one secret (`jwt-secret`), or a TOML file
// of `[[key]]` tables (`jwt-keys`, docs/jwt.md). Read once, at start; a mistake stops the start,
// with file, line and reason.
#pragma once

#include <string>

#include "auth/jwt.h"
#include "base/result.h"
#include "config/config.h"

namespace fanfare {

// None configured: no keys, and no token is accepted. `defaults` hold where a key says nothing.
// Errc::invalid names the place, the option and the rule, as load_config() does.
Result<JwtKeys> jwt_keys_of(const Config& config, const JwtRules& defaults);

// The keys of one such file; paths in it are relative to its own folder.
Result<JwtKeys> read_jwt_keys(const std::string& path, const JwtRules& defaults);

}  // namespace fanfare
