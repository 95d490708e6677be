// Config: everything an operator may set, read once at start-up. A value comes from the first place
// that names it: flag, environment variable, TOML file, default. Where it came from is kept, so
// that an error and `fanfare config` can say it. Options are rows of one table (options.cc): help,
// docs and the parsers cannot disagree.
//
// Owner thread only while loading; afterwards it is read-only and any thread may read it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/secret.h"
#include "base/time.h"

namespace fanfare {

struct ListenAddress {
  std::string address;  // an IPv4 or IPv6 literal, without brackets
  std::uint16_t port = 0;
};

enum class DatabaseKind { sqlite, memory };

struct DatabaseLocation {
  DatabaseKind kind = DatabaseKind::sqlite;
  std::string path;  // empty for memory
};

// Every field has its default from the option table; load_config() is the only maker.
struct Config {
  ListenAddress listen;
  DatabaseLocation database;
  Secret admin_key;                 // empty = none
  Secret jwt_secret;                // of HS256; empty = none
  std::string jwt_keys_file;        // empty = none
  std::vector<Secret> master_keys;  // 32 bytes each, decoded, newest first; empty = none given
  std::string master_key_file;      // that they were read from; empty = another place
  std::vector<std::string> egress_allow;  // CIDR texts, judged by egress/policy.h
  bool egress_http = false;
  bool egress_metadata = false;
  std::vector<std::string> trusted_proxies;  // CIDR texts, likewise
  std::string egress_ca_file;                // empty = the system's
  std::string profile;                       // a name or a path, judged by profile_file.h
  // None = as the profile says.
  std::optional<bool> catalogue_is_open, auto_create_tenants, allows_broadcast;
  int reactors = 0;  // 0 = one for each two cores, at least one
  int reader_threads = 2;
  std::string log_level;                // a name that telemetry/log.h knows
  std::string log_format;               // "pretty" or "json"
  std::optional<Millis> disable_after;  // of failing all the time; none = never
  Millis drain_timeout{};
  Millis retention_events{};  // with payloads; how the four agree is judged by domain/retention.h
  Millis retention_attempts{};
  Millis retention_deliveries{};
  Millis retention_audit{};
  Millis cleanup_interval{};

  std::map<std::string, std::string, std::less<>>
      origins;                        // option name → "--listen", "fanfare.toml:3", "default" …
  std::vector<std::string> warnings;  // sentences to log once logging works
};

struct ConfigSources {
  std::optional<std::string> file;                 // --config; else FANFARE_CONFIG; else no file
  std::map<std::string, std::string> environment;  // all of it; only FANFARE_* is looked at
  std::map<std::string, std::string> flags;        // "egress-http" → "true": no dashes in front
  std::map<std::string, std::string>
      defaults;  // of a command, by option name: before the table's own
};

// One row of the table of options.
struct ConfigOption {
  std::string_view name;           // "egress-allow": how origins, help and docs call it
  std::string_view environment;    // "FANFARE_EGRESS_ALLOW"
  std::string_view toml_key;       // "egress.allow"
  std::string_view default_value;  // in its text form; empty = not set
  std::string_view value_hint;     // "CIDR,…"; empty for a switch
  std::string_view help;           // one sentence
  // A secret has no flag of its own, because every user of the machine sees command lines: only
  // `--NAME-file`, FANFARE_NAME_FILE and `NAME_file`, whose content is the value.
  bool is_secret = false;
  Result<void> (*apply)(Config& config, std::string_view value) = nullptr;
  std::string (*show)(const Config& config) = nullptr;  // secrets as ***
};

std::span<const ConfigOption> config_options();

// Errc::invalid with one sentence that names the place and the rule it breaks.
Result<Config> load_config(const ConfigSources& sources);

struct ConfigRow {
  std::string name, value, origin;
};
// What is in force and why, secrets as ***; in the order of the table.
std::vector<ConfigRow> describe(const Config& config);

// The flag that sets an option: "--listen", or "--admin-key-file" for a secret.
std::string flag_of(const ConfigOption& option);

}  // namespace fanfare
