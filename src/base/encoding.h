// Text forms of bytes. Every decoder is strict: one spelling for each value, anything else is
// Errc::invalid.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace fanfare {

std::string hex_encode(std::span<const std::uint8_t> bytes);  // lower case
Result<std::string> hex_decode(std::string_view text);

// RFC 4648 4, with padding; no white space, no url alphabet, no stray tail bits.
std::string base64_encode(std::span<const std::uint8_t> bytes);
Result<std::string> base64_decode(std::string_view text);

// RFC 4648 5, without padding.
std::string base64url_encode(std::span<const std::uint8_t> bytes);
Result<std::string> base64url_decode(std::string_view text);

// Big-endian number in digits 0-9A-Za-z, left-padded with '0' to `width`. The value must fit.
std::string base62_encode(std::span<const std::uint8_t> bytes, std::size_t width);

// CRC-32 (IEEE 802.3), as zlib's.
std::uint32_t crc32(std::string_view bytes);

// True when `text` is well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates).
bool is_valid_utf8(std::string_view text);
// The length, 1 to 4, of the well-formed UTF-8 sequence that `text` begins with; 0 if it begins
// with none.
std::size_t utf8_sequence_length(std::string_view text);

inline std::span<const std::uint8_t> bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace fanfare
