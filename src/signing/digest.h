// SHA-256 and HMAC-SHA256 over OpenSSL. Pure.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace fanfare {

using Digest = std::array<std::uint8_t, 32>;

Digest sha256(std::string_view bytes);
std::string sha256_bytes(std::string_view bytes);  // the 32 bytes as a string
// Compares in constant time; false at once if the lengths differ.
bool equal_constant_time(std::string_view a, std::string_view b);

// HMAC-SHA256 with the key's inner and outer state computed once (RFC 2104). The state is as secret
// as the key: it signs without it, so it is overwritten when it goes. Any thread.
class HmacKey {
 public:
  explicit HmacKey(std::string_view key);
  HmacKey(const HmacKey&) = default;
  HmacKey& operator=(const HmacKey&) = default;
  ~HmacKey();

  // The MAC of the concatenation of the parts.
  Digest mac(std::initializer_list<std::string_view> parts) const;

 private:
  alignas(8) std::array<std::uint8_t, 112> inner_;  // SHA256_CTX
  alignas(8) std::array<std::uint8_t, 112> outer_;
};

}  // namespace fanfare
