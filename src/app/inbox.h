// Inbox: the small receiver inside `fanfare dev`. It takes what is POSTed to /inbox/…, verifies its
// signature as a real receiver would, and prints a line for each request. Runs on the server's own
// reactors.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "delivery/directory.h"
#include "net/http_server.h"

namespace fanfare {

class Inbox {
 public:
  using Print = std::function<void(const std::string& line)>;

  // `print` from any reactor's thread, one line at a time.
  Inbox(const Clock& clock, Print print) : clock_(clock), print_(std::move(print)) {}

  // Where the secrets are found: the webhook whose URL ends in the request's path. Set before the
  // first request matters.
  void verify_with(const Directory& directory, TenantId tenant);

  // Takes POST /inbox/{name}; /inbox/flaky fails every third time. False for any other path.
  bool take(net::HttpRequest& request, net::Responder& respond);

 private:
  std::string check(const net::HttpRequest& request) const;

  const Clock& clock_;
  const Print print_;
  mutable std::mutex mu_;  // everything below
  const Directory* directory_ = nullptr;
  TenantId tenant_;
  int flaky_requests_ = 0;
};

}  // namespace fanfare
