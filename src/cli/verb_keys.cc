// `fanfare keys`: which keys seal the secrets in the database, and others in their place, while the
// server runs. The file of the master keys is written here and read by the server; what older keys
// sealed is moved by the server.
//
// A new master key is in the file, whole and on disk, before anything is sealed with it, and an old
// one leaves it only when the server says that nothing needs it: whoever stops in between starts
// again where he was.
#include <algorithm>
#include <array>
#include <iostream>
#include <poll.h>

#include <CLI/CLI.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "app/master_key.h"
#include "auth/vault.h"
#include "base/encoding.h"
#include "cli/api_client.h"
#include "cli/console.h"
#include "cli/verb.h"

namespace fanfare {
namespace {

namespace json = boost::json;

constexpr const char* kKeys = "/api/v1/maintenance/keys";

std::string id_of(const Secret& key) {
  const std::uint32_t id = Vault::master_key_id(key);
  std::array<std::uint8_t, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) bytes[i] = static_cast<std::uint8_t>(id >> (24 - 8 * i));
  return hex_encode(bytes);
}

// What the server says of its keys.
struct KeyReport {
  json::object whole;

  const json::array& masters() const { return whole.at("master_keys").as_array(); }
  std::string newest() const { return std::string(masters().at(0).at("id").as_string()); }
  bool knows(const std::string& id) const {
    return std::any_of(masters().begin(), masters().end(),
                       [&id](const json::value& key) { return key.at("id").as_string() == id; });
  }
  // Whether anything needs another master key than the newest.
  bool needs_older() const {
    return std::any_of(masters().begin() + 1, masters().end(),
                       [](const json::value& key) { return key.at("is_in_use").as_bool(); });
  }
  std::int64_t count(const char* name) const { return whole.at(name).as_int64(); }
};

Result<KeyReport> read_report(const std::string& body) {
  json::error_code error;
  const json::value value = json::parse(body, error);
  const bool is_report = !error && value.is_object() && value.as_object().contains("master_keys");
  if (!is_report) return fail(Errc::internal, "the server's answer is not understood");
  return KeyReport{value.as_object()};
}

Result<KeyReport> ask(const ApiClient& client, const ApiRequest& request) {
  TRY(const std::string body, client.call(request));
  return read_report(body);
}

// Until `is_done`; what is left is said in between, and has to become less.
template <class IsDone, class Left>
Result<KeyReport> wait_until(const ApiClient& client, IsDone is_done, Left left) {
  constexpr int kPollMs = 100;
  constexpr int kPollsWithoutProgressMax = 600;
  Progress progress;
  std::string last;
  for (int polls = 0; polls < kPollsWithoutProgressMax; ++polls) {
    TRY(KeyReport report, ask(client, {.path = kKeys}));
    if (is_done(report)) return report;
    std::string now = left(report);
    progress.say(now);
    if (now != last) polls = 0;
    last = std::move(now);
    ::poll(nullptr, 0, kPollMs);
  }
  return fail(Errc::unavailable,
              "the server makes no progress (" + last +
                  "); the new key is in use and the older ones stay where they are needed. Its log "
                  "may say why; a restart tries again");
}

Result<std::string> file_of_keys(const Config& config) {
  std::string path = master_key_file_of(config);
  if (!path.empty()) return path;
  return fail(
      Errc::invalid,
      "the master key is set in the environment, in the configuration file or by a "
      "credential, where no new one can be written; docs/keys.md says how to put another in "
      "its place");
}

class KeysVerb final : public Verb {
 public:
  const char* name() const override { return "keys"; }
  const char* summary() const override {
    return "Show the keys that seal secrets, or put others in their place.";
  }
  void declare(CLI::App& command) override {
    add_api_flags(command, flags_);
    command.add_flag("--json", is_json_, "Print the server's own answer.");
    command.require_subcommand(1);
    command.add_subcommand("status", "Which keys are in use.")->callback([this] {
      action_ = &KeysVerb::status;
    });
    command.add_subcommand("rotate-master", "A new master key, in the file of the old one.")
        ->callback([this] { action_ = &KeysVerb::rotate_master; });
    command.add_subcommand("prune", "Remove master keys that nothing needs from the file.")
        ->callback([this] { action_ = &KeysVerb::prune; });
    auto* tenant = command.add_subcommand("rotate-tenant", "A new data key for a tenant.");
    tenant->add_option("TENANT", tenant_, "Its id or external_id.");
    tenant->add_flag("--all", is_all_, "For every tenant.");
    tenant->callback([this] { action_ = &KeysVerb::rotate_tenant; });
    for (CLI::App* one : command.get_subcommands([](CLI::App*) { return true; }))
      one->fallthrough();
  }
  int run(const Config& config, const ConfigSources& sources) override {
    auto access = api_access(flags_, config, sources.environment);
    if (!access) return complain_of_use(access.error());
    const ApiClient client(*std::move(access));
    return (this->*action_)(client, config);
  }

 private:
  int status(const ApiClient& client, const Config&) {
    const auto report = ask(client, {.path = kKeys});
    if (!report) return complain(report.error());
    print(*report);
    return kExitDone;
  }

  int rotate_master(const ApiClient& client, const Config& config) {
    const auto path = file_of_keys(config);
    if (!path) return complain_of_use(path.error());
    const auto before = ask(client, {.path = kKeys});
    if (!before) return complain(before.error());
    auto keys = read_master_keys(*path);
    if (!keys) return complain(keys.error());
    if (!before->knows(id_of(keys->back()))) return complain(strange_file(*path));
    // A newer key than the server's is one that an earlier run did not bring to its end.
    if (id_of(keys->front()) == before->newest()) {
      SystemRandom random;
      keys->insert(keys->begin(), draw_master_key(random));
      if (const auto written = write_master_keys(*path, *keys); !written)
        return complain(written.error());
    }
    const auto told =
        ask(client, {.method = "POST", .path = std::string(kKeys) + "/rotate-master"});
    if (!told) return complain(told.error());
    if (told->newest() != id_of(keys->front())) return complain(strange_file(*path));
    return say_rotated(client, *path);
  }
  int say_rotated(const ApiClient& client, const std::string& path) {
    const auto report = wait_until(
        client, [](const KeyReport& now) { return !now.needs_older(); },
        [](const KeyReport& now) {
          const std::int64_t wrapped = now.masters().at(0).at("data_keys").as_int64();
          return "data keys wrapped anew: " + std::to_string(wrapped) + " of " +
                 std::to_string(now.count("data_keys"));
        });
    if (!report) return complain(report.error());
    print(*report);
    std::cerr
        << "fanfare: the new master key is in " << path
        << "; keep a copy apart from the database. `fanfare keys prune` removes the old one\n";
    return kExitDone;
  }

  int prune(const ApiClient& client, const Config& config) {
    const auto path = file_of_keys(config);
    if (!path) return complain_of_use(path.error());
    auto keys = read_master_keys(*path);
    if (!keys) return complain(keys.error());
    const auto report = ask(client, {.path = kKeys});
    if (!report) return complain(report.error());
    if (report->newest() != id_of(keys->front())) return complain(strange_file(*path));
    if (report->needs_older())
      return complain(
          {Errc::conflict,
           "older master keys are still needed, so none was removed; `fanfare keys "
           "rotate-master` goes on moving what they wrapped, `fanfare keys status` says "
           "how far it is"});
    keys->resize(1);
    if (const auto written = write_master_keys(*path, *keys); !written)
      return complain(written.error());
    const auto told =
        ask(client, {.method = "POST", .path = std::string(kKeys) + "/rotate-master"});
    if (!told) return complain(told.error());
    print(*told);
    return kExitDone;
  }

  int rotate_tenant(const ApiClient& client, const Config&) {
    if (tenant_.empty() == !is_all_)
      return complain_of_use({Errc::invalid, "name one TENANT, or say --all"});
    const json::object body =
        is_all_ ? json::object{{"all", true}} : json::object{{"tenant_id", tenant_}};
    const auto told = ask(client, {.method = "POST",
                                   .path = std::string(kKeys) + "/rotate-tenant",
                                   .body = json::serialize(body)});
    if (!told) return complain(told.error());
    const auto report = wait_until(
        client, [](const KeyReport& now) { return now.count("tenants_with_older_keys") == 0; },
        [](const KeyReport& now) {
          return "sealing anew: " + std::to_string(now.count("tenants_with_older_keys")) +
                 " tenants to go";
        });
    if (!report) return complain(report.error());
    print(*report);
    return kExitDone;
  }

  static Error strange_file(const std::string& path) {
    return {Errc::conflict, path +
                                " does not hold the server's master keys; was it started with "
                                "another configuration?"};
  }

  void print(const KeyReport& report) const {
    if (is_json_) {
      std::cout << json::serialize(report.whole) << "\n";
      return;
    }
    for (const json::value& key : report.masters()) {
      std::cout << "master key " << key.at("id").as_string().c_str() << "  "
                << key.at("data_keys").as_int64() << " data keys  "
                << (key.at("is_newest").as_bool()   ? "newest"
                    : key.at("is_in_use").as_bool() ? "still needed"
                                                    : "not needed any more")
                << "\n";
    }
    std::cout << report.count("tenants") << " tenants, " << report.count("tenants_with_older_keys")
              << " with older data keys too, " << report.count("data_keys_to_rotate")
              << " data keys to be replaced\n";
  }

  using Action = int (KeysVerb::*)(const ApiClient&, const Config&);
  ApiFlags flags_;
  bool is_json_ = false;
  bool is_all_ = false;
  std::string tenant_;
  Action action_ = &KeysVerb::status;
};

}  // namespace

std::unique_ptr<Verb> make_keys_verb() {
  return std::make_unique<KeysVerb>();
}

}  // namespace fanfare
