#include "app/server.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <pthread.h>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include "api/api_handler.h"
#include "app/attempt_log.h"
#include "app/audit.h"
#include "app/cleanup_log.h"
#include "app/database.h"
#include "app/descriptors.h"
#include "app/disk_space.h"
#include "app/egress_options.h"
#include "app/failure_log.h"
#include "app/jwt_keys.h"
#include "app/master_key.h"
#include "app/profile_option.h"
#include "app/retention_options.h"
#include "auth/vault.h"
#include "delivery/engine_parts.h"
#include "egress/http_sender.h"
#include "net/reactor.h"
#include "net/resolver.h"

namespace fanfare {

namespace {

// How long attempts that were cut off at the drain deadline may take to say so.
constexpr std::chrono::seconds kAbortGrace{2};

int reactor_count(const Config& config) {
  if (config.reactors > 0) return config.reactors;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / 2);
}

// Two at least, so that lists leave one for reads of single rows (delivery/read_pool.h).
std::size_t reader_count(const Config& config) {
  return std::max<std::size_t>(2, static_cast<std::size_t>(config.reader_threads));
}

// What top -H, perf and core dumps call it; at most 15 characters.
void name_this_thread(const char* name) {
  pthread_setname_np(pthread_self(), name);
}

// Counts down from several threads; one thread waits.
class Countdown {
 public:
  explicit Countdown(std::size_t count) : left_(count) {}
  void done() {
    const std::lock_guard lock(mu_);
    if (left_ > 0 && --left_ == 0) reached_.notify_all();
  }
  bool wait_for(std::chrono::milliseconds limit) {
    std::unique_lock lock(mu_);
    return reached_.wait_for(lock, limit, [this] { return left_ == 0; });
  }

 private:
  std::mutex mu_;
  std::condition_variable reached_;
  std::size_t left_;
};

// None where the keys come from no file: then only a restart brings others.
std::function<Result<std::vector<Secret>>()> master_key_reader(const Config& config) {
  const std::string path = master_key_file_of(config);
  if (path.empty()) return {};
  return [path] { return read_master_keys(path); };
}

std::function<void(const std::string&)> token_logger(Log& log) {
  return [&log](const std::string& reason) {
    log.write(LogLevel::debug, "a bearer token was refused", {{"reason", reason}});
  };
}

}  // namespace

// Members are destroyed from the last to the first: whoever uses a thing stands below it.
struct Server::Impl {
  Impl(Config from, std::shared_ptr<const Profile> chosen, Log& to)
      : config(std::move(from)), profile(std::move(chosen)), log(to) {}
  ~Impl() { end_threads(); }

  struct Reactor {
    std::unique_ptr<net::Reactor> loop;
    std::unique_ptr<net::Resolver> resolver;
    std::unique_ptr<HttpSender> sender;
    std::unique_ptr<ApiHandler> handler;
    std::unique_ptr<net::HttpServer> server;
    std::jthread thread;
  };

  Result<void> build(ServerHooks hooks);
  Result<void> listen();
  void start_threads();
  void end_threads();
  void audit(AuditEntry entry);
  AuditEntry entry_of(std::string action) const;
  void note_broken_audit_log(const Error& error);

  const Config config;
  const std::shared_ptr<const Profile> profile;
  Log& log;
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<Store> store;
  std::unique_ptr<Vault> vault;
  Secret cursor_key;  // the same after a restart, so that a cursor outlives one
  EgressPolicy policy;
  std::unique_ptr<net::TlsClient> tls;
  std::vector<Reactor> reactors;
  std::vector<std::unique_ptr<Reader>> readers;  // one for each reader thread
  std::unique_ptr<Engine> engine;
  std::jthread journal_thread;
  std::vector<std::jthread> reader_threads;
};

Result<void> Server::Impl::build(ServerHooks hooks) {
  TRY(store, open_database(config.database, clock));
  TRY(MasterKeys key, find_master_keys(config, *store, random));
  if (!key.written_to.empty()) {
    log.write(
        LogLevel::warning,
        "wrote a new master key; keep a copy apart from the database, nothing opens without it",
        {{"file", key.written_to}});
  }
  cursor_key = derived_key(key.keys.front(), "list cursors");
  vault = std::make_unique<Vault>(std::move(key.keys), random);
  const Result<void> audit_seal = store->writer().seal_audit_log(audit_sealer(*vault));
  vault->hooks.on_worn = [this](TenantId tenant) {
    log.write(LogLevel::warning,
              "a data key has sealed so much that it should be replaced: fanfare keys "
              "rotate-tenant",
              {{"tenant", to_string(tenant)}});
  };
  TRY(policy, egress_policy_of(config));
  if (profile->limits.https_only) policy.allows_http = false;
  TRY(JwtKeys jwt_keys, jwt_keys_of(config, jwt_rules_of(profile->jwt)));
  TRY(const RetentionPolicy retention, retention_of(config));
  TRY(std::vector<Cidr> trusted_proxies, trusted_proxies_of(config));

  TRY(tls, net::TlsClient::create(net::TlsOptions{.ca_file = config.egress_ca_file}));
  std::vector<Engine::Parts::Reactor> doors;
  reactors.resize(static_cast<std::size_t>(reactor_count(config)));
  for (Reactor& reactor : reactors) {
    reactor.loop = std::make_unique<net::Reactor>(clock);
    TRY(reactor.resolver, net::DnsResolver::create(*reactor.loop));
    reactor.sender = std::make_unique<HttpSender>(*reactor.loop, *reactor.resolver, *tls, policy);
    doors.push_back({*reactor.loop, *reactor.sender});
  }
  const auto find_webhook = [this](WebhookId id) { return engine->directory().webhook(id); };
  engine =
      std::make_unique<Engine>(Engine::Parts{.store = *store,
                                             .vault = *vault,
                                             .clock = clock,
                                             .random = random,
                                             .reactors = std::move(doors),
                                             .on_attempt = attempt_logger(log, find_webhook),
                                             .retention = retention,
                                             .cleanup_interval = config.cleanup_interval,
                                             .on_cleanup = cleanup_logger(log),
                                             .on_failing = failure_logger(log),
                                             .failure_counts = profile->webhooks.failure_counts,
                                             .disable_after = config.disable_after,
                                             .reader_threads = reader_count(config),
                                             .catalogue = profile->event_types});
  if (!audit_seal) note_broken_audit_log(audit_seal.error());
  TRY_VOID(engine->recover());
  TRY_VOID(check_retries_of_webhooks(engine->directory(), retention));
  readers.resize(reader_count(config));
  for (std::unique_ptr<Reader>& reader : readers) {
    TRY(reader, store->open_reader());
  }

  auto shared = std::make_shared<ApiShared>(ApiConfig{
      .admin_key = config.admin_key,
      .cursor_key = cursor_key,
      .policy = policy,
      .jwt_keys = std::move(jwt_keys),
      .load_master_keys = master_key_reader(config),
      .on_token_refused = token_logger(log),
      .trusted_proxies = std::move(trusted_proxies),
      .catalogue_is_open = config.catalogue_is_open.value_or(profile->catalogue_is_open),
      .auto_create_tenants = config.auto_create_tenants.value_or(profile->auto_create_tenants),
      .allows_broadcast = config.allows_broadcast.value_or(profile->broadcast),
      .profile = profile,
      .disk_space = [path = config.database.path]() -> std::optional<DiskSpace> {
        if (path.empty()) return std::nullopt;
        return disk_space_at(path);
      },
      .clock = clock,
      .random = random,
      .extra_routes = std::move(hooks.extra_routes)});
  for (Reactor& reactor : reactors) {
    reactor.handler =
        std::make_unique<ApiHandler>(*engine, *reactor.loop, *reactor.resolver, shared);
  }
  return {};
}

void Server::Impl::audit(AuditEntry entry) {
  engine->record(std::move(entry), *reactors.front().loop, [](const Result<Unit>&) {});
}

AuditEntry Server::Impl::entry_of(std::string action) const {
  return server_entry(std::move(action),
                      {{"version", FANFARE_VERSION}, {"profile", profile->name}});
}

// The next entry is sealed, and a new seal would hide that the old one did not fit: so the first
// entry tells of it, and stands in the chain from then on.
void Server::Impl::note_broken_audit_log(const Error& error) {
  log.write(
      LogLevel::error,
      "the audit log was changed while the server did not run; fanfare audit verify says more",
      {{"error", error.message}});
  audit(server_entry(kAuditLogBroken, {{"error", error.message}}));
}

Result<void> Server::Impl::listen() {
  const net::ListenOptions options{
      .address = config.listen.address,
      .port = config.listen.port,
      .connections_max = connections_for_each_reactor(raise_descriptor_limit(), reactors.size())};
  Reactor& first = reactors.front();
  TRY(first.server, net::HttpServer::listen(*first.loop, options, *first.handler));
  for (Reactor& reactor : std::span(reactors).subspan(1)) {
    TRY(reactor.server, net::HttpServer::join(*first.server, *reactor.loop, *reactor.handler));
  }
  return {};
}

void Server::Impl::start_threads() {
  journal_thread = std::jthread([this](const std::stop_token& stop) {
    name_this_thread("ff-journal");
    engine->run_journal(stop);
  });
  for (const std::unique_ptr<Reader>& reader : readers) {
    reader_threads.emplace_back([this, &reader](const std::stop_token& stop) {
      name_this_thread("ff-reader");
      engine->run_reader(*reader, stop);
    });
  }
  for (Reactor& reactor : reactors) {
    reactor.thread = std::jthread([&reactor] {
      name_this_thread("ff-reactor");
      reactor.loop->run();
    });
  }
}

// The journal first, while the loops still take its completions; then who reads; the loops last.
void Server::Impl::end_threads() {
  if (journal_thread.joinable()) {
    journal_thread.request_stop();
    journal_thread.join();
  }
  for (std::jthread& thread : reader_threads) thread.request_stop();
  reader_threads.clear();
  for (Reactor& reactor : reactors) {
    if (!reactor.thread.joinable()) continue;
    reactor.loop->stop();
    reactor.thread.join();
  }
}

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Server::~Server() = default;

Result<std::unique_ptr<Server>> Server::start(const Config& config,
                                              std::shared_ptr<const Profile> profile, Log& log,
                                              ServerHooks hooks) {
  auto impl = std::make_unique<Impl>(config, std::move(profile), log);
  TRY_VOID(impl->build(std::move(hooks)));
  TRY_VOID(impl->listen());
  impl->audit(impl->entry_of("server.started"));
  impl->start_threads();
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

std::uint16_t Server::port() const {
  return impl_->reactors.front().server->port();
}
Engine& Server::engine() {
  return *impl_->engine;
}
Loop& Server::loop() {
  return *impl_->reactors.front().loop;
}
const Clock& Server::clock() const {
  return impl_->clock;
}
Random& Server::random() {
  return impl_->random;
}

void Server::stop() {
  auto left = std::make_shared<Countdown>(impl_->reactors.size() + 1);
  for (Impl::Reactor& reactor : impl_->reactors) {
    reactor.loop->post([&reactor, left] { reactor.server->drain([left] { left->done(); }); });
  }
  impl_->engine->drain([left] { left->done(); });
  if (!left->wait_for(impl_->config.drain_timeout)) {
    impl_->log.write(
        LogLevel::warning,
        "the drain timeout has passed; what is still under way is sent again after the next start",
        {{"in_flight", impl_->engine->status().in_flight}});
    for (Impl::Reactor& reactor : impl_->reactors) {
      reactor.loop->post([&reactor] { reactor.sender->abort_all(); });
    }
    left->wait_for(kAbortGrace);
  }
  impl_->audit(impl_->entry_of("server.stopped"));
  impl_->end_threads();
}

}  // namespace fanfare
