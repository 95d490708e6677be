// Who a request comes from. A peer's address cannot be forged; X-Forwarded-For can, by anybody who
// sends it. So the header is believed only as far as proxies the operator named have written it:
// it is read from the right, past trusted addresses, and the first address that is not trusted is
// the client's. What stands left of it is the client's own claim. `Forwarded` (RFC 7239) is not
// read: two headers that may disagree are one too many. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "egress/policy.h"
#include "net/http_server.h"

namespace fanfare {

// As text: the peer's, or what trusted proxies say. A word that is no address ends the reading: the
// client is then the last address before it.
std::string client_ip_of(const net::HttpRequest& request, std::span<const Cidr> trusted_proxies);

// The User-Agent of a request, at most 256 bytes of it; empty if there is none.
std::string_view user_agent_of(const net::HttpRequest& request);

}  // namespace fanfare
