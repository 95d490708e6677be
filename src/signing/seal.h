// Secrets at rest: AES-256-GCM (NIST SP 800-38D) in the form 0x01 ‖ key_id (u32, big-endian) ‖
// nonce (12) ‖ ciphertext ‖ tag (16). The additional data names where the secret belongs, so that
// sealed bytes moved to another row do not open. Pure: the nonce is drawn by the caller, 12 random
// bytes for each seal.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"

namespace fanfare {

using SealNonce = std::array<std::uint8_t, 12>;

struct SealKey {
  std::uint32_t id = 0;
  Secret bytes;  // 32
};

std::string seal(const SealKey& key, const SealNonce& nonce, std::string_view additional_data,
                 const Secret& plaintext);
// Errc::corrupt if the version byte, the key id, the additional data or any bit differs.
Result<Secret> open_sealed(const SealKey& key, std::string_view additional_data,
                           std::string_view sealed);
// The key id inside sealed bytes; Errc::corrupt if they are too short or of another version.
Result<std::uint32_t> sealed_key_id(std::string_view sealed);

}  // namespace fanfare
