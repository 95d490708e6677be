// A bare blocking client for tests of the server: it sends exactly the bytes it is told to, and
// every wait is bounded. Tests only; any one thread.
#pragma once

#include <arpa/inet.h>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>
#include <utility>

#include <gtest/gtest.h>

namespace fanfare::net {

struct TestAnswer {
  int status = 0;  // 0 = the connection ended before a whole answer
  std::string head;
  std::string body;
  bool has(std::string_view line) const {
    return head.find("\r\n" + std::string(line) + "\r\n") != std::string::npos;
  }
};

class TestClient {
 public:
  TestClient() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    EXPECT_GE(socket_, 0);
    const timeval timeout{10, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout);
    const int on = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  explicit TestClient(std::uint16_t port) : TestClient() { connect(port); }
  TestClient(TestClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)), received_(std::move(other.received_)) {}
  TestClient(const TestClient&) = delete;
  TestClient& operator=(const TestClient&) = delete;
  TestClient& operator=(TestClient&&) = delete;
  ~TestClient() { close(); }

  void receive_buffer(int bytes) {
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
  }
  void bind_to(const char* ip) {
    sockaddr_in address = address_of(ip, 0);
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  bool connect(std::uint16_t port) {
    sockaddr_in address = address_of("127.0.0.1", port);
    return ::connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }
  void finish_sending() { ::shutdown(socket_, SHUT_WR); }

  // False if the other side no longer takes the bytes.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void send_bytewise(std::string_view bytes) {
    for (const char& c : bytes) {
      if (!send({&c, 1})) return;
    }
  }

  // The next answer; `has_body` is false for the answer to HEAD.
  TestAnswer read_answer(bool has_body = true) {
    TestAnswer answer;
    std::size_t end = std::string::npos;
    while ((end = received_.find("\r\n\r\n")) == std::string::npos) {
      if (!receive()) return answer;
    }
    answer.head = received_.substr(0, end + 4);
    received_.erase(0, end + 4);
    const std::size_t at = answer.head.find("Content-Length: ");
    const std::size_t length =
        at == std::string::npos || !has_body ? 0 : std::strtoul(&answer.head[at + 16], nullptr, 10);
    while (received_.size() < length) {
      if (!receive()) return answer;
    }
    answer.body = received_.substr(0, length);
    received_.erase(0, length);
    std::from_chars(answer.head.data() + 9, answer.head.data() + 12, answer.status);
    return answer;
  }
  TestAnswer exchange(std::string_view request) {
    send(request);
    return read_answer();
  }
  // True once the other side has ended the connection with nothing more said; false after a
  // time-out or bytes.
  bool is_closed() {
    return received_.empty() && !receive() && received_.empty() && !has_timed_out_;
  }

 private:
  static sockaddr_in address_of(const char* ip, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    ::inet_pton(AF_INET, ip, &address.sin_addr);
    return address;
  }
  bool receive() {
    char buffer[64 * 1024];
    const auto bytes = ::recv(socket_, buffer, sizeof buffer, 0);
    has_timed_out_ = bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
    if (bytes <= 0) return false;
    received_.append(buffer, static_cast<std::size_t>(bytes));
    return true;
  }

  int socket_;
  std::string received_;
  bool has_timed_out_ = false;
};

}  // namespace fanfare::net
