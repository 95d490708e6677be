// What every TLS connection to a receiver has in common: one OpenSSL context with the system's
// roots or those of one file, TLS 1.2 or newer, the peer always verified. There is no switch that
// turns verification off.
//
// TlsClient may be used by any thread; reload() swaps the context and leaves connections on the one
// they began with. TlsSessions belongs to one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "domain/outcome.h"
#include "net/ip_address.h"

using SSL = struct ssl_st;
using SSL_CTX = struct ssl_ctx_st;
using BIO = struct bio_st;

namespace fanfare::net {

// Sessions to resume, as serialised bytes so that their cost is known. A key names who may share
// one: the same as in the connection pool, so a ticket never ties two webhooks together. Beyond the
// budget the least recently stored goes.
class TlsSessions {
 public:
  explicit TlsSessions(std::size_t bytes_max = 8 * 1024 * 1024) : bytes_max_(bytes_max) {}

  void store(std::string_view key, std::string session);
  std::string_view find(std::string_view key) const;  // empty if there is none
  void clear();
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::string session;
  };
  void erase(std::list<Entry>::iterator entry);

  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;                                                 // oldest first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  // views into entries_
};

// Whom a connection must turn out to reach, and where its session is kept.
struct TlsPeer {
  std::string host;             // SNI and certificate name; empty for a literal
  std::optional<IpAddress> ip;  // a literal: no SNI, an IP entry in the certificate
  TlsSessions* sessions = nullptr;
  std::string session_key;
};

struct TlsOptions {
  std::string ca_file;  // PEM; the only roots if given, instead of the system's
};

struct SslDeleter {
  void operator()(SSL* ssl) const;
};
using SslHandle = std::unique_ptr<SSL, SslDeleter>;

class TlsClient {
 public:
  // Errc::invalid if the CA file cannot be read.
  static Result<std::unique_ptr<TlsClient>> create(TlsOptions options);
  ~TlsClient();

  // Reads the roots again; keeps the old ones if that fails. Sessions of before are not resumed.
  Result<void> reload();

  // A client session that will accept `peer` and nobody else, over `transport` (taken over). `peer`
  // must outlive it. Null if memory ran out.
  SslHandle start(const TlsPeer& peer, BIO* transport) const;

 private:
  explicit TlsClient(TlsOptions options) : options_(std::move(options)) {}

  const TlsOptions options_;
  mutable std::mutex mutex_;
  SSL_CTX* context_ = nullptr;     // guarded by mutex_
  std::uintptr_t generation_ = 0;  // of context_; guarded by mutex_
};

struct TlsFailure {
  ErrorKind kind = ErrorKind::tls;  // or tls_certificate
  std::string text;
};
// Why a handshake failed, for the person who looks after the receiver. Clears the thread's error
// queue.
TlsFailure describe_tls_failure(const SSL* ssl, int ssl_error);
// The receiver asked for a client certificate, and got none. With TLS 1.3 it says only after the
// handshake whether it can do without.
bool wanted_client_certificate(const SSL* ssl);
inline constexpr std::string_view kNoClientCertificate =
    "the receiver asked for a client certificate and hung up without one";
// "TLSv1.3 TLS_AES_256_GCM_SHA384".
std::string describe_tls(const SSL* ssl);

}  // namespace fanfare::net
