// `fanfare serve`: runs the server until a signal ends it.
#include <algorithm>
#include <iostream>

#include "app/jwt_keys.h"
#include "app/profile_option.h"
#include "app/server.h"
#include "cli/console.h"
#include "cli/server_process.h"
#include "cli/server_url.h"
#include "cli/verb.h"

namespace fanfare {
namespace {

// A first start without a key runs, but there is no way in.
void warn_if_nobody_can_log_in(Server& server, const Config& config, Log& log) {
  const Timestamp now = server.clock().wall_now();
  const auto keys = server.engine().directory().api_keys(std::nullopt);
  const bool has_key = std::any_of(keys.begin(), keys.end(), [now](const auto& key) {
    return !key->revoked_at && (!key->expires_at || now < *key->expires_at);
  });
  const bool has_tokens = !config.jwt_keys_file.empty() || !config.jwt_secret.empty();
  if (has_key || has_tokens || !config.admin_key.empty()) return;
  log.write(LogLevel::warning,
            "nobody can log in, because there is no API key: set FANFARE_ADMIN_KEY or "
            "--admin-key-file and start again");
}

class ServeVerb final : public Verb {
 public:
  const char* name() const override { return "serve"; }
  const char* summary() const override { return "Run the server."; }
  int run(const Config& config, const ConfigSources&) override {
    auto profile = profile_of(config);
    if (!profile) return complain_of_use(profile.error());
    if (const auto keys = jwt_keys_of(config, jwt_rules_of((*profile)->jwt)); !keys)
      return complain_of_use(keys.error());
    const SystemClock clock;
    ServerLog log(config, clock);
    const sigset_t signals = block_signals();
    Result<std::unique_ptr<Server>> server =
        Server::start(config, *std::move(profile), log.log(), {});
    if (!server) return complain(server.error());
    warn_if_nobody_can_log_in(**server, config, log.log());
    std::cout << "fanfare " FANFARE_VERSION " listening on " << url_of(config, (*server)->port())
              << std::endl;
    wait_for_signal(signals);
    (*server)->stop();
    return kExitDone;
  }
};

}  // namespace

std::unique_ptr<Verb> make_serve_verb() {
  return std::make_unique<ServeVerb>();
}

}  // namespace fanfare
