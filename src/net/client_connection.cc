#include "net/client_connection.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <span>
#include <sys/uio.h>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>

#include "base/assert.h"
#include "base/limits.h"
#include "net/client_connection_tls.h"
#include "net/reactor_impl.h"
#include "net/response_parser.h"

namespace fanfare::net {

namespace {

using boost::system::error_code;
using Descriptor =
    boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

// Bytes of an answer are looked at where they land and never kept here, so one buffer serves every
// connection of a loop thread: an idle or waiting connection holds none.
std::span<char> scratch() {
  thread_local std::array<char, 16 * 1024> buffer;
  return buffer;
}

struct ConnectFailure {
  ErrorKind kind;
  std::string text;
};

ConnectFailure describe_connect_error(int error) {
  switch (error) {
    case ECONNREFUSED:
      return {ErrorKind::connect_refused, "the receiver refused the connection"};
    case ETIMEDOUT:
      return {ErrorKind::connect_timeout, "the receiver did not answer the connection attempt"};
    case ENETUNREACH:
    case EHOSTUNREACH:
      return {ErrorKind::connect_failed, "there is no route to the receiver"};
    case ECONNRESET:
      return {ErrorKind::connect_failed, "the receiver reset the connection attempt"};
    case EMFILE:
    case ENFILE:
      return {ErrorKind::connect_failed, "this server has no file descriptor left"};
    default:
      return {ErrorKind::connect_failed,
              std::string("the connection could not be opened: ") + std::strerror(error)};
  }
}

class Connection final : public ClientConnection, public std::enable_shared_from_this<Connection> {
 public:
  explicit Connection(boost::asio::io_context& io) : io_(io), descriptor_(io) {}
  ~Connection() override { Connection::close(); }

  void connect(const IpAddress& address, std::uint16_t port, const AddressGate& gate,
               ConnectionObserver& observer) override;
  void start_tls(const TlsClient& tls, TlsPeer peer) override;
  void exchange(std::string_view head, std::string_view body,
                ConnectionObserver& observer) override;
  bool is_reusable() const override { return is_reusable_ && descriptor_.is_open(); }
  bool is_quiet() override;
  void close() override;
  std::optional<ClientResponse> abandon() override;
  const std::string& peer() const override { return peer_; }
  const std::string& tls() const override { return tls_text_; }

 private:
  // What one attempt to move bytes came to.
  enum class Moved { some, blocked, ended, failed };

  template <class Member>
  void when(Descriptor::wait_type event, Member member);
  template <class Call>
  void later(Call call);
  void finish_connect();
  void step_handshake();
  void write_some();
  Moved write_plain();
  Moved write_tls();
  void read_some();
  Moved read_once(std::size_t& count);
  bool take(ResponseParser::State state);
  void fail(ErrorKind kind, std::string text);
  void lose(Moved how);

  boost::asio::io_context& io_;
  Descriptor descriptor_;
  ConnectionObserver* observer_ = nullptr;  // none: nobody is told any more
  SocketAddress address_;
  std::string peer_;
  std::string tls_text_;
  std::string_view head_, body_;  // what is still to be written
  std::string tls_request_;       // head and body joined: one record, one system call
  bool is_reusable_ = false;
  bool waits_to_read_ = false;
  bool has_answered_ = false;  // an exchange before this one came to its end
  ResponseParser parser_;
  TlsChannel tls_;
};

// Runs `member` once the socket is ready, unless the connection has been closed in the meantime.
template <class Member>
void Connection::when(Descriptor::wait_type event, Member member) {
  descriptor_.async_wait(event, [self = shared_from_this(), member](const error_code& error) {
    if (!error && self->descriptor_.is_open()) (self.get()->*member)();
  });
}

template <class Call>
void Connection::later(Call call) {
  boost::asio::post(io_, [self = shared_from_this(), call = std::move(call)]() mutable {
    if (self->observer_ != nullptr) call(*self);
  });
}

void Connection::fail(ErrorKind kind, std::string text) {
  const bool has_answered = parser_.has_bytes();
  ConnectionObserver* observer = std::exchange(observer_, nullptr);
  close();
  if (observer != nullptr) observer->on_failure(kind, std::move(text), has_answered);
}

void Connection::close() {
  observer_ = nullptr;
  is_reusable_ = false;
  error_code ignored;
  descriptor_.close(ignored);
}

std::optional<ClientResponse> Connection::abandon() {
  const bool has_head = observer_ != nullptr && parser_.has_head();
  close();
  if (!has_head) return std::nullopt;
  ClientResponse response = parser_.take();
  response.is_truncated = true;
  return response;
}

// ---- connect ----

void Connection::connect(const IpAddress& address, std::uint16_t port, const AddressGate& gate,
                         ConnectionObserver& observer) {
  FANFARE_ASSERT(!descriptor_.is_open());
  observer_ = &observer;
  address_ = socket_address(address, port);
  const OpenedSocket opened = open_judged_socket(address_, gate);
  if (opened.is_denied) {
    return later([](Connection& self) {
      self.fail(ErrorKind::egress_denied, "this destination is not allowed");
    });
  }
  if (opened.fd < 0) {
    return later([error = opened.error](Connection& self) {
      if (is_exhaustion(error)) return std::exchange(self.observer_, nullptr)->on_exhausted();
      ConnectFailure failure = describe_connect_error(error);
      self.fail(failure.kind, std::move(failure.text));
    });
  }
  peer_ = to_string(address, port);
  error_code error;
  descriptor_.assign(opened.fd, error);
  if (error) {
    ::close(opened.fd);
    return later([](Connection& self) {
      self.fail(ErrorKind::connect_failed, "the connection could not be watched");
    });
  }
  if (!opened.is_pending) return later([](Connection& self) { self.finish_connect(); });
  when(Descriptor::wait_write, &Connection::finish_connect);
}

void Connection::finish_connect() {
  if (observer_ == nullptr) return;
  if (const int error = verify_connected(descriptor_.native_handle(), address_); error != 0) {
    peer_.clear();
    ConnectFailure failure = describe_connect_error(error);
    return fail(failure.kind, std::move(failure.text));
  }
  observer_->on_connected();
}

// ---- TLS ----

void Connection::start_tls(const TlsClient& tls, TlsPeer peer) {
  FANFARE_ASSERT(descriptor_.is_open() && !tls_.is_on() && observer_ != nullptr);
  if (!tls_.start(tls, std::move(peer), descriptor_.native_handle())) {
    return later([](Connection& self) {
      self.fail(ErrorKind::tls, "the TLS handshake could not be started");
    });
  }
  later([](Connection& self) { self.step_handshake(); });
}

void Connection::step_handshake() {
  switch (tls_.handshake()) {
    case TlsChannel::Step::done:
      tls_text_ = tls_.description();
      return observer_->on_secured();
    case TlsChannel::Step::want_read:
      return when(Descriptor::wait_read, &Connection::step_handshake);
    case TlsChannel::Step::want_write:
      return when(Descriptor::wait_write, &Connection::step_handshake);
    default:
      return fail(tls_.failure().kind, tls_.failure().text);
  }
}

// ---- exchange: write ----

void Connection::exchange(std::string_view head, std::string_view body,
                          ConnectionObserver& observer) {
  FANFARE_ASSERT(descriptor_.is_open() && head_.empty() && body_.empty());
  observer_ = &observer;
  is_reusable_ = false;
  parser_.reset();
  if (tls_.is_on()) {
    tls_.refill();
    tls_request_.assign(head).append(body);
    head_ = tls_request_;
  } else {
    head_ = head;
    body_ = body;
  }
  write_some();
  if (!waits_to_read_) {
    waits_to_read_ = true;
    when(Descriptor::wait_read, &Connection::read_some);
  }
}

// A failure to write is not reported: the receiver may have answered before it closed, so the
// reading side tells.
void Connection::write_some() {
  while (!head_.empty() || !body_.empty()) {
    const Moved moved = tls_.is_on() ? write_tls() : write_plain();
    if (moved == Moved::blocked) return when(Descriptor::wait_write, &Connection::write_some);
    if (moved != Moved::some) return;
  }
}

Connection::Moved Connection::write_plain() {
  std::array<iovec, 2> parts{iovec{const_cast<char*>(head_.data()), head_.size()},
                             iovec{const_cast<char*>(body_.data()), body_.size()}};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  const ssize_t sent = ::sendmsg(descriptor_.native_handle(), &message, MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN || errno == EINTR ? Moved::blocked : Moved::failed;
  const auto of_head = std::min(static_cast<std::size_t>(sent), head_.size());
  head_.remove_prefix(of_head);
  body_.remove_prefix(static_cast<std::size_t>(sent) - of_head);
  return Moved::some;
}

Connection::Moved Connection::write_tls() {
  std::size_t count = 0;
  switch (tls_.write(head_, count)) {
    case TlsChannel::Step::done:
      head_.remove_prefix(count);
      return Moved::some;
    case TlsChannel::Step::want_write:
      return Moved::blocked;
    default:
      return Moved::failed;
  }
}

// ---- exchange: read ----

Connection::Moved Connection::read_once(std::size_t& count) {
  const std::span<char> buffer = scratch();
  if (!tls_.is_on()) {
    const ssize_t got = ::recv(descriptor_.native_handle(), buffer.data(), buffer.size(), 0);
    if (got == 0) return Moved::ended;
    if (got < 0) return errno == EAGAIN || errno == EINTR ? Moved::blocked : Moved::failed;
    count = static_cast<std::size_t>(got);
    return Moved::some;
  }
  switch (tls_.read(buffer.data(), buffer.size(), count)) {
    case TlsChannel::Step::done:
      return Moved::some;
    case TlsChannel::Step::want_read:
    case TlsChannel::Step::want_write:
      return Moved::blocked;
    case TlsChannel::Step::closed:
      return Moved::ended;
    default:
      return Moved::failed;
  }
}

void Connection::read_some() {
  waits_to_read_ = false;
  if (observer_ == nullptr) return;
  // Ends: every turn takes bytes, and the parser stops at limits::kResponseWireBytesMax of them.
  while (true) {
    std::size_t count = 0;
    const Moved moved = read_once(count);
    if (moved == Moved::blocked) break;
    if (moved != Moved::some) {
      if (!parser_.has_head()) return lose(moved);
      take(parser_.finish());
      return;
    }
    if (!parser_.has_bytes()) observer_->on_first_byte();
    if (take(parser_.feed({scratch().data(), count}))) return;
    // A read that did not fill the buffer has emptied the socket; OpenSSL may hold more records.
    if (!tls_.is_on() && count < scratch().size()) break;
  }
  waits_to_read_ = true;
  when(Descriptor::wait_read, &Connection::read_some);
}

// The connection ended before a whole head had come.
void Connection::lose(Moved how) {
  if (tls_.is_on() && !has_answered_ && !parser_.has_bytes() && tls_.wanted_client_certificate()) {
    return fail(ErrorKind::tls, std::string(kNoClientCertificate));
  }
  const std::string what = how == Moved::ended ? "the receiver closed the connection"
                                               : "the receiver broke off the connection";
  if (!parser_.has_bytes()) return fail(ErrorKind::connection_lost, what + " without an answer");
  if (parser_.is_between_heads()) {
    return fail(ErrorKind::connection_lost, what + " after interim answers (1xx) only");
  }
  fail(ErrorKind::connection_lost, what + " in the middle of its answer's head");
}

// True if the exchange is over.
bool Connection::take(ResponseParser::State state) {
  if (state == ResponseParser::State::more) return false;
  if (state == ResponseParser::State::failed) {
    fail(ErrorKind::bad_response, std::string(parser_.failure()));
    return true;
  }
  // An answer that came before the request was sent whole leaves a connection whose state nobody
  // knows.
  const bool is_sent = head_.empty() && body_.empty();
  has_answered_ = true;
  ConnectionObserver* observer = std::exchange(observer_, nullptr);
  if (parser_.is_reusable() && is_sent) {
    is_reusable_ = true;
  } else {
    close();
  }
  head_ = body_ = {};
  observer->on_response(parser_.take());
  return true;
}

bool Connection::is_quiet() {
  if (!descriptor_.is_open()) return false;
  if (!tls_.is_on()) {
    char byte = 0;
    const ssize_t got = ::recv(descriptor_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    return got < 0 && errno == EAGAIN;
  }
  // Tickets may come late and are no answer; reading takes them in and finds nothing.
  std::size_t count = 0;
  return read_once(count) == Moved::blocked && !tls_.has_buffered();
}

}  // namespace

std::shared_ptr<ClientConnection> ClientConnection::create(Reactor& reactor) {
  return std::make_shared<Connection>(reactor.impl().io);
}

}  // namespace fanfare::net
