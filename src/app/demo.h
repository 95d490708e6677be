// The demo of `fanfare dev`: one tenant with three webhooks (one works, one is flaky, one is down),
// a few event types, a key, and a first event. Made once and found again at the next start.
#pragma once

#include <string>

#include "app/server.h"

namespace fanfare {

struct Demo {
  TenantId tenant;
  Secret api_key;  // new at each start; the one before is revoked
  std::string key_prefix;
  std::string works_url, flaky_url, down_url;
  EventId first_event;
  int first_event_deliveries = 0;
};

inline constexpr const char* kDemoEventType = "order.placed";

// Blocks; the server runs. `base_url` such as http://127.0.0.1:8080, where the inbox answers.
class DemoMaker {
 public:
  DemoMaker(Server& server, std::string base_url)
      : server_(server), base_url_(std::move(base_url)) {}

  // The tenant, so that the inbox can verify before the first event is sent.
  Result<TenantId> make_tenant();
  Result<Demo> make(TenantId tenant);

 private:
  Result<void> make_event_types();
  Result<Secret> make_api_key(TenantId tenant, std::string& prefix);
  Result<void> make_webhook(TenantId tenant, const std::string& name, const std::string& url);
  Result<Published> publish(TenantId tenant);
  template <class IdType>
  IdType new_id();

  Server& server_;
  const std::string base_url_;
};

}  // namespace fanfare
