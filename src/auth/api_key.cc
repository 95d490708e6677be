#include "auth/api_key.h"

#include <algorithm>
#include <array>

#include "auth/key_text.h"
#include "base/assert.h"
#include "base/encoding.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

constexpr std::string_view kLivePrefix = "ff_live_";
constexpr std::string_view kTestPrefix = "ff_test_";
constexpr std::size_t kShownDigits = 8;

std::string checksum_of(std::string_view text) {
  const std::uint32_t crc = crc32(text);
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(crc >> (24 - 8 * i));
  }
  return base62_encode(bytes, kChecksumDigits);
}

bool is_base62(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

}  // namespace

Secret make_key_text(std::string_view prefix, std::string_view bytes) {
  FANFARE_ASSERT(bytes.size() == kKeyBytes);
  std::string text(prefix);
  text += base62_encode(bytes_of(bytes), kKeyDigits);
  text += checksum_of(text);
  return Secret(std::move(text));
}

bool is_key_text(std::string_view prefix, std::string_view text) {
  if (text.size() != prefix.size() + kKeyDigits + kChecksumDigits) return false;
  if (!text.starts_with(prefix)) return false;
  if (!std::ranges::all_of(text.substr(prefix.size()), is_base62)) return false;
  const std::size_t checked = text.size() - kChecksumDigits;
  return text.substr(checked) == checksum_of(text.substr(0, checked));
}

NewApiKey generate_api_key(Random& random, bool is_live) {
  std::array<std::uint8_t, kKeyBytes> bytes{};
  random.fill(bytes);
  const std::string_view prefix = is_live ? kLivePrefix : kTestPrefix;
  NewApiKey key;
  key.text = make_key_text(prefix, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  key.prefix = key.text.reveal().substr(0, prefix.size() + kShownDigits);
  key.sha256 = sha256_bytes(key.text.reveal());
  return key;
}

bool is_well_formed_api_key(std::string_view text) {
  return is_key_text(kLivePrefix, text) || is_key_text(kTestPrefix, text);
}

}  // namespace fanfare
