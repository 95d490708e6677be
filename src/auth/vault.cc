#include "auth/vault.h"

#include <algorithm>

#include "base/assert.h"
#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kCheckPlace = "check|v1";
constexpr std::string_view kCheckText = "fanfare";

std::string place_of_tenant_key(TenantId tenant) {
  return "dek|v1|tenant:" + to_string(tenant);
}

// One text for each place: of the parts only `object` may hold a bar, and it stands between fixed
// counts of them.
std::string text_of(const SealPlace& place) {
  FANFARE_ASSERT(!place.purpose.empty() && place.purpose.find('|') == std::string::npos);
  return "secret|v1|" + to_string(place.tenant) + '|' + place.object + '|' + place.purpose + '|' +
         std::to_string(place.number);
}

const SealKey* find_master(const std::vector<SealKey>& masters, std::uint32_t id) {
  const auto found = std::find_if(masters.begin(), masters.end(),
                                  [id](const SealKey& key) { return key.id == id; });
  return found == masters.end() ? nullptr : &*found;
}

}  // namespace

Secret derived_key(const Secret& master_key, std::string_view purpose) {
  const Digest digest = HmacKey(master_key.reveal()).mac({"fanfare|derived|v1|", purpose});
  return Secret(std::string(digest.begin(), digest.end()));
}

Vault::Vault(Secret master_key, Random& random)
    : Vault(std::vector<Secret>{std::move(master_key)}, random) {}

Vault::Vault(std::vector<Secret> master_keys, Random& random)
    : random_(random), masters_(ring_of(std::move(master_keys))) {}

// ---- master keys ----

std::uint32_t Vault::master_key_id(const Secret& master_key) {
  const Digest digest = HmacKey(master_key.reveal()).mac({"fanfare|master-key-id|v1"});
  std::uint32_t id = 0;
  for (std::size_t i = 0; i < 4; ++i) id = id << 8 | digest[i];
  return id;
}

std::vector<SealKey> Vault::ring_of(std::vector<Secret> master_keys) {
  FANFARE_ASSERT(!master_keys.empty());
  std::vector<SealKey> ring;
  for (Secret& key : master_keys) {
    FANFARE_ASSERT(key.reveal().size() == kKeyBytes);
    const std::uint32_t id = master_key_id(key);
    if (find_master(ring, id) == nullptr) ring.push_back({id, std::move(key)});
  }
  return ring;
}

Result<void> Vault::set_master_keys(std::vector<Secret> newest_first) {
  std::vector<SealKey> ring = ring_of(std::move(newest_first));
  const std::lock_guard lock(mu_);
  bool is_whole = check_sealed_by_ == 0 || find_master(ring, check_sealed_by_) != nullptr;
  for (const auto& [tenant, keys] : tenant_keys_) {
    for (const DataKey& key : keys) {
      is_whole = is_whole && (key.is_retired || find_master(ring, key.wrapped_by) != nullptr);
    }
  }
  if (!is_whole) {
    return fail(Errc::invalid,
                "a master key is missing that data keys are still wrapped with; put it back and "
                "try again");
  }
  masters_ = std::move(ring);
  return {};
}

std::vector<Secret> Vault::derived_keys(std::string_view purpose) const {
  const std::lock_guard lock(mu_);
  std::vector<Secret> keys;
  for (const SealKey& master : masters_) keys.push_back(derived_key(master.bytes, purpose));
  return keys;
}

std::string Vault::make_key_check() {
  const std::lock_guard lock(mu_);
  const std::string sealed =
      fanfare::seal(masters_.front(), draw_nonce(), kCheckPlace, Secret(std::string(kCheckText)));
  return base64_encode(bytes_of(sealed));
}

Result<void> Vault::verify_key_check(const std::string& stored) {
  const auto sealed = base64_decode(stored);
  const std::uint32_t id = sealed ? sealed_key_id(*sealed).value_or(0) : 0;
  const std::lock_guard lock(mu_);
  const SealKey* master = find_master(masters_, id);
  if (master != nullptr) {
    const auto opened = open_sealed(*master, kCheckPlace, *sealed);
    if (opened && opened->reveal() == kCheckText) {
      check_sealed_by_ = master->id;
      return {};
    }
  }
  return fail(Errc::invalid,
              "this store was sealed with another master key; start with the key it was created "
              "with");
}

bool Vault::is_key_check_old() const {
  const std::lock_guard lock(mu_);
  return check_sealed_by_ != masters_.front().id;
}

// ---- data keys ----

std::string Vault::wrap(TenantId tenant, const SealKey& key) const {
  return fanfare::seal(masters_.front(), draw_nonce(), place_of_tenant_key(tenant), key.bytes);
}

Vault::DataKey Vault::new_data_key(std::uint32_t key_id) {
  std::string bytes(kKeyBytes, '\0');
  random_.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  DataKey made;
  made.key = SealKey{.id = key_id, .bytes = Secret(std::move(bytes))};
  return made;
}

std::string Vault::create_tenant_key(TenantId tenant, std::uint32_t key_id) {
  DataKey made = new_data_key(key_id);
  const std::lock_guard lock(mu_);
  made.wrapped_by = masters_.front().id;
  std::string wrapped = wrap(tenant, made.key);
  const bool is_new = tenant_keys_.emplace(tenant, DataKeys{std::move(made)}).second;
  // A second key would leave everything sealed with the first one unreadable.
  FANFARE_ASSERT(is_new);
  return wrapped;
}

std::string Vault::add_spare_key(TenantId tenant, std::uint32_t key_id) {
  DataKey made = new_data_key(key_id);
  made.is_spare = true;
  const std::lock_guard lock(mu_);
  const auto keys = tenant_keys_.find(tenant);
  if (keys == tenant_keys_.end()) return {};
  made.wrapped_by = masters_.front().id;
  std::string wrapped = wrap(tenant, made.key);
  keys->second.push_back(std::move(made));
  return wrapped;
}

Vault::DataKey* Vault::find(TenantId tenant, std::uint32_t key_id) {
  const auto keys = tenant_keys_.find(tenant);
  if (keys == tenant_keys_.end()) return nullptr;
  for (DataKey& key : keys->second) {
    if (key.key.id == key_id) return &key;
  }
  return nullptr;
}

// The one in use: of the highest id.
const Vault::DataKey* Vault::current(const DataKeys& keys) {
  const DataKey* best = nullptr;
  for (const DataKey& key : keys) {
    if (key.is_spare || key.is_retired) continue;
    if (best == nullptr || key.key.id > best->key.id) best = &key;
  }
  return best;
}

void Vault::use_tenant_key(TenantId tenant, std::uint32_t key_id) {
  const std::lock_guard lock(mu_);
  if (DataKey* key = find(tenant, key_id)) key->is_spare = false;
}

void Vault::drop_spare_key(TenantId tenant, std::uint32_t key_id) {
  const std::lock_guard lock(mu_);
  const auto keys = tenant_keys_.find(tenant);
  if (keys == tenant_keys_.end()) return;
  std::erase_if(keys->second,
                [key_id](const DataKey& key) { return key.key.id == key_id && key.is_spare; });
}

Result<void> Vault::add_tenant_key(TenantId tenant, std::uint32_t key_id,
                                   const std::string& wrapped) {
  const std::lock_guard lock(mu_);
  const SealKey* master = find_master(masters_, sealed_key_id(wrapped).value_or(0));
  Result<Secret> bytes = fail(Errc::corrupt, "");
  if (master != nullptr) bytes = open_sealed(*master, place_of_tenant_key(tenant), wrapped);
  if (!bytes || bytes->reveal().size() != kKeyBytes) {
    return fail(Errc::corrupt, "the data key of " + to_string(tenant) +
                                   " does not open: it was changed, moved, or wrapped with another "
                                   "master key");
  }
  DataKeys& keys = tenant_keys_[tenant];
  std::erase_if(keys, [key_id](const DataKey& key) { return key.key.id == key_id; });
  DataKey known;
  known.key = SealKey{.id = key_id, .bytes = *std::move(bytes)};
  known.wrapped_by = master->id;
  keys.push_back(std::move(known));
  return {};
}

void Vault::set_seals(std::uint32_t key_id, std::uint64_t seals) {
  const std::lock_guard lock(mu_);
  for (auto& [tenant, keys] : tenant_keys_) {
    for (DataKey& key : keys) {
      if (key.key.id == key_id) key.seals = std::max(key.seals, seals);
    }
  }
}

void Vault::forget_tenant(TenantId tenant) {
  const std::lock_guard lock(mu_);
  tenant_keys_.erase(tenant);
}

std::vector<std::uint32_t> Vault::older_keys(TenantId tenant) const {
  std::vector<std::uint32_t> older;
  const std::lock_guard lock(mu_);
  const auto found = tenant_keys_.find(tenant);
  if (found == tenant_keys_.end()) return older;
  const DataKey* const used = current(found->second);
  for (const DataKey& key : found->second) {
    if (&key != used && !key.is_spare && !key.is_retired) older.push_back(key.key.id);
  }
  return older;
}

void Vault::retire_key(TenantId tenant, std::uint32_t key_id) {
  const std::lock_guard lock(mu_);
  if (DataKey* key = find(tenant, key_id)) key->is_retired = true;
}

std::vector<TenantId> Vault::tenants_with_older_keys() const {
  std::vector<TenantId> all;
  {
    const std::lock_guard lock(mu_);
    for (const auto& [tenant, keys] : tenant_keys_) all.push_back(tenant);
  }
  std::erase_if(all, [this](TenantId tenant) { return older_keys(tenant).empty(); });
  return all;
}

std::vector<WrappedKey> Vault::rewrapped(std::size_t count_max) {
  std::vector<WrappedKey> wrapped;
  const std::lock_guard lock(mu_);
  for (const auto& [tenant, keys] : tenant_keys_) {
    for (const DataKey& key : keys) {
      if (wrapped.size() == count_max) return wrapped;
      // A spare one is being stored at this moment, as it was wrapped when it was made.
      if (key.wrapped_by == masters_.front().id || key.is_retired || key.is_spare) continue;
      wrapped.push_back({tenant, key.key.id, wrap(tenant, key.key)});
    }
  }
  return wrapped;
}

void Vault::note_rewrapped(const std::vector<WrappedKey>& keys) {
  const std::lock_guard lock(mu_);
  for (const WrappedKey& stored : keys) {
    if (DataKey* key = find(stored.tenant, stored.key_id))
      key->wrapped_by = sealed_key_id(stored.bytes).value_or(0);
  }
}

// ---- sealing ----

Result<std::string> Vault::seal(const SealPlace& place, const Secret& plaintext) {
  TRY(const SealKey key, key_to_seal(place.tenant));
  return fanfare::seal(key, draw_nonce(), text_of(place), plaintext);
}

Result<Secret> Vault::open(const SealPlace& place, const std::string& sealed) const {
  const Result<SealKey> key = key_to_open(place.tenant, sealed);
  if (!key && key.error().code == Errc::not_found) return tl::unexpected<Error>(key.error());
  const Result<Secret> opened = key ? open_sealed(*key, text_of(place), sealed)
                                    : Result<Secret>(tl::unexpected<Error>(key.error()));
  if (!opened) {
    return fail(opened.error().code, "opening the " + place.purpose + " of " +
                                         to_string(place.tenant) + " " + place.object + ": " +
                                         opened.error().message);
  }
  return opened;
}

bool Vault::is_older(TenantId tenant, std::string_view sealed) const {
  const auto id = sealed_key_id(sealed);
  const std::lock_guard lock(mu_);
  const auto keys = tenant_keys_.find(tenant);
  if (!id || keys == tenant_keys_.end()) return false;
  const DataKey* const used = current(keys->second);
  return used != nullptr && used->key.id != *id;
}

Result<SealKey> Vault::key_to_seal(TenantId tenant) {
  SealKey copy;
  std::uint64_t seals = 0;
  {
    const std::lock_guard lock(mu_);
    const auto keys = tenant_keys_.find(tenant);
    const DataKey* const used = keys == tenant_keys_.end() ? nullptr : current(keys->second);
    if (used == nullptr)
      return fail(Errc::not_found, "there is no data key for " + to_string(tenant));
    seals = ++find(tenant, used->key.id)->seals;
    copy = used->key;
  }
  count_seal(tenant, copy.id, seals);
  return copy;
}

void Vault::count_seal(TenantId tenant, std::uint32_t key_id, std::uint64_t seals) const {
  if (seals % kSealsBlock == 0 && hooks.on_seals) hooks.on_seals(key_id, seals);
  if (seals == kSealsMax && hooks.on_worn) hooks.on_worn(tenant);
}

Result<SealKey> Vault::key_to_open(TenantId tenant, std::string_view sealed) const {
  const auto key_id = sealed_key_id(sealed);
  const std::lock_guard lock(mu_);
  const auto keys = tenant_keys_.find(tenant);
  if (keys == tenant_keys_.end()) {
    return fail(Errc::not_found, "there is no data key for " + to_string(tenant));
  }
  if (!key_id) return tl::unexpected<Error>(key_id.error());
  for (const DataKey& key : keys->second) {
    if (key.key.id == *key_id) return key.key;
  }
  return fail(Errc::corrupt,
              "sealed with key " + std::to_string(*key_id) + ", which the tenant does not have");
}

SealNonce Vault::draw_nonce() const {
  SealNonce nonce{};
  random_.fill(nonce);
  return nonce;
}

VaultStatus Vault::status() const {
  VaultStatus status;
  const std::lock_guard lock(mu_);
  for (const SealKey& master : masters_)
    status.masters.push_back({master.id, 0, master.id == check_sealed_by_});
  status.tenants = tenant_keys_.size();
  for (const auto& [tenant, keys] : tenant_keys_) {
    std::size_t stored = 0;
    for (const DataKey& key : keys) {
      if (key.is_retired || key.is_spare) continue;
      ++stored;
      ++status.data_keys;
      status.seals_max = std::max(status.seals_max, key.seals);
      if (key.seals >= kSealsMax) ++status.data_keys_worn;
      for (VaultStatus::Master& master : status.masters) {
        if (master.id == key.wrapped_by) ++master.data_keys;
      }
    }
    if (stored > 1) ++status.tenants_with_older_keys;
  }
  return status;
}

}  // namespace fanfare
