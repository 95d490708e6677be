// Where the master keys come from. They seal every secret in the store, so none must be lost or
// silently replaced.
//
// Configured: used. Else those of `<database>.key` if it is there. Else, for an empty store only, a
// new one is written there with mode 0600. A store with data and no key is refused: a new key could
// open nothing.
//
// A key file holds one key in base64 on each line, newest first. There is more than one only while
// the newest takes the place of the others (docs/keys.md).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "auth/vault.h"
#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "config/config.h"
#include "storage/store.h"

namespace fanfare {

struct MasterKeys {
  std::vector<Secret> keys;  // 32 bytes each, newest first
  std::string written_to;    // the file that was just made; empty otherwise
};

Result<MasterKeys> find_master_keys(const Config& config, Store& store, Random& random);

// The file that the keys are in; empty if they come from elsewhere.
std::string master_key_file_of(const Config& config);
Result<std::vector<Secret>> read_master_keys(const std::string& path);
// The file is then as it was or whole, with mode 0600, and on disk. At least one key.
Result<void> write_master_keys(const std::string& path, const std::vector<Secret>& keys);
Secret draw_master_key(Random& random);

// The same for who only reads: never a new one. Errc::not_found says where it was looked for.
Result<std::vector<Secret>> existing_master_keys(const Config& config);

}  // namespace fanfare
