// The text of a key with its own checksum, whatever its prefix: prefix, base62 of 32 bytes (43
// digits), base62 of the CRC-32 of everything before it (6). Used by api_key.cc and its tests only.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.h"

namespace fanfare {

inline constexpr std::size_t kKeyBytes = 32;
inline constexpr std::size_t kKeyDigits = 43;
inline constexpr std::size_t kChecksumDigits = 6;

Secret make_key_text(std::string_view prefix, std::string_view bytes);
// Whether `text` is `prefix`, 49 base62 digits, and their checksum is right.
bool is_key_text(std::string_view prefix, std::string_view text);

}  // namespace fanfare
