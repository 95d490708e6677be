#include "net/client_socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <optional>
#include <unistd.h>

namespace fanfare::net {

namespace {

// The address inside a socket address; none if it has a zone or is of another family.
std::optional<IpAddress> address_in(const SocketAddress& address) {
  IpAddress ip;
  if (address.storage.ss_family == AF_INET && address.length == sizeof(sockaddr_in)) {
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    std::memcpy(ip.bytes.data(), &in.sin_addr, 4);
    return ip;
  }
  if (address.storage.ss_family != AF_INET6 || address.length != sizeof(sockaddr_in6)) {
    return std::nullopt;
  }
  sockaddr_in6 in6{};
  std::memcpy(&in6, &address.storage, sizeof in6);
  if (in6.sin6_scope_id != 0) return std::nullopt;
  ip.is_v6 = true;
  std::memcpy(ip.bytes.data(), &in6.sin6_addr, 16);
  return ip;
}

std::uint16_t port_in(const SocketAddress& address) {
  in_port_t port = 0;
  const std::size_t offset = address.storage.ss_family == AF_INET
                                 ? offsetof(sockaddr_in, sin_port)
                                 : offsetof(sockaddr_in6, sin6_port);
  std::memcpy(&port, reinterpret_cast<const char*>(&address.storage) + offset, sizeof port);
  return ntohs(port);
}

bool is_same(const SocketAddress& a, const SocketAddress& b) {
  return address_in(a).has_value() && address_in(a) == address_in(b) && port_in(a) == port_in(b);
}

}  // namespace

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress out;
  if (address.is_v6) {
    sockaddr_in6 in6{};
    in6.sin6_family = AF_INET6;
    in6.sin6_port = htons(port);
    std::memcpy(&in6.sin6_addr, address.bytes.data(), 16);
    std::memcpy(&out.storage, &in6, sizeof in6);
    out.length = sizeof in6;
    return out;
  }
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  std::memcpy(&in.sin_addr, address.bytes.data(), 4);
  std::memcpy(&out.storage, &in, sizeof in);
  out.length = sizeof in;
  return out;
}

OpenedSocket open_judged_socket(const SocketAddress& address, const AddressGate& gate) {
  const auto ip = address_in(address);
  if (!ip || !gate.may_connect(*ip)) return {.is_denied = true};
  const int fd = ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return {.error = errno};
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto* raw = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd, raw, address.length) == 0) return {.fd = fd};
  if (errno == EINPROGRESS) return {.fd = fd, .is_pending = true};
  const int error = errno;
  ::close(fd);
  return {.error = error};
}

bool is_exhaustion(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS;
}

int verify_connected(int fd, const SocketAddress& address) {
  int error = 0;
  socklen_t error_size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) return errno;
  if (error != 0) return error;
  SocketAddress peer{.length = sizeof(sockaddr_storage)};
  if (::getpeername(fd, reinterpret_cast<sockaddr*>(&peer.storage), &peer.length) != 0)
    return errno;
  SocketAddress self{.length = sizeof(sockaddr_storage)};
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&self.storage), &self.length) != 0)
    return errno;
  // A socket that connects to its own port on loopback meets itself (simultaneous open).
  return is_same(peer, address) && !is_same(self, peer) ? 0 : EADDRNOTAVAIL;
}

std::string to_string(const IpAddress& address, std::uint16_t port) {
  const std::string text = fanfare::to_string(address);
  return (address.is_v6 ? "[" + text + "]" : text) + ":" + std::to_string(port);
}

}  // namespace fanfare::net
