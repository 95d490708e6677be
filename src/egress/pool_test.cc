#include "egress/pool.h"

#include <memory>
#include <string>
#include <utility>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

class FakeConnection final : public net::ClientConnection {
 public:
  void connect(const IpAddress&, std::uint16_t, const net::AddressGate&,
               net::ConnectionObserver&) override {}
  void start_tls(const net::TlsClient&, net::TlsPeer) override {}
  void exchange(std::string_view, std::string_view, net::ConnectionObserver&) override {}
  bool is_reusable() const override { return !is_closed && can_reuse; }
  bool is_quiet() override { return quiet; }
  void close() override { is_closed = true; }
  std::optional<net::ClientResponse> abandon() override { return std::nullopt; }
  const std::string& peer() const override { return text_; }
  const std::string& tls() const override { return text_; }
  bool is_closed = false;
  bool can_reuse = true;
  bool quiet = true;

 private:
  std::string text_;
};

constexpr SteadyTime kStart{};

PoolKey key(std::uint8_t webhook = 1) {
  PoolKey made;
  made.webhook.value.bytes[0] = webhook;
  made.host = "example.com";
  made.port = 443;
  return made;
}

// Adds a connection and parks it at once.
std::shared_ptr<FakeConnection> park(ConnectionPool& pool, const PoolKey& at, SteadyTime now) {
  auto connection = std::make_shared<FakeConnection>();
  pool.give_back(pool.add(at, connection, now), now);
  return connection;
}

TEST(ConnectionPool, GivesTheMostRecentlyUsedFirst) {
  ConnectionPool pool;
  const auto first = park(pool, key(), kStart);
  const auto second = std::make_shared<FakeConnection>();
  const auto lease = pool.add(key(), second, kStart);
  pool.give_back(lease, kStart + Millis{1});

  EXPECT_EQ((*pool.take(key(), kStart + Millis{2}))->connection, second);
  EXPECT_EQ((*pool.take(key(), kStart + Millis{2}))->connection, first);
  EXPECT_FALSE(pool.take(key(), kStart + Millis{2}));
}

TEST(ConnectionPool, EveryPartOfTheKeyCounts) {
  ConnectionPool pool;
  park(pool, key(), kStart);
  PoolKey tenant = key();
  tenant.tenant.value.bytes[1] = 1;
  PoolKey version = key();
  version.webhook_version = 1;
  PoolKey scheme = key();
  scheme.is_https = false;
  PoolKey host = key();
  host.host = "example.org";
  PoolKey port = key();
  port.port = 444;
  PoolKey address = key();
  address.address.bytes[0] = 1;

  for (const PoolKey& other : {key(2), tenant, version, scheme, host, port, address}) {
    EXPECT_FALSE(pool.take(other, kStart));
    EXPECT_NE(text_of(other), text_of(key()));
  }
  EXPECT_TRUE(pool.take(key(), kStart));
}

TEST(ConnectionPool, ConnectionThatIsNotQuietIsClosedAndPassedOver) {
  ConnectionPool pool;
  const auto good = park(pool, key(), kStart);
  const auto noisy = park(pool, key(), kStart);
  noisy->quiet = false;

  EXPECT_EQ((*pool.take(key(), kStart))->connection, good);
  EXPECT_TRUE(noisy->is_closed);
}

TEST(ConnectionPool, IdleTimeAgeAndRequestsAreBounded) {
  ConnectionPool pool({.idle_max = 10, .requests_max = 3, .idle = Millis{100}, .age = Millis{250}});
  const auto stale = park(pool, key(1), kStart);
  EXPECT_FALSE(pool.take(key(1), kStart + Millis{100}));
  EXPECT_TRUE(stale->is_closed);

  const auto old = park(pool, key(2), kStart);
  pool.give_back(*pool.take(key(2), kStart + Millis{90}), kStart + Millis{180});
  EXPECT_FALSE(pool.take(key(2), kStart + Millis{250}));
  EXPECT_TRUE(old->is_closed);

  const auto busy = park(pool, key(3), kStart);
  pool.give_back(*pool.take(key(3), kStart), kStart);
  pool.give_back(*pool.take(key(3), kStart), kStart);
  EXPECT_TRUE(busy->is_closed) << "that was its third request";
}

TEST(ConnectionPool, LongestIdleGoesWhenThePoolIsFull) {
  ConnectionPool pool({.idle_max = 2});
  const auto first = park(pool, key(1), kStart);
  const auto second = park(pool, key(2), kStart + Millis{1});

  park(pool, key(3), kStart + Millis{2});

  EXPECT_TRUE(first->is_closed);
  EXPECT_FALSE(second->is_closed);
  EXPECT_EQ(pool.idle_count(), 2U);
}

TEST(ConnectionPool, SweepClosesWhatHasBeenIdleTooLong) {
  ConnectionPool pool({.idle = Millis{100}});
  const auto old = park(pool, key(1), kStart);
  const auto young = park(pool, key(2), kStart + Millis{50});

  pool.sweep(kStart + Millis{120});

  EXPECT_TRUE(old->is_closed);
  EXPECT_FALSE(young->is_closed);
}

TEST(ConnectionPool, ClearClosesBusyConnectionsOnceTheyComeBack) {
  ConnectionPool pool;
  const auto idle = park(pool, key(), kStart);
  const auto busy = std::make_shared<FakeConnection>();
  const auto lease = pool.add(key(), busy, kStart);

  pool.clear();
  EXPECT_TRUE(idle->is_closed);
  EXPECT_FALSE(busy->is_closed);
  pool.give_back(lease, kStart);

  EXPECT_TRUE(busy->is_closed);
  EXPECT_EQ(pool.idle_count(), 0U);
}

}  // namespace
}  // namespace fanfare
