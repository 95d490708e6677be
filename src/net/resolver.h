// Names to addresses. `Resolver` is the door; `DnsResolver` is the real one: c-ares over hosts file
// and DNS, no search list, A and AAAA both asked. It says what DNS says and judges nothing: the
// caller judges every answer, every time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/function.h"
#include "base/result.h"
#include "domain/ids.h"
#include "net/ip_address.h"
#include "net/reactor.h"

namespace fanfare::net {

struct Resolution {
  enum class Status {
    found,
    not_found,   // no such name
    no_address,  // none of its records is an address
    failed,      // name servers refuse, fail or cannot be reached
    timed_out,
    too_many,    // more than limits::kDnsAnswersMax addresses
    overloaded,  // the tenant has too many look-ups waiting
  };
  Status status = Status::failed;
  std::vector<IpAddress> addresses;  // IPv4 first; not empty exactly when found
};

// What a look-up that found nothing came to, as the rest of a sentence: "the host name …".
std::string_view describe(Resolution::Status status);

// Loop thread only.
class Resolver {
 public:
  using Done = UniqueFunction<void(const Resolution&)>;

  virtual ~Resolver() = default;
  // `done` is called exactly once, possibly before this returns (an answer still in the cache).
  virtual void resolve(const std::string& name, const TenantId& tenant, Done done) = 0;
};

struct DnsOptions {
  // For tests: "127.0.0.1:5353,…" instead of /etc/resolv.conf.
  std::string servers;
  Millis timeout;  // for one name, all queries together; the default is limits::kDnsTimeout
  DnsOptions();
};

// One for each reactor. What several callers ask at the same time is asked once. Answers are kept
// for their TTL, 60 s at most; failures for 5 s. Every tenant has 8 look-ups in flight at most, so
// that a dead name server of one does not hold up the others; further ones wait.
class DnsResolver final : public Resolver {
 public:
  // Errc::internal if c-ares cannot be set up.
  static Result<std::unique_ptr<DnsResolver>> create(Reactor& reactor, DnsOptions options = {});
  ~DnsResolver() override;  // calls nobody who still waits

  void resolve(const std::string& name, const TenantId& tenant, Done done) override;
  // Reads hosts file and resolv.conf anew for the look-ups that follow, and forgets the cache.
  Result<void> reload();

  // How many names were asked of c-ares so far.
  std::uint64_t queries_made() const;
  // Sockets in memory, those included that are closed and still waited for.
  std::size_t sockets_watched() const;

 private:
  struct Impl;
  explicit DnsResolver(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace fanfare::net
