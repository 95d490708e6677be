// The address policy: which addresses a delivery may connect to. IPv4 by deny list; IPv6 only what
// IANA has allocated, less what is special. Pure; judged on the very address that is given to
// connect().
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "egress/target.h"

namespace fanfare {

struct Cidr {
  IpAddress network;
  int bits = 0;
};
// "127.0.0.0/8", "::1/128" or a single address.
Result<Cidr> parse_cidr(std::string_view text);
bool contains(const Cidr& cidr, const IpAddress& address);

// What the operator allows beyond the rules, and what is his own.
struct EgressPolicy {
  bool allows_http = false;         // --egress-http
  bool allows_metadata = false;     // the second, separate switch for cloud metadata addresses
  std::vector<Cidr> allowed = {};   // --egress-allow: exceptions, metadata excluded
  std::vector<IpAddress> own = {};  // this host's addresses: never delivered to
};

struct AddressVerdict {
  bool is_allowed = false;
  std::string_view reason;  // a static text such as "loopback"; for logs, not for tenants
};
AddressVerdict judge(const IpAddress& address, const EgressPolicy& policy);
// One bad answer denies all of them, in any order; so do none, and more than
// limits::kDnsAnswersMax.
AddressVerdict judge_all(std::span<const IpAddress> answers, const EgressPolicy& policy);

// A port is checked by itself: 80, 443 and 1024 up, less the list of ports that speak something
// else. An allowed address literal may use any port.
bool is_port_allowed(std::uint16_t port);
bool is_port_allowed(const Target& target, const EgressPolicy& policy);
// `localhost` is a name like any other once the operator allowed a loopback range.
UrlRules url_rules_of(const EgressPolicy& policy);
// Every address this host has, from getifaddrs(3).
std::vector<IpAddress> own_addresses();

// Fast feedback when a webhook is saved: grammar, port, and the literal address if there is one.
// Names are not looked up. Errc::invalid with a sentence for the person who typed the URL.
Result<Target> check_url(std::string_view url, const EgressPolicy& policy);

}  // namespace fanfare
