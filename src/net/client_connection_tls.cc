#include "net/client_connection_tls.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <sys/socket.h>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace fanfare::net {

// A BIO over the channel's socket.
struct Transport {
  static TlsChannel& channel_of(BIO* bio) { return *static_cast<TlsChannel*>(BIO_get_data(bio)); }

  static int write(BIO* bio, const char* bytes, int size) {
    BIO_clear_retry_flags(bio);
    const ssize_t sent =
        ::send(channel_of(bio).fd_, bytes, static_cast<std::size_t>(size), MSG_NOSIGNAL);
    if (sent < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
    return static_cast<int>(sent);
  }

  static int read(BIO* bio, char* out, int size) {
    TlsChannel& channel = channel_of(bio);
    BIO_clear_retry_flags(bio);
    const auto wanted = std::min(static_cast<std::size_t>(size), channel.raw_bytes_left_);
    if (wanted == 0) return -1;
    const ssize_t got = ::recv(channel.fd_, out, wanted, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
    if (got > 0) channel.raw_bytes_left_ -= static_cast<std::size_t>(got);
    return static_cast<int>(got);
  }

  static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
    return command == BIO_CTRL_FLUSH ? 1 : 0;
  }

  static const BIO_METHOD* method() {
    struct Deleter {
      void operator()(BIO_METHOD* made) const { BIO_meth_free(made); }
    };
    static const std::unique_ptr<BIO_METHOD, Deleter> made = [] {
      std::unique_ptr<BIO_METHOD, Deleter> method(
          BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "fanfare socket"));
      BIO_meth_set_write(method.get(), write);
      BIO_meth_set_read(method.get(), read);
      BIO_meth_set_ctrl(method.get(), control);
      return method;
    }();
    return made.get();
  }
};

bool TlsChannel::start(const TlsClient& tls, TlsPeer peer, int fd) {
  fd_ = fd;
  peer_ = std::move(peer);
  refill();
  BIO* bio = BIO_new(Transport::method());
  if (bio == nullptr) return false;
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  ssl_ = tls.start(peer_, bio);
  return ssl_ != nullptr;
}

TlsChannel::Step TlsChannel::step_of(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return Step::want_read;
    case SSL_ERROR_WANT_WRITE:
      return Step::want_write;
    case SSL_ERROR_ZERO_RETURN:
      return Step::closed;
    default:
      return Step::failed;
  }
}

TlsChannel::Step TlsChannel::handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result == 1) return Step::done;
  const Step step = step_of(result);
  if (step == Step::want_read || step == Step::want_write) return step;
  failure_ = describe_tls_failure(ssl_.get(), SSL_get_error(ssl_.get(), result));
  return Step::failed;
}

TlsChannel::Step TlsChannel::read(char* out, std::size_t size, std::size_t& count) {
  ERR_clear_error();
  const int result = SSL_read_ex(ssl_.get(), out, size, &count);
  return result == 1 ? Step::done : step_of(result);
}

TlsChannel::Step TlsChannel::write(std::string_view bytes, std::size_t& count) {
  ERR_clear_error();
  const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &count);
  return result == 1 ? Step::done : step_of(result);
}

bool TlsChannel::has_buffered() const {
  return SSL_has_pending(ssl_.get()) == 1;
}

}  // namespace fanfare::net
