#include "net/ip_address.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <cstring>

namespace fanfare {
namespace {

// Our own reader and not inet_aton(3), which takes octal, hexadecimal and short forms.
std::optional<IpAddress> parse_v4(std::string_view text) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return std::nullopt;
    const std::string_view octet = text.substr(0, end);
    if (octet.size() > 1 && octet.front() == '0') return std::nullopt;
    unsigned value = 0;
    const auto [stop, error] = std::from_chars(octet.data(), octet.data() + octet.size(), value);
    if (error != std::errc{} || stop != octet.data() + octet.size() || value > 255) {
      return std::nullopt;
    }
    address.bytes[i] = static_cast<std::uint8_t>(value);
    text.remove_prefix(i < 3 ? end + 1 : end);
  }
  return address;
}

// inet_pton(3) reads exactly RFC 4291 text: no zone, no short IPv4 tail, one "::" at most.
std::optional<IpAddress> parse_v6(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::copy(text.begin(), text.end(), buffer.begin());
  IpAddress address{.is_v6 = true};
  if (inet_pton(AF_INET6, buffer.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

}  // namespace

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const int family = address.is_v6 ? AF_INET6 : AF_INET;
  inet_ntop(family, address.bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  return text.find(':') == std::string_view::npos ? parse_v4(text) : parse_v6(text);
}

}  // namespace fanfare
