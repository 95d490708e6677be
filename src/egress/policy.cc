#include "egress/policy.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/limits.h"

namespace fanfare {
namespace {

struct Block4 {
  std::uint32_t network;
  int bits;
  std::string_view reason;
};

constexpr std::uint32_t v4(unsigned a, unsigned b, unsigned c, unsigned d) {
  return (a << 24) | (b << 16) | (c << 8) | d;
}

// What nobody delivers to, by the IANA special-purpose registry and by the clouds. All else in IPv4
// is allowed.
constexpr auto kDenied4 = std::to_array<Block4>({
    {v4(0, 0, 0, 0), 8, "this network"},
    {v4(10, 0, 0, 0), 8, "private"},
    {v4(100, 64, 0, 0), 10, "carrier-grade NAT"},
    {v4(127, 0, 0, 0), 8, "loopback"},
    {v4(168, 63, 129, 16), 32, "cloud platform service"},
    {v4(169, 254, 0, 0), 16, "link-local"},
    {v4(172, 16, 0, 0), 12, "private"},
    {v4(192, 0, 0, 0), 24, "protocol assignments"},
    {v4(192, 0, 2, 0), 24, "documentation"},
    {v4(192, 31, 196, 0), 24, "AS112"},
    {v4(192, 52, 193, 0), 24, "AMT"},
    {v4(192, 88, 99, 0), 24, "6to4 relay"},
    {v4(192, 168, 0, 0), 16, "private"},
    {v4(192, 175, 48, 0), 24, "AS112"},
    {v4(198, 18, 0, 0), 15, "benchmarking"},
    {v4(198, 51, 100, 0), 24, "documentation"},
    {v4(203, 0, 113, 0), 24, "documentation"},
    {v4(224, 0, 0, 0), 4, "multicast"},
    {v4(240, 0, 0, 0), 4, "reserved"},
});

struct Block6 {
  std::array<std::uint16_t, 3> groups;  // the first 48 bits; the rest of the network is zero
  int bits;
  std::string_view reason;
};

// IANA "IPv6 Global Unicast Address Assignments", status ALLOCATED, registry of 2025-10-10, less
// 2001::/23 and 2002::/16, which are denied whole. What is in none of them is denied.
constexpr auto kAllocated6 = std::to_array<Block6>({
    {{0x2001, 0x0200}, 23, ""}, {{0x2001, 0x0400}, 23, ""}, {{0x2001, 0x0600}, 23, ""},
    {{0x2001, 0x0800}, 22, ""}, {{0x2001, 0x0c00}, 23, ""}, {{0x2001, 0x0e00}, 23, ""},
    {{0x2001, 0x1200}, 23, ""}, {{0x2001, 0x1400}, 22, ""}, {{0x2001, 0x1800}, 23, ""},
    {{0x2001, 0x1a00}, 23, ""}, {{0x2001, 0x1c00}, 22, ""}, {{0x2001, 0x2000}, 19, ""},
    {{0x2001, 0x4000}, 23, ""}, {{0x2001, 0x4200}, 23, ""}, {{0x2001, 0x4400}, 23, ""},
    {{0x2001, 0x4600}, 23, ""}, {{0x2001, 0x4800}, 23, ""}, {{0x2001, 0x4a00}, 23, ""},
    {{0x2001, 0x4c00}, 23, ""}, {{0x2001, 0x5000}, 20, ""}, {{0x2001, 0x8000}, 19, ""},
    {{0x2001, 0xa000}, 20, ""}, {{0x2001, 0xb000}, 20, ""}, {{0x2003}, 18, ""},
    {{0x2400}, 12, ""},         {{0x2410}, 12, ""},         {{0x2600}, 12, ""},
    {{0x2610}, 23, ""},         {{0x2620}, 23, ""},         {{0x2630}, 12, ""},
    {{0x2800}, 12, ""},         {{0x2a00}, 12, ""},         {{0x2a10}, 12, ""},
    {{0x2c00}, 12, ""},
});

// Special-purpose blocks, denied by name. Those outside the allocated ones are here only so that
// the log says why.
constexpr auto kDenied6 = std::to_array<Block6>({
    {{0x0064, 0xff9b, 0x0001}, 48, "NAT64, local use"},
    {{0x0100}, 64, "discard-only"},
    {{0x2001}, 23, "protocol assignments"},
    {{0x2001, 0x0db8}, 32, "documentation"},
    {{0x2002}, 16, "6to4"},
    {{0x2620, 0x004f, 0x8000}, 48, "AS112"},
    {{0x3ffe}, 16, "6bone"},
    {{0x3fff}, 20, "documentation"},
    {{0x5f00}, 16, "segment routing"},
    {{0xfc00}, 7, "unique local"},
    {{0xfe80}, 10, "link-local"},
    {{0xfec0}, 10, "site-local"},
    {{0xff00}, 8, "multicast"},
});

// The services that hand out credentials or trust whoever asks, named one by one: an allowed range
// that happens to contain one (fd00::/8, 100.64.0.0/10) does not open it.
constexpr auto kMetadata = std::to_array<std::string_view>({
    "169.254.169.254",  // AWS, GCP, Azure, Oracle, DigitalOcean, Hetzner, OpenStack, Linode, Vultr,
                        // IBM
    "169.254.169.253",  // AWS DNS
    "169.254.169.123",  // AWS time
    "169.254.170.2",    // AWS ECS task credentials
    "169.254.170.23",   // AWS EKS pod identity
    "169.254.169.250",  // Rancher
    "169.254.0.23",     // Tencent
    "169.254.42.42",    // Scaleway
    "168.63.129.16",    // Azure WireServer
    "192.0.0.192",      // Oracle Cloud Classic
    "100.100.100.200",  // Alibaba
    "100.100.100.100",  // Tailscale DNS
    "fd00:ec2::254",    // AWS
    "fd00:ec2::23",     // AWS EKS pod identity
    "fd20:ce::254",     // GCP
    "fd00:42::42",      // Scaleway
    "fd00:a9fe:a9fe::1",   // Linode
    "fd7a:115c:a1e0::53",  // Tailscale DNS
    "fe80::a9fe:a9fe",     // OpenStack
});

constexpr auto kDeniedPorts = std::to_array<std::uint16_t>(
    {1433, 1521, 1719, 1720, 1723, 2049, 2375, 2376,  2379,  2380,  3306, 3389,
     3659, 4045, 4190, 5060, 5061, 5432, 5900, 6000,  6379,  6566,  6665, 6666,
     6667, 6668, 6669, 6679, 6697, 9042, 9300, 10080, 10250, 11211, 27017});

std::uint32_t v4_bits(const std::uint8_t* bytes) {
  return v4(bytes[0], bytes[1], bytes[2], bytes[3]);
}

bool same_prefix(const std::uint8_t* a, const std::uint8_t* b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (std::memcmp(a, b, whole) != 0) return false;
  const int rest = bits % 8;
  return rest == 0 || ((a[whole] ^ b[whole]) >> (8 - rest)) == 0;
}

bool is_in(const Block6& block, const IpAddress& address) {
  std::array<std::uint8_t, 16> network{};
  for (std::size_t i = 0; i < block.groups.size(); ++i) {
    network[2 * i] = static_cast<std::uint8_t>(block.groups[i] >> 8);
    network[2 * i + 1] = static_cast<std::uint8_t>(block.groups[i] & 0xff);
  }
  return same_prefix(network.data(), address.bytes.data(), block.bits);
}

std::uint16_t group(const IpAddress& address, std::size_t index) {
  return static_cast<std::uint16_t>((address.bytes[2 * index] << 8) | address.bytes[2 * index + 1]);
}

bool has_zero_groups(const IpAddress& address, std::size_t first, std::size_t last) {
  return std::all_of(address.bytes.begin() + static_cast<std::ptrdiff_t>(2 * first),
                     address.bytes.begin() + static_cast<std::ptrdiff_t>(2 * last),
                     [](std::uint8_t byte) { return byte == 0; });
}

bool is_isatap(const IpAddress& address) {
  return (group(address, 4) == 0x0000 || group(address, 4) == 0x0200) &&
         group(address, 5) == 0x5efe;
}

// The IPv6 forms that carry an IPv4 address and the name of the form; none is ever a receiver's
// address.
std::string_view embedding_form(const IpAddress& address) {
  if (has_zero_groups(address, 0, 5) && group(address, 5) == 0xffff) return "IPv4-mapped";
  if (has_zero_groups(address, 0, 4) && group(address, 4) == 0xffff && group(address, 5) == 0) {
    return "IPv4-translated";
  }
  if (group(address, 0) == 0x64 && group(address, 1) == 0xff9b) {
    if (group(address, 2) == 1 || has_zero_groups(address, 2, 6)) return "NAT64";
  }
  if (is_isatap(address)) return "ISATAP";
  if (!has_zero_groups(address, 0, 6)) return "";
  if (address.bytes[12] != 0 || group(address, 6) != 0) return "IPv4-compatible";
  if (group(address, 7) > 1) return "IPv4-compatible";
  return group(address, 7) == 1 ? "loopback" : "unspecified";
}

bool is_metadata_itself(const IpAddress& address) {
  static const auto addresses = [] {
    std::array<IpAddress, kMetadata.size()> parsed;
    std::transform(kMetadata.begin(), kMetadata.end(), parsed.begin(),
                   [](std::string_view text) { return parse_ip(text).value(); });
    return parsed;
  }();
  return std::find(addresses.begin(), addresses.end(), address) != addresses.end();
}

// Also when it is wrapped in an IPv6 form that something on the path may unwrap.
bool is_metadata(const IpAddress& address) {
  if (is_metadata_itself(address)) return true;
  if (!address.is_v6) return false;
  IpAddress inner;
  if (group(address, 0) == 0x2002) {
    std::copy_n(address.bytes.begin() + 2, 4, inner.bytes.begin());
  } else if (!embedding_form(address).empty()) {
    std::copy_n(address.bytes.begin() + 12, 4, inner.bytes.begin());
  }
  return is_metadata_itself(inner);
}

bool is_in_any(const std::vector<Cidr>& cidrs, const IpAddress& address) {
  return std::any_of(cidrs.begin(), cidrs.end(),
                     [&](const Cidr& cidr) { return contains(cidr, address); });
}

AddressVerdict judge_v4(const IpAddress& address) {
  const std::uint32_t bits = v4_bits(address.bytes.data());
  for (const Block4& block : kDenied4) {
    if ((bits ^ block.network) >> (32 - block.bits) == 0) return {false, block.reason};
  }
  return {true, "public"};
}

AddressVerdict judge_v6(const IpAddress& address) {
  if (const std::string_view form = embedding_form(address); !form.empty()) return {false, form};
  const auto holds_address = [&](const Block6& block) { return is_in(block, address); };
  const auto denied = std::find_if(kDenied6.begin(), kDenied6.end(), holds_address);
  if (denied != kDenied6.end()) return {false, denied->reason};
  if (std::none_of(kAllocated6.begin(), kAllocated6.end(), holds_address)) {
    return {false, "not allocated"};
  }
  return {true, "public"};
}

bool allows_loopback(const EgressPolicy& policy) {
  return std::any_of(policy.allowed.begin(), policy.allowed.end(), [](const Cidr& cidr) {
    return contains(cidr, IpAddress{.bytes = {127, 0, 0, 1}}) ||
           contains(cidr, IpAddress{.is_v6 = true,
                                    .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}});
  });
}

std::optional<IpAddress> ip_of(const sockaddr* address) {
  if (address == nullptr) return std::nullopt;
  IpAddress ip;
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::memcpy(ip.bytes.data(), &in.sin_addr, 4);
    return ip;
  }
  if (address->sa_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in6{};
  std::memcpy(&in6, address, sizeof in6);
  ip.is_v6 = true;
  std::memcpy(ip.bytes.data(), &in6.sin6_addr, 16);
  return ip;
}

}  // namespace

Result<Cidr> parse_cidr(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) {
    return fail(Errc::invalid, "\"" + std::string(text) + "\" does not begin with an IP address");
  }
  const int width = address->is_v6 ? 128 : 32;
  if (slash == std::string_view::npos) return Cidr{*address, width};
  const std::string_view bits_text = text.substr(slash + 1);
  int bits = -1;
  const auto end = bits_text.data() + bits_text.size();
  const auto [stop, error] = std::from_chars(bits_text.data(), end, bits);
  const bool has_leading_zero = bits_text.size() > 1 && bits_text.front() == '0';
  if (error != std::errc{} || stop != end || bits < 0 || bits > width || has_leading_zero) {
    return fail(Errc::invalid, "the prefix length in \"" + std::string(text) + "\" must be 0 to " +
                                   std::to_string(width));
  }
  Cidr cidr{*address, bits};
  // A network with host bits set is most often a typing mistake, and a wide one opens more than was
  // meant.
  for (int bit = bits; bit < width; ++bit) {
    if ((address->bytes[static_cast<std::size_t>(bit / 8)] >> (7 - bit % 8) & 1) != 0) {
      return fail(Errc::invalid, "\"" + std::string(text) + "\" has bits set after its prefix");
    }
  }
  return cidr;
}

bool contains(const Cidr& cidr, const IpAddress& address) {
  return cidr.network.is_v6 == address.is_v6 &&
         same_prefix(cidr.network.bytes.data(), address.bytes.data(), cidr.bits);
}

AddressVerdict judge(const IpAddress& address, const EgressPolicy& policy) {
  if (!policy.allows_metadata && is_metadata(address)) return {false, "cloud metadata"};
  if (is_in_any(policy.allowed, address)) return {true, "allowed by the operator"};
  if (std::find(policy.own.begin(), policy.own.end(), address) != policy.own.end()) {
    return {false, "this host's own address"};
  }
  return address.is_v6 ? judge_v6(address) : judge_v4(address);
}

AddressVerdict judge_all(std::span<const IpAddress> answers, const EgressPolicy& policy) {
  if (answers.empty()) return {false, "no address"};
  if (answers.size() > limits::kDnsAnswersMax) return {false, "too many addresses"};
  for (const IpAddress& address : answers) {
    if (const AddressVerdict verdict = judge(address, policy); !verdict.is_allowed) return verdict;
  }
  return {true, "every address is allowed"};
}

bool is_port_allowed(std::uint16_t port) {
  if (port < 1024) return port == 80 || port == 443;
  return std::find(kDeniedPorts.begin(), kDeniedPorts.end(), port) == kDeniedPorts.end();
}

bool is_port_allowed(const Target& target, const EgressPolicy& policy) {
  return is_port_allowed(target.port) || (target.ip && is_in_any(policy.allowed, *target.ip));
}

UrlRules url_rules_of(const EgressPolicy& policy) {
  return {.allows_http = policy.allows_http, .allows_localhost = allows_loopback(policy)};
}

std::vector<IpAddress> own_addresses() {
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&freeifaddrs)> owner(list, &freeifaddrs);
  std::vector<IpAddress> addresses;
  const auto add = [&](const sockaddr* address) {
    const auto ip = ip_of(address);
    if (ip && std::find(addresses.begin(), addresses.end(), *ip) == addresses.end()) {
      addresses.push_back(*ip);
    }
  };
  for (const ifaddrs* entry = list; entry != nullptr; entry = entry->ifa_next) {
    add(entry->ifa_addr);
    // Directed broadcast of the host's own subnets: every neighbour would answer.
    if ((entry->ifa_flags & IFF_BROADCAST) != 0) add(entry->ifa_broadaddr);
  }
  return addresses;
}

Result<Target> check_url(std::string_view url, const EgressPolicy& policy) {
  TRY(Target target, parse_target(url, url_rules_of(policy)));
  if (!is_port_allowed(target, policy)) {
    return fail(Errc::invalid,
                "port " + std::to_string(target.port) +
                    " is not allowed: use 80, 443, or one from 1024 up that no other "
                    "kind of service uses");
  }
  if (target.ip && !judge(*target.ip, policy).is_allowed) {
    return fail(Errc::invalid, "this destination is not allowed");
  }
  return target;
}

}  // namespace fanfare
