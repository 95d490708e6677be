// API keys: `ff_live_` or `ff_test_` + base62 of 32 random bytes (43 characters) + base62 of the
// CRC-32 of everything before it (6). The checksum refuses typos without a look-up and lets
// scanners recognise leaked keys. Only the SHA-256 is stored: a fast hash is right for 256 random
// bits.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"

namespace fanfare {

struct NewApiKey {
  Secret text;         // shown once
  std::string prefix;  // "ff_live_" and the next 8 characters: for lists
  std::string sha256;  // 32 bytes
};

NewApiKey generate_api_key(Random& random, bool is_live = true);
// Whether the text has the form and a right checksum.
bool is_well_formed_api_key(std::string_view text);

}  // namespace fanfare
