#include "api/client_address.h"

#include <algorithm>
#include <array>
#include <optional>

#include "base/ascii.h"

namespace fanfare {
namespace {

constexpr std::size_t kUserAgentBytesMax = 256;

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// 192.0.2.1 and 2001:db8::1, and what some proxies make of them: 192.0.2.1:4711, [2001:db8::1] and
// [2001:db8::1]:4711. A mapped IPv4 address is the IPv4 address.
std::optional<IpAddress> address_in(std::string_view entry) {
  if (entry.starts_with('[')) {
    const auto end = entry.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view rest = entry.substr(end + 1);
    if (!rest.empty() && !rest.starts_with(':')) return std::nullopt;
    entry = entry.substr(1, end - 1);
  } else if (std::count(entry.begin(), entry.end(), ':') == 1) {
    entry = entry.substr(0, entry.find(':'));
  }
  auto address = parse_ip(entry);
  if (!address || !address->is_v6) return address;
  constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kMapped.begin(), kMapped.end(), address->bytes.begin())) return address;
  IpAddress inner;
  std::copy(address->bytes.begin() + 12, address->bytes.end(), inner.bytes.begin());
  return inner;
}

bool is_in_any(const IpAddress& address, std::span<const Cidr> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [&](const Cidr& range) { return contains(range, address); });
}

// All X-Forwarded-For headers as one list, as RFC 9110 5.3 joins them.
std::string forwarded_for(const net::HttpRequest& request) {
  std::string list;
  for (const auto& [name, value] : request.headers) {
    if (!equals_ignoring_case(name, "x-forwarded-for")) continue;
    if (!list.empty()) list += ',';
    list += value;
  }
  return list;
}

}  // namespace

std::string client_ip_of(const net::HttpRequest& request, std::span<const Cidr> trusted_proxies) {
  if (trusted_proxies.empty()) return request.peer_ip;
  auto client = parse_ip(request.peer_ip);
  if (!client) return request.peer_ip;
  const std::string list = forwarded_for(request);
  std::string_view unread = list;
  while (!unread.empty() && is_in_any(*client, trusted_proxies)) {
    const auto comma = unread.rfind(',');
    const std::size_t from = comma == std::string_view::npos ? 0 : comma + 1;
    const auto before = address_in(trimmed(unread.substr(from)));
    if (!before) break;
    client = before;
    unread = unread.substr(0, comma == std::string_view::npos ? 0 : comma);
  }
  return to_string(*client);
}

std::string_view user_agent_of(const net::HttpRequest& request) {
  return request.header("user-agent").value_or("").substr(0, kUserAgentBytesMax);
}

}  // namespace fanfare
