// Vault: seals and opens the secrets of tenants. The master key (KEK) wraps one data key (DEK) for
// each tenant; the data key seals signing secrets, custom header values and kept answers. Any
// thread.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/random.h"
#include "base/result.h"
#include "base/secret.h"
#include "domain/ids.h"
#include "signing/seal.h"

namespace fanfare {

// What sealed bytes are bound to. `object` is a webhook id, or empty; `purpose` holds no bar, such
// as "signing_secret", "headers", "answer"; `number` the secret's number or the version.
struct SealPlace {
  TenantId tenant;
  std::string object;
  std::string purpose;
  std::int64_t number = 0;
};

class Vault {
 public:
  // `master_key`: 32 bytes.
  Vault(Secret master_key, Random& random);

  // A value that only this master key can check; kept in settings as "key_check".
  std::string make_key_check();
  // Errc::invalid if the store was sealed with another master key.
  Result<void> verify_key_check(const std::string& stored) const;

  // A new data key for a tenant that has none, wrapped for storage and known from now on.
  std::string create_tenant_key(TenantId tenant, std::uint32_t key_id);
  // Learns a stored one at start-up. Errc::corrupt if it does not open.
  Result<void> add_tenant_key(TenantId tenant, std::uint32_t key_id, const std::string& wrapped);
  void forget_tenant(TenantId tenant);

  // Errc::not_found if the tenant has no key.
  Result<std::string> seal(const SealPlace& place, const Secret& plaintext);
  Result<Secret> open(const SealPlace& place, const std::string& sealed) const;

 private:
  SealNonce draw_nonce();
  // A copy, so that nothing is sealed or opened under the lock.
  Result<SealKey> key_of(TenantId tenant) const;

  SealKey master_;
  Random& random_;
  mutable std::mutex mu_;
  std::unordered_map<TenantId, SealKey> tenant_keys_;  // guarded by mu_
};

}  // namespace fanfare
