// `fanfare dev`: the server for trying it out, with a demo tenant and a receiver that prints.
#include <iostream>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "app/demo.h"
#include "app/inbox.h"
#include "app/profile_option.h"
#include "app/server.h"
#include "cli/console.h"
#include "cli/server_process.h"
#include "cli/server_url.h"
#include "cli/verb.h"

namespace fanfare {
namespace {

std::string padded(std::string url) {
  constexpr std::size_t kColumn = 42;
  url.resize(std::max(url.size() + 2, kColumn), ' ');
  return url;
}

void print_demo(const Demo& demo, const std::string& url, const Config& config) {
  const std::string key = demo.api_key.reveal();
  std::cout << "\nFanfare " FANFARE_VERSION " is running on " << url << " (Ctrl-C stops it)\n\n"
            << "  database   "
            << (config.database.kind == DatabaseKind::memory ? "in memory" : config.database.path)
            << "\n"
            << "  tenant     demo (" << to_string(demo.tenant) << ")\n"
            << "  API key    " << key << "\n\n"
            << "  webhooks   works   " << padded(demo.works_url) << "answers 200\n"
            << "             flaky   " << padded(demo.flaky_url)
            << "fails every third time; the retry succeeds\n"
            << "             down    " << padded(demo.down_url)
            << "nobody listens: refused, retried, given up\n\n"
            << "A first event, " << to_string(demo.first_event) << ", is stored and on its way to "
            << demo.first_event_deliveries
            << " webhooks.\nPublish another from a second terminal:\n\n"
            << "  curl -s " << url << "/api/v1/events -H 'Authorization: Bearer " << key
            << "' -H 'Content-Type: application/json' -d '{\"event_type\":\"" << kDemoEventType
            << "\",\"data\":{\"order\":18}}'\n\n"
            << "and see what became of all of them:\n\n"
            << "  curl -s " << url << "/api/v1/deliveries -H 'Authorization: Bearer " << key
            << "'\n\n"
            << "What the inbox receives:\n"
            << std::endl;
}

// Prints the lines of the inbox. What arrives before the introduction is printed after it; nobody
// ever waits for anything but the console here, since the inbox speaks on the reactor that
// everything else needs.
class Console {
 public:
  void print(const std::string& line) {
    const std::lock_guard lock(mu_);
    if (is_introduced_) {
      std::cout << line << std::endl;
    } else {
      early_.push_back(line);
    }
  }
  void introduce(const Demo& demo, const std::string& url, const Config& config) {
    const std::lock_guard lock(mu_);
    print_demo(demo, url, config);
    for (const std::string& line : early_) std::cout << line << std::endl;
    is_introduced_ = true;
  }

 private:
  std::mutex mu_;
  std::vector<std::string> early_;
  bool is_introduced_ = false;
};

Result<void> run_demo(Server& server, Inbox& inbox, Console& console, const Config& config) {
  const std::string url = url_of(config, server.port());
  DemoMaker maker(server, url);
  TRY(const TenantId tenant, maker.make_tenant());
  inbox.verify_with(server.engine().directory(), tenant);
  TRY(const Demo demo, maker.make(tenant));
  console.introduce(demo, url, config);
  return {};
}

int run_dev_server(const Config& config, std::shared_ptr<const Profile> profile) {
  const SystemClock clock;
  ServerLog log(config, clock);
  const sigset_t signals = block_signals();
  Console console;
  Inbox inbox(clock, [&console](const std::string& line) { console.print(line); });
  ServerHooks hooks;
  hooks.extra_routes = [&inbox](net::HttpRequest& request, net::Responder& respond) {
    return inbox.take(request, respond);
  };
  Result<std::unique_ptr<Server>> server =
      Server::start(config, std::move(profile), log.log(), std::move(hooks));
  if (!server) return complain(server.error());
  std::cout << "fanfare " FANFARE_VERSION " listening on " << url_of(config, (*server)->port())
            << std::endl;
  const Result<void> demo = run_demo(**server, inbox, console, config);
  if (demo) wait_for_signal(signals);
  (*server)->stop();
  if (!demo) return complain(demo.error());
  const bool is_kept = config.database.kind == DatabaseKind::sqlite;
  std::cout << (is_kept ? "Stopped. Everything is kept in " + config.database.path + "."
                        : "Stopped. The database was in memory and is gone.")
            << std::endl;
  return kExitDone;
}

// What `fanfare dev` sets where nobody said otherwise: plain HTTP to this machine is open, and the
// console belongs to the inbox.
const std::map<std::string, std::string> kDevDefaults = {
    {"egress-http", "true"},
    {"egress-allow", "127.0.0.0/8,::1/128"},
    {"database", "sqlite:fanfare-dev.db"},
    {"log-level", "warning"},
};

class DevVerb final : public Verb {
 public:
  const char* name() const override { return "dev"; }
  const char* summary() const override {
    return "Run the server for trying it out: a demo tenant, three webhooks, a receiver that "
           "prints "
           "what arrives, a first event.";
  }
  std::map<std::string, std::string> defaults() const override { return kDevDefaults; }
  int run(const Config& config, const ConfigSources&) override {
    auto profile = profile_of(config);
    if (!profile) return complain_of_use(profile.error());
    return run_dev_server(config, *std::move(profile));
  }
};

}  // namespace

std::unique_ptr<Verb> make_dev_verb() {
  return std::make_unique<DevVerb>();
}

}  // namespace fanfare
