#include "egress/pool.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"

namespace fanfare {

// The connections of one key. It lives while it has any, in use or not, so that the steady state
// allocates nothing.
struct ConnectionPool::Bucket {
  std::string host;
  PoolKey key;
  std::vector<Lease> idle;  // longest idle first
  std::size_t members = 0;
};

std::size_t ConnectionPool::KeyHash::operator()(const PoolKey& key) const {
  std::size_t hash = std::hash<Uuid>{}(key.webhook.value);
  const auto mix = [&](std::uint64_t part) { hash = (hash ^ part) * 0x9E3779B97F4A7C15ULL; };
  mix(static_cast<std::uint64_t>(key.webhook_version));
  mix(key.port);
  for (const std::uint8_t byte : key.address.bytes) mix(byte);
  return hash ^ (hash >> 32);
}

std::string text_of(const PoolKey& key) {
  std::string text = to_string(key.tenant) + " " + to_string(key.webhook) + " " +
                     std::to_string(key.webhook_version) + (key.is_https ? " s " : " p ");
  text += to_string(key.address) + " " + std::to_string(key.port) + " ";
  return text.append(key.host);
}

ConnectionPool::ConnectionPool(PoolLimits limits) : limits_(limits) {}

ConnectionPool::~ConnectionPool() {
  for (std::list<Entry>* list : {&idle_, &busy_}) {
    for (Entry& entry : *list) entry.connection->close();
  }
}

bool ConnectionPool::may_serve(const Entry& entry, SteadyTime now) const {
  return entry.generation == generation_ && entry.requests < limits_.requests_max &&
         now - entry.opened_at < limits_.age && entry.connection->is_reusable();
}

std::optional<ConnectionPool::Lease> ConnectionPool::take(const PoolKey& key, SteadyTime now) {
  // Looked up anew each time: closing the last connection of a key takes its bucket away.
  for (auto found = buckets_.find(key); found != buckets_.end(); found = buckets_.find(key)) {
    Bucket& bucket = *found->second;
    if (bucket.idle.empty()) return std::nullopt;
    const Lease lease = bucket.idle.back();
    bucket.idle.pop_back();
    const bool is_fresh = now - lease->idle_since < limits_.idle;
    if (is_fresh && may_serve(*lease, now) && lease->connection->is_quiet()) {
      ++lease->requests;
      busy_.splice(busy_.end(), idle_, lease);
      return lease;
    }
    destroy(idle_, lease);
  }
  return std::nullopt;
}

ConnectionPool::Lease ConnectionPool::add(const PoolKey& key,
                                          std::shared_ptr<net::ClientConnection> connection,
                                          SteadyTime now) {
  auto found = buckets_.find(key);
  if (found == buckets_.end()) {
    auto bucket = std::make_unique<Bucket>();
    bucket->host = key.host;
    bucket->key = key;
    bucket->key.host = bucket->host;
    const PoolKey own_key = bucket->key;
    found = buckets_.emplace(own_key, std::move(bucket)).first;
  }
  ++found->second->members;
  busy_.push_back({.connection = std::move(connection),
                   .bucket = found->second.get(),
                   .opened_at = now,
                   .idle_since = now,
                   .generation = generation_});
  return std::prev(busy_.end());
}

void ConnectionPool::give_back(Lease lease, SteadyTime now) {
  if (!may_serve(*lease, now)) return drop(lease);
  if (idle_.size() >= limits_.idle_max) close_oldest();
  lease->idle_since = now;
  lease->bucket->idle.push_back(lease);
  idle_.splice(idle_.end(), busy_, lease);
}

void ConnectionPool::drop(Lease lease) {
  destroy(busy_, lease);
}

void ConnectionPool::destroy(std::list<Entry>& from, Lease lease) {
  lease->connection->close();
  Bucket& bucket = *lease->bucket;
  from.erase(lease);
  FANFARE_ASSERT(bucket.members > 0);
  if (--bucket.members > 0) return;
  const PoolKey key = bucket.key;
  buckets_.erase(buckets_.find(key));
}

void ConnectionPool::close_oldest() {
  if (idle_.empty()) return;
  const Lease oldest = idle_.begin();
  std::vector<Lease>& idle = oldest->bucket->idle;
  FANFARE_ASSERT(!idle.empty() && idle.front() == oldest);
  idle.erase(idle.begin());
  destroy(idle_, oldest);
}

void ConnectionPool::sweep(SteadyTime now) {
  while (!idle_.empty() && now - idle_.front().idle_since >= limits_.idle) close_oldest();
}

void ConnectionPool::clear() {
  ++generation_;
  while (!idle_.empty()) close_oldest();
}

}  // namespace fanfare
