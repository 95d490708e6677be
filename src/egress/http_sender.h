// The sender in production. An attempt reads the URL, looks the name up, judges every answer, takes
// a pooled connection or opens one to an address that is judged once more as it goes to connect(2),
// and makes one exchange within one deadline. It never follows a redirect and knows no proxy.
//
// Loop thread only; constructed and destroyed there or while the loop does not run. What it is
// given must outlive it.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "egress/policy.h"
#include "egress/pool.h"
#include "egress/sender.h"
#include "net/client_connection.h"
#include "net/reactor.h"
#include "net/resolver.h"
#include "net/tls_client.h"

namespace fanfare {

struct HttpSenderOptions {
  PoolLimits pool = {};
  Millis connect_timeout = limits::kConnectTimeout;  // every address tried, together
  Millis tls_timeout = limits::kTlsTimeout;
  Millis dns_timeout = limits::kDnsTimeout;
  Millis exhausted_wait{1000};  // until the next try when this process has no descriptor left
};

class HttpSender final : public Sender, private net::AddressGate {
 public:
  HttpSender(net::Reactor& reactor, net::Resolver& resolver, const net::TlsClient& tls,
             EgressPolicy policy, HttpSenderOptions options = {});
  ~HttpSender() override;  // drops what is in flight without a word; abort_all() first

  void send(SendRequest request, Done done) override;
  void abort_all() override;

  // From the next request on; idle connections made under the old policy are closed.
  void set_policy(EgressPolicy policy);
  std::size_t in_flight() const { return attempts_.size(); }
  std::size_t idle_connections() const { return pool_.idle_count(); }

 private:
  class Attempt;

  bool may_connect(const IpAddress& address) const override;
  // The URL read and its port judged; null if it may not be reached. Valid until the next call.
  const Target* target_of(const std::string& url);
  void give_back(ConnectionPool::Lease lease);
  void sweep_later();
  void remove(Attempt& attempt);

  net::Reactor& reactor_;
  net::Resolver& resolver_;
  const net::TlsClient& tls_;
  EgressPolicy policy_;
  const HttpSenderOptions options_;
  ConnectionPool pool_;
  net::TlsSessions tls_sessions_;
  std::unordered_map<std::string, Target> targets_;  // by URL
  std::vector<std::shared_ptr<Attempt>> attempts_;   // each knows its place
  Loop::TimerId sweep_timer_ = 0;
};

}  // namespace fanfare
