// The HTTP/1.1 server: connections, keep-alive, limits and timeouts of base/limits.h. Requests are
// parsed by llhttp in strict mode, and our own check runs over every raw head (net/head_check.h);
// whatever either refuses is answered with a problem and the connection is closed. One request at a
// time on a connection; what follows waits.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/function.h"
#include "base/limits.h"
#include "base/result.h"
#include "domain/outcome.h"
#include "net/reactor.h"

namespace fanfare::net {

struct HttpRequest {
  std::string method;  // HEAD comes as GET: its answer is written without the body
  std::string path;    // before '?', as sent
  std::string query;   // after '?', as sent
  HeaderList headers;
  std::string body;
  std::string peer_ip;

  // The first value of a header by name in any case; none if absent.
  std::optional<std::string_view> header(std::string_view name) const;
};

struct HttpResponse {
  int status = 200;
  HeaderList headers;  // Content-Length, Date and Connection are the server's own
  std::string body;
};

// Sends the answer of one request; called exactly once, on the loop's thread, possibly long after.
// Dropping it uncalled answers 500. A connection that has gone away swallows it.
using Responder = UniqueFunction<void(HttpResponse)>;

// What the application decides once a head is complete and before any body is read.
struct HeadVerdict {
  std::size_t body_bytes_max = 0;
  // Sent at once; the body is not read and the connection closes if one was coming.
  std::optional<HttpResponse> refusal;
};

// Loop thread only.
class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  // `request` has no body yet. "100 Continue" is sent only after this allows the body.
  virtual HeadVerdict on_head(const HttpRequest& request) = 0;
  virtual void on_request(HttpRequest request, Responder respond) = 0;
  // Makes the answer to a request that the server itself refuses: 400, 408, 413, 414, 417, 431,
  // 500, 501, 505.
  virtual HttpResponse on_refused(int status, std::string_view detail) = 0;
};

// How much and how long; the defaults are the server's, tests turn them down.
struct ServerLimits {
  Millis head_timeout = limits::kRequestHeadTimeout;  // from its first byte: 408
  Millis body_timeout =
      limits::kRequestBodyTimeout;  // more for what has come at the rate below: 408
  std::size_t body_bytes_per_second_min = limits::kRequestBodyBytesPerSecondMin;
  Millis keep_alive_idle = limits::kKeepAliveIdle;  // closed without a word
  Millis write_stall = limits::kWriteStall;
  // A refused client may still be sending, and most read nothing until they have sent it all;
  // closing at once would reset the connection under the answer. What comes is thrown away.
  Millis linger{1000};
  std::size_t linger_bytes_max = limits::kBatchBodyBytesMax + 1024 * 1024;
  std::size_t connections_per_ip_max = limits::kConnectionsPerIpMax;  // beyond: closed at once
  Millis accept_pause{100};  // after running out of descriptors
};

struct ListenOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                // 0 = any free one
  std::size_t connections_max = 10'000;  // beyond: accepting waits; it never spins
  ServerLimits limits = {};
};

// Loop thread only, but for listen(), join() and the destructor, which run while the loop does not.
class HttpServer {
 public:
  // The only listener of its address and port. Errc::unavailable says why not, such as that another
  // process has it.
  static Result<std::unique_ptr<HttpServer>> listen(Reactor& reactor, const ListenOptions& options,
                                                    HttpHandler& handler);
  // One more server of this process, on another reactor, with the port and the options of `first`,
  // which gets its share of the connections. Either may end before the other.
  static Result<std::unique_ptr<HttpServer>> join(const HttpServer& first, Reactor& reactor,
                                                  HttpHandler& handler);
  ~HttpServer();

  std::uint16_t port() const;
  // Stops accepting, closes idle connections, answers what is under way with `Connection: close`,
  // then calls `done`.
  void drain(UniqueFunction<void()> done);
  std::size_t open_connections() const;

 private:
  struct Impl;
  explicit HttpServer(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace fanfare::net
