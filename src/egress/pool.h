// Idle connections that the next request of the same webhook may use. A key is everything that must
// be equal: tenant, webhook and its version, scheme, host, port and the very address. So an answer
// that a receiver pushes in advance can reach nobody else, and a changed webhook starts anew.
//
// Bounded in idle time, age, requests of one connection, and idle connections in all (the longest
// idle goes first). Loop thread only. It makes no connections and holds no timers: the owner calls
// sweep() now and then.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "domain/ids.h"
#include "net/client_connection.h"

namespace fanfare {

struct PoolKey {
  TenantId tenant;
  WebhookId webhook;
  std::int64_t webhook_version = 0;
  bool is_https = true;
  std::string_view host;  // empty for a literal
  IpAddress address;
  std::uint16_t port = 0;

  bool operator==(const PoolKey&) const = default;
};
// Equal for equal keys only: names what may be shared elsewhere, such as a TLS session.
std::string text_of(const PoolKey& key);

struct PoolLimits {
  std::size_t idle_max = limits::kPooledConnectionsMax;
  std::size_t requests_max = limits::kPooledRequestsMax;
  Millis idle = limits::kPooledIdle;
  Millis age = limits::kPooledAge;
};

class ConnectionPool {
 public:
  struct Entry;
  using Lease = std::list<Entry>::iterator;

  explicit ConnectionPool(PoolLimits limits = {});
  ~ConnectionPool();
  ConnectionPool(const ConnectionPool&) = delete;
  ConnectionPool& operator=(const ConnectionPool&) = delete;

  // The most recently used idle connection that is still good; those found bad are closed on the
  // way.
  std::optional<Lease> take(const PoolKey& key, SteadyTime now);
  // Registers a fresh connection, in use.
  Lease add(const PoolKey& key, std::shared_ptr<net::ClientConnection> connection, SteadyTime now);
  // Every lease ends in one of these two.
  void give_back(Lease lease, SteadyTime now);  // keeps it if it is reusable and within the limits
  void drop(Lease lease);                       // closes it

  // Closes what has been idle or open for too long.
  void sweep(SteadyTime now);
  // Closes what is idle, and what is in use once it is given back.
  void clear();
  std::size_t idle_count() const { return idle_.size(); }

 private:
  struct Bucket;
  struct KeyHash {
    std::size_t operator()(const PoolKey& key) const;
  };

  bool may_serve(const Entry& entry, SteadyTime now) const;
  void close_oldest();
  void destroy(std::list<Entry>& from, Lease lease);

  PoolLimits limits_;
  std::uint64_t generation_ = 0;
  std::list<Entry> idle_;  // longest idle first
  std::list<Entry> busy_;
  std::unordered_map<PoolKey, std::unique_ptr<Bucket>, KeyHash>
      buckets_;  // views into Bucket::host
};

struct ConnectionPool::Entry {
  std::shared_ptr<net::ClientConnection> connection;
  Bucket* bucket = nullptr;
  SteadyTime opened_at;
  SteadyTime idle_since;
  std::size_t requests = 1;
  std::uint64_t generation = 0;
};

}  // namespace fanfare
