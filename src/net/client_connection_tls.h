// The TLS side of one client connection: OpenSSL over a non-blocking socket through a transport of
// our own, because OpenSSL's socket transport raises SIGPIPE and does not count. Loop thread only;
// used by client_connection.cc.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "net/tls_client.h"

namespace fanfare::net {

class TlsChannel {
 public:
  enum class Step { done, want_read, want_write, closed, failed };

  // A receiver that floods records which carry no data (key updates, tickets, a chain of
  // certificates without end) runs out of this many raw bytes; refilled for each exchange.
  static constexpr std::size_t kRawBytesMax = 256 * 1024;

  TlsChannel() = default;
  TlsChannel(const TlsChannel&) = delete;
  TlsChannel& operator=(const TlsChannel&) = delete;

  // False if memory ran out.
  bool start(const TlsClient& tls, TlsPeer peer, int fd);
  bool is_on() const { return ssl_ != nullptr; }
  void refill() { raw_bytes_left_ = kRawBytesMax; }

  Step handshake();
  // `count` is how many bytes were moved when the step is `done`.
  Step read(char* out, std::size_t size, std::size_t& count);
  Step write(std::string_view bytes, std::size_t& count);
  bool has_buffered() const;

  // After `failed` in the handshake.
  const TlsFailure& failure() const { return failure_; }
  bool wanted_client_certificate() const { return net::wanted_client_certificate(ssl_.get()); }
  std::string description() const { return describe_tls(ssl_.get()); }

 private:
  friend struct Transport;
  Step step_of(int result);

  int fd_ = -1;
  std::size_t raw_bytes_left_ = kRawBytesMax;
  TlsPeer peer_;
  TlsFailure failure_;
  SslHandle ssl_;  // last: it points to the rest
};

}  // namespace fanfare::net
