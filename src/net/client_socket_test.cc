#include "net/client_socket.h"

#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <poll.h>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare::net {
namespace {

class RecordingGate final : public AddressGate {
 public:
  explicit RecordingGate(bool allows) : allows_(allows) {}
  bool may_connect(const IpAddress& address) const override {
    asked.push_back(address);
    return allows_;
  }
  mutable std::vector<IpAddress> asked;

 private:
  bool allows_;
};

class Listener {
 public:
  Listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    SocketAddress address = socket_address(*parse_ip("127.0.0.1"), 0);
    auto* raw = reinterpret_cast<sockaddr*>(&address.storage);
    ::bind(fd_, raw, address.length);
    ::listen(fd_, 8);
    ::getsockname(fd_, raw, &address.length);
    sockaddr_in in{};
    std::memcpy(&in, &address.storage, sizeof in);
    port = ntohs(in.sin_port);
  }
  ~Listener() { ::close(fd_); }
  // Nobody is in the queue of connections.
  bool is_untouched() const {
    pollfd ready{fd_, POLLIN, 0};
    return ::poll(&ready, 1, 0) == 0;
  }
  std::uint16_t port = 0;

 private:
  int fd_;
};

TEST(ClientSocket, AsksTheGateAboutTheVeryAddressAndStopsAtANo) {
  const Listener listener;
  const RecordingGate gate(false);

  const auto opened =
      open_judged_socket(socket_address(*parse_ip("127.0.0.1"), listener.port), gate);

  EXPECT_TRUE(opened.is_denied);
  EXPECT_EQ(opened.fd, -1);
  EXPECT_EQ(gate.asked, std::vector{*parse_ip("127.0.0.1")});
  EXPECT_TRUE(listener.is_untouched());
}

TEST(ClientSocket, ConnectsWhenTheGateAllowsAndVerifiesTheFarEnd) {
  const Listener listener;
  const SocketAddress address = socket_address(*parse_ip("127.0.0.1"), listener.port);

  const auto opened = open_judged_socket(address, RecordingGate(true));
  ASSERT_GE(opened.fd, 0);
  pollfd ready{opened.fd, POLLOUT, 0};
  ::poll(&ready, 1, 5000);

  EXPECT_EQ(verify_connected(opened.fd, address), 0);
  const SocketAddress elsewhere = socket_address(*parse_ip("127.0.0.2"), listener.port);
  EXPECT_NE(verify_connected(opened.fd, elsewhere), 0);
  ::close(opened.fd);
}

TEST(ClientSocket, RefusesZonesAndOtherFamiliesWithoutAsking) {
  const RecordingGate gate(true);
  SocketAddress zoned = socket_address(*parse_ip("fe80::1"), 80);
  sockaddr_in6 in6{};
  std::memcpy(&in6, &zoned.storage, sizeof in6);
  in6.sin6_scope_id = 1;
  std::memcpy(&zoned.storage, &in6, sizeof in6);
  SocketAddress local;
  local.storage.ss_family = AF_UNIX;
  local.length = sizeof(sockaddr_in);
  SocketAddress short_one = socket_address(*parse_ip("127.0.0.1"), 80);
  short_one.length = 4;

  for (const SocketAddress& address : {zoned, local, short_one, SocketAddress{}}) {
    EXPECT_TRUE(open_judged_socket(address, gate).is_denied);
  }
  EXPECT_TRUE(gate.asked.empty());
}

TEST(ClientSocket, AddressAndPortHaveOneText) {
  EXPECT_EQ(to_string(*parse_ip("203.0.113.9"), 443), "203.0.113.9:443");
  EXPECT_EQ(to_string(*parse_ip("2001:db8::1"), 80), "[2001:db8::1]:80");
}

}  // namespace
}  // namespace fanfare::net
