// One connection to one address that the gate allowed, plain or TLS, and one HTTP/1.1 exchange on
// it at a time. It has no timers: whoever runs the exchange holds the deadline and calls close().
// Loop thread only.
//
// The steps are connect, start_tls (https only), exchange, and again exchange while `is_reusable`
// and `is_quiet` say so. Each ends in one call to the observer, never from inside the call that
// began it. After a failure or close() the connection is dead and the observer hears no more.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "domain/outcome.h"
#include "net/client_response.h"
#include "net/client_socket.h"
#include "net/reactor.h"
#include "net/tls_client.h"

namespace fanfare::net {

class ConnectionObserver {
 public:
  virtual ~ConnectionObserver() = default;
  virtual void on_connected() = 0;
  virtual void on_secured() = 0;
  virtual void on_first_byte() = 0;
  // A whole head and as much of the body as is kept.
  virtual void on_response(ClientResponse response) = 0;
  // egress_denied, connect_refused, connect_failed, connect_timeout, tls, connection_lost or
  // bad_response. `has_answered`: at least one byte of the answer had come.
  virtual void on_failure(ErrorKind kind, std::string text, bool has_answered) = 0;
  // Instead of on_failure: this process has no descriptor or buffer left to connect with, which is
  // not the receiver's doing and passes.
  virtual void on_exhausted() = 0;
};

class ClientConnection {
 public:
  static std::shared_ptr<ClientConnection> create(Reactor& reactor);
  virtual ~ClientConnection() = default;

  virtual void connect(const IpAddress& address, std::uint16_t port, const AddressGate& gate,
                       ConnectionObserver& observer) = 0;
  virtual void start_tls(const TlsClient& tls, TlsPeer peer) = 0;
  // Sends `head` and `body` in one go; both must stay where they are until the exchange is over.
  virtual void exchange(std::string_view head, std::string_view body,
                        ConnectionObserver& observer) = 0;
  // After on_response: the next request may use this connection.
  virtual bool is_reusable() const = 0;
  // Nothing has come while it was idle. What comes unasked (the end, or an answer to nothing) makes
  // it unusable.
  virtual bool is_quiet() = 0;
  virtual void close() = 0;
  // Closes; the answer as far as it came if its whole head had come, for the status line decides.
  virtual std::optional<ClientResponse> abandon() = 0;

  virtual const std::string& peer() const = 0;  // "203.0.113.9:443"
  virtual const std::string& tls() const = 0;   // "TLSv1.3 …", empty without TLS
};

}  // namespace fanfare::net
