#include "cli/cli.h"

#include <algorithm>
#include <csignal>
#include <iostream>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/demo.h"
#include "app/egress_options.h"
#include "app/inbox.h"
#include "app/server.h"
#include "cli/flags.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace fanfare {

namespace {

int complain(const Error& error) {
  std::cerr << "fanfare: " << error.message << "\n";
  return 1;
}

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

// Signals that end the server are taken by sigwait in the main thread: blocked before any thread
// starts, so that all inherit it.
sigset_t block_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM}) sigaddset(&signals, signal);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ,
              SIG_IGN);  // a file at its size limit is a failed write, not the end of the process
  return signals;
}

void wait_for_signal(const sigset_t& signals) {
  int signal = 0;
  sigwait(&signals, &signal);
  std::cerr << "\nfanfare: stopping ("
            << (signal == SIGINT ? "Ctrl-C; once more to stop at once" : "SIGTERM") << ")…\n";
  pthread_sigmask(SIG_UNBLOCK, &signals,
                  nullptr);  // a second one ends the process: the journal makes that safe
}

std::string url_of(const Config& config, std::uint16_t port) {
  std::string host = config.listen.address;
  if (host == "0.0.0.0") host = "127.0.0.1";  // every address: the one to call it by from here
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port);
}

// A first start without a key runs, but there is no way in.
void warn_if_nobody_can_log_in(Server& server, const Config& config, Log& log) {
  const Timestamp now = server.clock().wall_now();
  const auto keys = server.engine().directory().api_keys(std::nullopt);
  const bool has_key = std::any_of(keys.begin(), keys.end(), [now](const auto& key) {
    return !key->revoked_at && (!key->expires_at || now < *key->expires_at);
  });
  if (has_key || !config.admin_key.empty()) return;
  log.write(LogLevel::warning,
            "nobody can log in, because there is no API key: set FANFARE_ADMIN_KEY or "
            "--admin-key-file and start again");
}

int serve(const Config& config, Log& log) {
  const sigset_t signals = block_signals();
  Result<std::unique_ptr<Server>> server = Server::start(config, log, {});
  if (!server) return complain(server.error());
  warn_if_nobody_can_log_in(**server, config, log);
  std::cout << "fanfare " FANFARE_VERSION " listening on " << url_of(config, (*server)->port())
            << std::endl;
  wait_for_signal(signals);
  (*server)->stop();
  return 0;
}

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

int dev(const Config& config, Log& log) {
  const sigset_t signals = block_signals();
  const SystemClock clock;
  Console console;
  Inbox inbox(clock, [&console](const std::string& line) { console.print(line); });
  ServerHooks hooks;
  hooks.extra_routes = [&inbox](net::HttpRequest& request, net::Responder& respond) {
    return inbox.take(request, respond);
  };
  Result<std::unique_ptr<Server>> server = Server::start(config, log, std::move(hooks));
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
  return 0;
}

// What `fanfare dev` sets where nobody said otherwise: plain HTTP to this machine is open, and the
// console belongs to the inbox.
const std::map<std::string, std::string> kDevDefaults = {
    {"egress-http", "true"},
    {"egress-allow", "127.0.0.0/8,::1/128"},
    {"database", "sqlite:fanfare-dev.db"},
    {"log-level", "warning"},
};

int run(bool is_dev, std::map<std::string, std::string> flags, const std::string& file) {
  ConfigSources sources;
  if (!file.empty()) sources.file = file;
  sources.environment = environment();
  sources.flags = std::move(flags);
  if (is_dev) sources.defaults = kDevDefaults;
  const Result<Config> config = load_config(sources);
  if (!config) {
    complain(config.error());
    return 2;
  }
  if (const auto policy = egress_policy_of(*config); !policy) {
    complain(policy.error());
    return 2;
  }
  const SystemClock clock;
  Log log(LogOptions{.level = log_level_named(config->log_level).value_or(LogLevel::info),
                     .format = log_format_named(config->log_format).value_or(LogFormat::pretty)},
          clock);
  for (const std::string& warning : config->warnings)
    log.write(LogLevel::warning, "configuration", {{"warning", warning}});
  return is_dev ? dev(*config, log) : serve(*config, log);
}

// The first argument that no option took: a flag goes on to load_config(), without its value, which
// may be a secret; anything else is refused.
bool take_unknown(const std::vector<std::string>& arguments,
                  std::map<std::string, std::string>& flags) {
  if (arguments.empty()) return true;
  const std::string& first = arguments.front();
  if (first.starts_with("--") && first.size() > 2) {
    flags[first.substr(2, first.find('=') - 2)] = "";
    return true;
  }
  std::cerr << "fanfare: " << first.substr(0, first.find('='))
            << " is not expected here; --help shows what is\n";
  return false;
}

}  // namespace

int run_cli(int argc, char** argv) {
  CLI::App app(
      "Fanfare: applications publish events, Fanfare delivers them, signed, to every URL that "
      "asked.",
      "fanfare");
  app.set_version_flag("--version", "fanfare " FANFARE_VERSION);
  app.require_subcommand(1);
  std::map<std::string, std::string> flags;
  std::string file;
  CLI::App* serve_command = app.add_subcommand("serve", "Run the server.");
  CLI::App* dev_command =
      app.add_subcommand("dev",
                         "Run the server for trying it out: a demo tenant, three webhooks, a "
                         "receiver that prints what arrives, a first event.");
  for (CLI::App* command : {serve_command, dev_command}) {
    command->add_option("--config", file, "Read options from this TOML file.")->type_name("FILE");
    add_config_flags(*command, flags);
    command->allow_extras();  // load_config() knows which option an unknown one is nearest to
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  const CLI::App& command = dev_command->parsed() ? *dev_command : *serve_command;
  if (!take_unknown(command.remaining(), flags)) return 2;
  try {
    return run(dev_command->parsed(), std::move(flags), file);
  } catch (const std::exception& error) {
    std::cerr << "fanfare: stopped by an unexpected error: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace fanfare
