#include "base/encoding.h"

#include <array>
#include <cstring>
#include <vector>

#include "base/assert.h"

namespace fanfare {
namespace {

constexpr std::uint8_t kNoDigit = 0xFF;
using DigitValues = std::array<std::uint8_t, 256>;

constexpr DigitValues values_of(std::string_view digits) {
  DigitValues values{};
  values.fill(kNoDigit);
  for (std::size_t i = 0; i < digits.size(); ++i) {
    values[static_cast<std::uint8_t>(digits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::string_view kBase62 =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kBase64Url =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr DigitValues kHexValues = values_of(kHex);
constexpr DigitValues kBase64Values = values_of(kBase64);
constexpr DigitValues kBase64UrlValues = values_of(kBase64Url);

std::string encode64(std::span<const std::uint8_t> bytes, std::string_view digits) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t bits = 0;
  int count = 0;
  for (const std::uint8_t byte : bytes) {
    bits = (bits << 8) | byte;
    for (count += 8; count >= 6; count -= 6) text += digits[(bits >> (count - 6)) & 63];
  }
  if (count > 0) text += digits[(bits << (6 - count)) & 63];
  return text;
}

// Digits without padding. None of the failures shows the text: it may be a secret.
Result<std::string> decode64(std::string_view text, const DigitValues& values) {
  if (text.size() % 4 == 1) return fail(Errc::invalid, "base64 of this length does not exist");
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t bits = 0;
  int count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t value = values[static_cast<std::uint8_t>(text[i])];
    if (value == kNoDigit) {
      return fail(Errc::invalid, "character " + std::to_string(i + 1) + " is not a base64 digit");
    }
    bits = (bits << 6) | value;
    count += 6;
    if (count >= 8) {
      count -= 8;
      bytes += static_cast<char>(bits >> count);
    }
  }
  if ((bits & ((1U << count) - 1)) != 0) {
    return fail(Errc::invalid, "the last base64 digit has bits that belong to no byte");
  }
  return bytes;
}

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xEDB88320U : 0U);
    table[i] = value;
  }
  return table;
}
constexpr std::array<std::uint32_t, 256> kCrcTable = make_crc_table();

}  // namespace

std::string hex_encode(std::span<const std::uint8_t> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::uint8_t byte : bytes) {
    text += kHex[byte >> 4];
    text += kHex[byte & 15];
  }
  return text;
}

Result<std::string> hex_decode(std::string_view text) {
  if (text.size() % 2 != 0) return fail(Errc::invalid, "hex has two digits for each byte");
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const std::uint8_t high = kHexValues[static_cast<std::uint8_t>(text[i])];
    const std::uint8_t low = kHexValues[static_cast<std::uint8_t>(text[i + 1])];
    if (high == kNoDigit || low == kNoDigit) {
      return fail(Errc::invalid,
                  "hex digits are 0-9 and a-f; see byte " + std::to_string(i / 2 + 1));
    }
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

std::string base64_encode(std::span<const std::uint8_t> bytes) {
  std::string text = encode64(bytes, kBase64);
  while (text.size() % 4 != 0) text += '=';
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) {
    return fail(Errc::invalid, "base64 has a multiple of four characters, padding included");
  }
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode64(text, kBase64Values);
}

std::string base64url_encode(std::span<const std::uint8_t> bytes) {
  return encode64(bytes, kBase64Url);
}

Result<std::string> base64url_decode(std::string_view text) {
  return decode64(text, kBase64UrlValues);
}

std::string base62_encode(std::span<const std::uint8_t> bytes, std::size_t width) {
  std::vector<std::uint8_t> number(bytes.begin(), bytes.end());
  std::string text(width, '0');
  for (std::size_t i = width; i-- > 0;) {
    unsigned remainder = 0;
    for (std::uint8_t& byte : number) {
      const unsigned value = remainder << 8 | byte;
      byte = static_cast<std::uint8_t>(value / 62);
      remainder = value % 62;
    }
    text[i] = kBase62[remainder];
  }
  for (const std::uint8_t byte : number) FANFARE_ASSERT(byte == 0);
  return text;
}

std::uint32_t crc32(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const char c : bytes)
    crc = kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF] ^ (crc >> 8);
  return ~crc;
}

std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [text](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<std::uint8_t>(text[i]) : 0U;
  };
  const auto is_tail = [&byte](std::size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const unsigned first = byte(0);
  if (text.empty()) return 0;
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  if (first < 0xE0) return is_tail(1) ? 2 : 0;
  // RFC 3629 4: the second byte rules out overlong forms, surrogates and values past U+10FFFF.
  const unsigned second = byte(1);
  if (first < 0xF0) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return second >= low && second <= high && is_tail(2) ? 3 : 0;
  }
  const unsigned low = first == 0xF0 ? 0x90 : 0x80;
  const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
  return second >= low && second <= high && is_tail(2) && is_tail(3) ? 4 : 0;
}

bool is_valid_utf8(std::string_view text) {
  while (!text.empty()) {
    std::uint64_t block = 0;
    if (text.size() >= sizeof(block)) {
      std::memcpy(&block, text.data(), sizeof(block));
      if ((block & 0x8080808080808080ULL) == 0) {
        text.remove_prefix(sizeof(block));
        continue;
      }
    }
    const std::size_t length = utf8_sequence_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

}  // namespace fanfare
