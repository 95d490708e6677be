// What the API needs from outside, and what its handlers on all reactors share. Any thread.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "api/cursor.h"
#include "api/path_aliases.h"
#include "api/router.h"
#include "auth/jwt.h"
#include "base/clock.h"
#include "base/random.h"
#include "domain/health.h"
#include "egress/policy.h"
#include "net/http_server.h"

namespace fanfare {

struct ApiConfig {
  Secret
      admin_key;  // the operator's own admin key, any text of at least 32 characters; empty = none
  Secret
      cursor_key;  // signs list cursors; empty = drawn at start, and cursors end with the process
  EgressPolicy policy;
  JwtKeys jwt_keys = {};  // that bearer tokens may be signed with
  // Reads the file of the master keys again, newest first; none if they come from no file.
  std::function<Result<std::vector<Secret>>()> load_master_keys = {};
  // Told why a token was refused, which the client is not; any thread.
  std::function<void(const std::string& reason)> on_token_refused = {};
  std::vector<Cidr> trusted_proxies = {};  // whose X-Forwarded-For is believed
  bool catalogue_is_open = false;          // event types need not be in the catalogue
  bool auto_create_tenants = false;  // an unknown external_id that an admin names makes its tenant
  bool allows_broadcast = false;     // an admin's event without a tenant is for everybody
  std::shared_ptr<const Profile> profile = std::make_shared<const Profile>();
  // Of the file system that the database is on; not set or none = not known.
  std::function<std::optional<DiskSpace>()> disk_space = nullptr;
  const Clock& clock;
  Random& random;
  // Asked for paths that no route knows (the inboxes of `fanfare dev`). True if it took the request
  // and its responder.
  std::function<bool(net::HttpRequest&, net::Responder&)> extra_routes;
};

// The Idempotency-Keys whose first request is still under way. Across restarts the store decides.
class RunningKeys {
 public:
  // False if it is running already.
  bool start(const std::string& key);
  void finish(const std::string& key);
  std::size_t size() const;

 private:
  mutable std::mutex mu_;
  std::unordered_set<std::string> keys_;
};

// How many refused requests go into the audit log: anybody can make them, and none may fill the
// disk.
class RefusalBudget {
 public:
  // None if this minute has had its share. Else how many were left out since the last one that was
  // recorded.
  std::optional<std::size_t> take(Timestamp now);

 private:
  std::mutex mu_;
  Timestamp minute_{};
  std::size_t recorded_ = 0;
  std::size_t left_out_ = 0;
};

class ApiShared {
 public:
  explicit ApiShared(ApiConfig from);

  const ApiConfig config;
  const std::string admin_digest;  // SHA-256 of the admin key; empty = none
  const CursorSigner cursors;
  const Profile& profile;  // of the config
  const Router router;
  const PathAliases paths;
  const std::shared_ptr<RunningKeys> running = std::make_shared<RunningKeys>();
  RefusalBudget refusals;
};

}  // namespace fanfare
