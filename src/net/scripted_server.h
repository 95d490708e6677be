// For tests: a receiver on loopback that does exactly what a script says with each connection, in a
// thread of its own for each, with plain blocking sockets. Scripts end when the sender closes, so
// nothing sleeps; a receive that waits for 20 s gives up, so nothing hangs.
#pragma once

#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <mutex>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare {

// One accepted connection, as a script sees it.
class ScriptedPeer {
 public:
  ScriptedPeer(int fd, int index) : fd_(fd), index_(index) {}
  int fd() const { return fd_; }
  int index() const { return index_; }  // 0 for the first connection the server accepted

  // Some more bytes, empty at the end of the stream or when it broke.
  std::string receive(std::size_t max = 65'536) {
    std::string bytes(max, '\0');
    const ssize_t got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return bytes;
  }
  // One whole request by its Content-Length, empty if the connection ended before.
  std::string receive_request() {
    while (true) {
      const auto head_end = pending_.find("\r\n\r\n");
      const auto length_at = pending_.find("Content-Length: ");
      if (head_end != std::string::npos && length_at < head_end) {
        const std::size_t size = head_end + 4 + std::stoul(pending_.substr(length_at + 16, 12));
        if (pending_.size() >= size) {
          std::string request = pending_.substr(0, size);
          pending_.erase(0, size);
          return request;
        }
      }
      const std::string more = receive();
      if (more.empty()) return {};
      pending_ += more;
    }
  }
  // False once the sender has gone away.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void wait_for_end() {
    while (!receive().empty()) {
    }
  }
  // Closing with this set sends a reset.
  void reset_on_close() {
    const linger now{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }

 private:
  int fd_;
  int index_;
  std::string pending_;
};

class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedPeer&)>;

  explicit ScriptedServer(Script script) : script_(std::move(script)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_, 64), 0);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    acceptor_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
    for (std::thread& worker : workers_) worker.join();
  }
  std::uint16_t port() const { return port_; }
  int accepted() const { return accepted_; }
  std::string url(std::string_view path = "/hook") const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const timeval patience{20, 0};
      ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
      const int index = accepted_++;
      workers_.emplace_back([this, fd, index] {
        ScriptedPeer peer(fd, index);
        script_(peer);
        ::close(fd);
      });
    }
  }

  Script script_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<int> accepted_{0};
  std::thread acceptor_;
  std::vector<std::thread> workers_;  // the acceptor's, then the destructor's
};

inline constexpr std::string_view kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Answers every request of every connection with the same bytes.
inline ScriptedServer::Script always(std::string answer) {
  return [answer = std::move(answer)](ScriptedPeer& peer) {
    while (!peer.receive_request().empty()) {
      if (!peer.send(answer)) return;
    }
  };
}

}  // namespace fanfare
