// Sender: the one way out for delivery-class HTTP. Resolves, judges every address, connects to the
// address it judged, sends one request over a pooled connection, and reads the answer within the
// limits of base/limits.h. One for each reactor; loop thread only.
#pragma once

#include <cstdint>
#include <string>

#include "base/function.h"
#include "domain/ids.h"
#include "domain/outcome.h"

namespace fanfare {

struct SendRequest {
  // The pool key: connections are never shared between webhooks, versions of one, or tenants.
  TenantId tenant;
  WebhookId webhook;
  std::int64_t webhook_version = 0;
  std::string url;
  // Everything but Host and Content-Length, which the sender writes. Custom headers first, ours
  // last.
  HeaderList headers;
  std::string body;
  Millis timeout{0};  // one deadline from DNS to the last byte
};

class Sender {
 public:
  using Done = UniqueFunction<void(HttpOutcome)>;

  virtual ~Sender() = default;
  // Sends one POST. `done` is called exactly once, later, on the loop's thread, also when refused.
  virtual void send(SendRequest request, Done done) = 0;
  // Ends every request in flight with ErrorKind::shutdown, each through its own `done`.
  virtual void abort_all() = 0;
};

}  // namespace fanfare
