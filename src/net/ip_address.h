// One IPv4 or IPv6 address as bytes: no port, no zone, one text form each. Pure.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare {

struct IpAddress {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};  // network order; IPv4 in the first four

  auto operator<=>(const IpAddress&) const = default;
};
std::string to_string(const IpAddress& address);
// Strict forms only: four decimal octets without leading zeros; RFC 4291 text without a zone.
std::optional<IpAddress> parse_ip(std::string_view text);

}  // namespace fanfare
