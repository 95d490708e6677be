// A URL that a delivery may go to. One parser for a small language, one output struct; the raw text
// is never given to another parser, so there are no two readings of it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "net/ip_address.h"

namespace fanfare {

struct Target {
  bool is_https = true;
  std::string host;             // lower-case ASCII name; empty for an address literal
  std::optional<IpAddress> ip;  // an address literal
  std::uint16_t port = 443;
  std::string origin_form;  // path and query exactly as written, "/" if there is none

  // host[:port] as it goes into the Host header: the port only when it is not the scheme's own.
  std::string authority() const;
  bool operator==(const Target&) const = default;
};

struct UrlRules {
  bool allows_http = false;  // --egress-http
  bool allows_localhost =
      false;  // the operator allowed a loopback range, so `localhost` is a name like any other
};

// Errc::invalid with one sentence that says which rule the URL breaks.
Result<Target> parse_target(std::string_view url, const UrlRules& rules);

}  // namespace fanfare
