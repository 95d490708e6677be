#include "bench/support/socket.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <span>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/support/process.h"

namespace fanfare::bench {
namespace {

sockaddr_in to_system(const Address& address) {
  sockaddr_in system{};
  system.sin_family = AF_INET;
  system.sin_port = htons(address.port);
  if (inet_pton(AF_INET, address.host.c_str(), &system.sin_addr) != 1) {
    die("not an IPv4 address: " + address.host);
  }
  return system;
}

void send_without_delay(int fd) {
  const int on = 1;
  if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) die_of_errno("TCP_NODELAY");
}

}  // namespace

Address Address::parse(std::string_view text) {
  const auto colon = text.rfind(':');
  Address address;
  if (colon != std::string_view::npos) {
    address.host = text.substr(0, colon);
    const auto end = text.data() + text.size();
    const auto parsed = std::from_chars(text.data() + colon + 1, end, address.port);
    if (parsed.ec == std::errc{} && parsed.ptr == end) return address;
  }
  die("not an address and port: " + std::string(text));
}

int listen_on(const Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  const auto system = to_system(address);
  if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, reinterpret_cast<const sockaddr*>(&system), sizeof system) != 0 ||
      listen(fd, 1024) != 0) {
    die_of_errno("cannot listen on " + address.host);
  }
  return fd;
}

std::uint16_t port_of(int listener) {
  sockaddr_in system{};
  socklen_t length = sizeof system;
  if (getsockname(listener, reinterpret_cast<sockaddr*>(&system), &length) != 0)
    die_of_errno("getsockname");
  return ntohs(system.sin_port);
}

int connect_to(const Address& address) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const auto system = to_system(address);
  if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&system), sizeof system) != 0) {
    die_of_errno("cannot connect to " + address.host + ":" + std::to_string(address.port));
  }
  send_without_delay(fd);
  return fd;
}

int accept_next(int listener) {
  const int fd = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd >= 0) send_without_delay(fd);
  if (fd < 0 && errno != EAGAIN && errno != ECONNABORTED) die_of_errno("accept");
  return fd;
}

bool send_whole(int fd, std::string_view bytes) {
  const auto sent = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent == static_cast<ssize_t>(bytes.size())) return true;
  if (sent < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
  die("a message was not sent whole");
}

bool Inbox::fill(int fd) {
  for (;;) {
    if (end_ == buffer_.size()) buffer_.resize(buffer_.size() * 2);
    const std::span<char> room(buffer_.data() + end_, buffer_.size() - end_);
    const auto count = recv(fd, room.data(), room.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno == ECONNRESET)) return false;
    if (count < 0 && errno != EAGAIN) die_of_errno("recv");
    if (count > 0) end_ += static_cast<std::size_t>(count);
    // A short read has emptied the socket (epoll(7)); asking again would cost a system call for
    // each message.
    if (count < static_cast<ssize_t>(room.size())) return true;
  }
}

void Inbox::consume(std::size_t count) {
  begin_ += count;
  if (begin_ == end_) {
    begin_ = end_ = 0;
  } else if (begin_ > buffer_.size() / 2) {
    memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
}

Poller::Poller(std::size_t round_max) : epoll_(epoll_create1(EPOLL_CLOEXEC)), events_(round_max) {
  if (epoll_ < 0) die_of_errno("epoll_create1");
}

void Poller::watch(int fd, Watcher& watcher) {
  epoll_event event{.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data = {.ptr = &watcher}};
  if (epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) die_of_errno("epoll_ctl");
}

void Poller::wait(int timeout_ms) {
  call_ready(epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), timeout_ms));
}

void Poller::wait_until(Nanoseconds time) {
  const auto left = std::max<Nanoseconds>(time - monotonic_now(), 0);
  const timespec timeout{.tv_sec = left / kSecond, .tv_nsec = left % kSecond};
  call_ready(
      epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr));
}

void Poller::call_ready(int count) {
  if (count < 0 && errno != EINTR) die_of_errno("epoll_wait");
  for (int at = 0; at < count; ++at) {
    static_cast<Watcher*>(events_[static_cast<std::size_t>(at)].data.ptr)->on_ready();
  }
}

EndSignal::EndSignal(Poller& poller) {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  poller.watch(signalfd(-1, &signals, SFD_CLOEXEC), *this);
}

}  // namespace fanfare::bench
