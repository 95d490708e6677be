// Where the master key comes from. It seals every secret in the store, so it must never be lost or
// silently replaced.
//
// Configured: used. Else `<database>.key` if it is there. Else, for an empty store only, a new one
// is written there with mode 0600. A store with data and no key is refused: a new key could open
// nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/config.h"
#include "storage/store.h"

namespace fanfare {

struct MasterKey {
  Secret bytes;            // 32
  std::string written_to;  // the file that was just made; empty otherwise
};

Result<MasterKey> find_master_key(const Config& config, Store& store, Random& random);

// A key for one purpose that tells nothing about the master key: HMAC-SHA256 of the purpose. The
// same master key gives the same one.
Secret derived_key(const Secret& master_key, std::string_view purpose);

}  // namespace fanfare
