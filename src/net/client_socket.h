// The one place that calls connect(2) for delivery-class HTTP. The gate is asked about the very
// socket address that is handed to the kernel, so no earlier look at a URL or a DNS answer has to
// be trusted.
#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>

#include "net/ip_address.h"

namespace fanfare::net {

// Says whether a connection to an address may be opened. Loop thread only.
class AddressGate {
 public:
  virtual ~AddressGate() = default;
  virtual bool may_connect(const IpAddress& address) const = 0;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
};
SocketAddress socket_address(const IpAddress& address, std::uint16_t port);

struct OpenedSocket {
  int fd = -1;              // owned by the caller; -1 = nothing was opened
  bool is_denied = false;   // the gate refused, or the address is none that could be judged
  bool is_pending = false;  // connect(2) goes on; wait until the socket is writable
  int error = 0;            // errno
};
// Non-blocking. Refuses what is not AF_INET or AF_INET6, and any scope id.
OpenedSocket open_judged_socket(const SocketAddress& address, const AddressGate& gate);

// Whether an errno says that this process or host has run out, and nothing about the far end.
bool is_exhaustion(int error);

// Zero once the connection stands and its far end is exactly `address` and not ourselves; errno
// otherwise.
int verify_connected(int fd, const SocketAddress& address);

// "203.0.113.9:443", "[2001:db8::1]:443".
std::string to_string(const IpAddress& address, std::uint16_t port);

}  // namespace fanfare::net
