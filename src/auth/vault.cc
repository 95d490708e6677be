#include "auth/vault.h"

#include "base/assert.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

constexpr std::size_t kKeyBytes = 32;
// The id of the master key inside what it wraps. A store knows one master key at a time.
constexpr std::uint32_t kMasterKeyId = 1;
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

}  // namespace

Vault::Vault(Secret master_key, Random& random)
    : master_{.id = kMasterKeyId, .bytes = std::move(master_key)}, random_(random) {
  FANFARE_ASSERT(master_.bytes.reveal().size() == kKeyBytes);
}

std::string Vault::make_key_check() {
  const std::string sealed =
      fanfare::seal(master_, draw_nonce(), kCheckPlace, Secret(std::string(kCheckText)));
  return base64_encode(bytes_of(sealed));
}

Result<void> Vault::verify_key_check(const std::string& stored) const {
  const auto sealed = base64_decode(stored);
  if (sealed) {
    const auto opened = open_sealed(master_, kCheckPlace, *sealed);
    if (opened && opened->reveal() == kCheckText) return {};
  }
  return fail(Errc::invalid,
              "this store was sealed with another master key; start with the key it was created "
              "with");
}

std::string Vault::create_tenant_key(TenantId tenant, std::uint32_t key_id) {
  std::string bytes(kKeyBytes, '\0');
  random_.fill({reinterpret_cast<std::uint8_t*>(bytes.data()), bytes.size()});
  SealKey key{.id = key_id, .bytes = Secret(std::move(bytes))};
  std::string wrapped =
      fanfare::seal(master_, draw_nonce(), place_of_tenant_key(tenant), key.bytes);
  const std::lock_guard lock(mu_);
  const bool is_new = tenant_keys_.emplace(tenant, std::move(key)).second;
  // A second key would leave everything sealed with the first one unreadable.
  FANFARE_ASSERT(is_new);
  return wrapped;
}

Result<void> Vault::add_tenant_key(TenantId tenant, std::uint32_t key_id,
                                   const std::string& wrapped) {
  auto bytes = open_sealed(master_, place_of_tenant_key(tenant), wrapped);
  if (!bytes || bytes->reveal().size() != kKeyBytes) {
    return fail(Errc::corrupt, "the data key of " + to_string(tenant) +
                                   " does not open: it was changed, moved, or wrapped with another "
                                   "master key");
  }
  const std::lock_guard lock(mu_);
  tenant_keys_.insert_or_assign(tenant, SealKey{.id = key_id, .bytes = *std::move(bytes)});
  return {};
}

void Vault::forget_tenant(TenantId tenant) {
  const std::lock_guard lock(mu_);
  tenant_keys_.erase(tenant);
}

Result<std::string> Vault::seal(const SealPlace& place, const Secret& plaintext) {
  TRY(const SealKey key, key_of(place.tenant));
  return fanfare::seal(key, draw_nonce(), text_of(place), plaintext);
}

Result<Secret> Vault::open(const SealPlace& place, const std::string& sealed) const {
  TRY(const SealKey key, key_of(place.tenant));
  auto opened = open_sealed(key, text_of(place), sealed);
  if (!opened) {
    return fail(opened.error().code, "opening the " + place.purpose + " of " +
                                         to_string(place.tenant) + " " + place.object + ": " +
                                         opened.error().message);
  }
  return opened;
}

Result<SealKey> Vault::key_of(TenantId tenant) const {
  const std::lock_guard lock(mu_);
  const auto found = tenant_keys_.find(tenant);
  if (found == tenant_keys_.end()) {
    return fail(Errc::not_found, "there is no data key for " + to_string(tenant));
  }
  return found->second;
}

SealNonce Vault::draw_nonce() {
  SealNonce nonce{};
  random_.fill(nonce);
  return nonce;
}

}  // namespace fanfare
