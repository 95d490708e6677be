// Vault: seals and opens the secrets of tenants. Master keys (KEK) wrap data keys (DEK); the data
// keys of a tenant seal its signing secrets, custom header values and kept answers.
//
// Both kinds can be replaced while the server runs, and in both the newest one is used for what is
// sealed from now on while every known one still opens: so a process that ends between any two
// steps of a rotation leaves everything readable. Which key sealed something stands in the sealed
// bytes themselves. The vault knows and computes; storing is its caller's work
// (delivery/key_work.h).
//
// Any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

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

// Where a kept answer that holds a secret of the tenant is sealed to. It is stored behind the text
// of the tenant's id, so that who reads it knows whose key opens it.
inline SealPlace answer_place(TenantId tenant) {
  return {tenant, "", "answer", 0};
}
inline constexpr std::size_t kAnswerTenantBytes = TenantTag::kPrefix.size() + 27;

// A data key as it is stored.
struct WrappedKey {
  TenantId tenant;
  std::uint32_t key_id = 0;
  std::string bytes;
};

// What is in force, without any key.
struct VaultStatus {
  struct Master {
    std::uint32_t id = 0;
    std::size_t data_keys = 0;  // that only this one unwraps
    bool seals_check = false;   // the stored check value is sealed with it
  };
  std::vector<Master> masters;  // newest first
  std::size_t tenants = 0;
  std::size_t data_keys = 0;
  std::size_t tenants_with_older_keys = 0;
  std::uint64_t seals_max = 0;     // of one data key
  std::size_t data_keys_worn = 0;  // have sealed more than a nonce of 12 random bytes is good for
};

// A key for one purpose that tells nothing about the master key: HMAC-SHA256 of the purpose. The
// same master key gives the same one.
Secret derived_key(const Secret& master_key, std::string_view purpose);

class Vault {
 public:
  // One data key is good for 2^32 seals with random nonces; it is to be replaced by half of that.
  static constexpr std::uint64_t kSealsMax = 1ULL << 31;
  // How often a count is handed to on_seals.
  static constexpr std::uint64_t kSealsBlock = 1ULL << 16;

  // Keys of 32 bytes, newest first, at least one.
  Vault(std::vector<Secret> master_keys, Random& random);
  Vault(Secret master_key, Random& random);

  // ---- master keys ----
  // What sealed bytes call a master key: follows from its bytes, so that the same key has the same
  // name in every file and process.
  static std::uint32_t master_key_id(const Secret& master_key);
  // Another ring while the server runs. Errc::invalid if a key is missing that something is still
  // wrapped with.
  Result<void> set_master_keys(std::vector<Secret> newest_first);

  // derived_key() of each master key, newest first.
  std::vector<Secret> derived_keys(std::string_view purpose) const;

  // A value that only the newest master key can check; kept in settings as "key_check".
  std::string make_key_check();
  // Errc::invalid if the store was sealed with another master key. Remembers which one it was.
  Result<void> verify_key_check(const std::string& stored);
  bool is_key_check_old() const;

  // ---- data keys ----
  // A new data key for a tenant that has none, wrapped for storage and known from now on.
  std::string create_tenant_key(TenantId tenant, std::uint32_t key_id);
  // One more, which opens but does not seal until use_tenant_key(). Empty if the tenant has none.
  std::string add_spare_key(TenantId tenant, std::uint32_t key_id);
  void use_tenant_key(TenantId tenant, std::uint32_t key_id);
  void drop_spare_key(TenantId tenant, std::uint32_t key_id);
  // Learns a stored one at start-up; the one with the highest id seals. Errc::corrupt if it does
  // not open.
  Result<void> add_tenant_key(TenantId tenant, std::uint32_t key_id, const std::string& wrapped);
  // Of the same, how much it has sealed before.
  void set_seals(std::uint32_t key_id, std::uint64_t seals);
  void forget_tenant(TenantId tenant);

  // Stored data keys of the tenant that seal no more. A retired one still opens what a reader may
  // hold in its hand, until the process ends.
  std::vector<std::uint32_t> older_keys(TenantId tenant) const;
  void retire_key(TenantId tenant, std::uint32_t key_id);
  std::vector<TenantId> tenants_with_older_keys() const;

  // At most `count_max` data keys that the newest master key has not wrapped, wrapped by it.
  std::vector<WrappedKey> rewrapped(std::size_t count_max);
  // They are stored so now.
  void note_rewrapped(const std::vector<WrappedKey>& keys);

  // ---- sealing ----
  // Errc::not_found if the tenant has no key.
  Result<std::string> seal(const SealPlace& place, const Secret& plaintext);
  Result<Secret> open(const SealPlace& place, const std::string& sealed) const;
  // Whether an older data key than the one in use sealed it.
  bool is_older(TenantId tenant, std::string_view sealed) const;

  VaultStatus status() const;

  // Told now and then how much a data key has sealed, on the thread that seals; and once when it
  // should be replaced. Set before any other thread runs.
  struct Hooks {
    std::function<void(std::uint32_t key_id, std::uint64_t seals)> on_seals;
    std::function<void(TenantId tenant)> on_worn;
  };
  Hooks hooks;

 private:
  struct DataKey {
    SealKey key;
    std::uint32_t wrapped_by = 0;
    std::uint64_t seals = 0;
    bool is_spare = false;    // not in use yet
    bool is_retired = false;  // not stored any more
  };
  using DataKeys = std::vector<DataKey>;

  static std::vector<SealKey> ring_of(std::vector<Secret> master_keys);
  static const DataKey* current(const DataKeys& keys);
  SealNonce draw_nonce() const;
  DataKey new_data_key(std::uint32_t key_id);
  // These two with mu_ held.
  std::string wrap(TenantId tenant, const SealKey& key) const;
  DataKey* find(TenantId tenant, std::uint32_t key_id);
  // A copy, so that nothing is sealed or opened under the lock.
  Result<SealKey> key_to_seal(TenantId tenant);
  Result<SealKey> key_to_open(TenantId tenant, std::string_view sealed) const;
  void count_seal(TenantId tenant, std::uint32_t key_id, std::uint64_t seals) const;

  Random& random_;
  mutable std::mutex mu_;
  // Guarded by mu_.
  std::vector<SealKey> masters_;  // newest first
  std::uint32_t check_sealed_by_ = 0;
  std::unordered_map<TenantId, DataKeys> tenant_keys_;
};

}  // namespace fanfare
