// The table of options and their parsers. A parser says only what the value must be; load_config()
// puts the place in front of it.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>

#include "base/encoding.h"
#include "base/limits.h"
#include "config/config.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

constexpr std::size_t kAdminKeyBytesMin = 32;
constexpr std::size_t kAdminKeyBytesMax = 4096;
constexpr std::size_t kMasterKeyBytes = 32;
constexpr std::size_t kMasterKeysMax = 16;
constexpr int kThreadsMax = 64;  // of one kind; more only adds contention on one machine
constexpr Millis kRetentionMin = std::chrono::hours{1};
constexpr Millis kRetentionMax = std::chrono::hours{24 * 3660};
constexpr Millis kCleanupIntervalMin = std::chrono::seconds{1};
constexpr Millis kCleanupIntervalMax = std::chrono::hours{24 * 7};
constexpr Millis kDrainTimeoutMax = std::chrono::minutes{10};
constexpr Millis kDisableAfterMin = std::chrono::hours{24};
constexpr Millis kDisableAfterMax = std::chrono::hours{24 * 90};
constexpr std::size_t kRangesMax = 256;  // each connect walks the whole list

tl::unexpected<Error> invalid(std::string message) {
  return fail(Errc::invalid, std::move(message));
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::optional<int> integer_in(std::string_view text, int min, int max) {
  int value = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end || value < min || value > max) return std::nullopt;
  return value;
}

Result<bool> parse_switch(std::string_view text) {
  if (text == "true" || text == "1" || text == "yes" || text == "on") return true;
  if (text == "false" || text == "0" || text == "no" || text == "off") return false;
  return invalid("must be true or false");
}

bool is_ip_literal(const std::string& text) {
  in6_addr buffer{};
  return inet_pton(AF_INET, text.c_str(), &buffer) == 1 ||
         inet_pton(AF_INET6, text.c_str(), &buffer) == 1;
}

Result<void> apply_listen(Config& config, std::string_view text) {
  const auto colon = text.rfind(':');
  const auto rule = "must be ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080";
  if (colon == std::string_view::npos) return invalid(rule);
  const auto port = integer_in(text.substr(colon + 1), 0, 65535);
  std::string_view host = text.substr(0, colon);
  const bool is_bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (is_bracketed) host = host.substr(1, host.size() - 2);
  const bool has_colon = host.find(':') != std::string_view::npos;
  std::string address(host == "localhost" ? "127.0.0.1" : host);
  if (!port || has_colon != is_bracketed || !is_ip_literal(address)) return invalid(rule);
  config.listen = {std::move(address), static_cast<std::uint16_t>(*port)};
  return {};
}

Result<void> apply_database(Config& config, std::string_view text) {
  constexpr std::string_view kSqlite = "sqlite:";
  if (text == "memory:") {
    config.database = {DatabaseKind::memory, ""};
    return {};
  }
  if (!text.starts_with(kSqlite) || text.size() == kSqlite.size())
    return invalid("must be sqlite:PATH or memory:");
  const std::string_view path = text.substr(kSqlite.size());
  if (path.starts_with("//"))
    return invalid("must be sqlite:PATH without slashes that belong to a URL");
  if (path == ":memory:") return invalid("must be memory: for a store without a file");
  // SQLite's own URLs have queries; here it would only be part of a strange file name.
  if (path.find('?') != std::string_view::npos)
    return invalid("must be sqlite:PATH without a question mark: a query is not understood");
  config.database = {DatabaseKind::sqlite, std::string(path)};
  return {};
}

Result<void> apply_admin_key(Config& config, std::string_view text) {
  if (!text.empty() && text.size() < kAdminKeyBytesMin)
    return invalid("must have at least 32 characters, because whoever guesses it owns the server");
  if (text.size() > kAdminKeyBytesMax) return invalid("must have at most 4096 characters");
  // It travels in a header, so it must be able to.
  if (!std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; }))
    return invalid("must consist of visible ASCII characters without spaces");
  config.admin_key = Secret(std::string(text));
  return {};
}

// One key, or several while one takes the place of another.
Result<void> apply_master_key(Config& config, std::string_view text) {
  constexpr std::string_view kBetween = ", \t\r\n";
  config.master_keys.clear();
  for (auto at = text.find_first_not_of(kBetween); at != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(kBetween, at), text.size());
    auto bytes = base64_decode(text.substr(at, end - at));
    if (!bytes || bytes->size() != kMasterKeyBytes)
      return invalid("must be 32 bytes in base64; `openssl rand -base64 32` makes one");
    if (config.master_keys.size() == kMasterKeysMax)
      return invalid("must be at most 16 keys; the newest stands first");
    config.master_keys.emplace_back(*std::move(bytes));
    at = text.find_first_not_of(kBetween, end);
  }
  return {};
}

// What it must be is known to auth/jwt_key.h; here only that it is a secret of a sane size.
Result<void> apply_jwt_secret(Config& config, std::string_view text) {
  if (text.size() > kAdminKeyBytesMax) return invalid("must have at most 4096 characters");
  config.jwt_secret = Secret(std::string(text));
  return {};
}

Result<void> apply_jwt_keys(Config& config, std::string_view text) {
  config.jwt_keys_file = text;
  return {};
}

Result<std::vector<std::string>> parse_ranges(std::string_view text) {
  std::vector<std::string> ranges;
  while (!text.empty()) {
    const auto comma = text.find(',');
    const std::string_view part = trimmed(text.substr(0, comma));
    if (part.empty()) return invalid("must be addresses or ranges, separated by single commas");
    if (ranges.size() == kRangesMax) return invalid("must have at most 256 entries");
    ranges.emplace_back(part);
    if (comma == std::string_view::npos) return ranges;
    text.remove_prefix(comma + 1);
    if (text.empty()) return invalid("must not end with a comma");
  }
  return ranges;
}

Result<void> apply_egress_allow(Config& config, std::string_view text) {
  TRY(config.egress_allow, parse_ranges(text));
  return {};
}

Result<void> apply_trusted_proxies(Config& config, std::string_view text) {
  TRY(config.trusted_proxies, parse_ranges(text));
  return {};
}

Result<void> apply_egress_http(Config& config, std::string_view text) {
  TRY(config.egress_http, parse_switch(text));
  return {};
}

Result<void> apply_egress_metadata(Config& config, std::string_view text) {
  TRY(config.egress_metadata, parse_switch(text));
  return {};
}

Result<void> apply_egress_ca_file(Config& config, std::string_view text) {
  config.egress_ca_file = text;
  return {};
}

Result<void> apply_profile(Config& config, std::string_view text) {
  if (text.empty()) return invalid("must be a profile's name or the path of its file");
  config.profile = text;
  return {};
}

Result<void> apply_auto_create_tenants(Config& config, std::string_view text) {
  config.auto_create_tenants.reset();
  if (text == "profile") return {};
  TRY(config.auto_create_tenants, parse_switch(text));
  return {};
}

Result<void> apply_broadcast(Config& config, std::string_view text) {
  config.allows_broadcast.reset();
  if (text == "profile") return {};
  TRY(config.allows_broadcast, parse_switch(text));
  return {};
}

Result<void> apply_catalogue(Config& config, std::string_view text) {
  config.catalogue_is_open.reset();
  if (text == "profile") return {};
  if (text != "open" && text != "closed") return invalid("must be open, closed or profile");
  config.catalogue_is_open = text == "open";
  return {};
}

Result<void> apply_reactors(Config& config, std::string_view text) {
  const auto count = integer_in(text, 0, kThreadsMax);
  if (!count) return invalid("must be an integer from 0 (as many as the machine suits) to 64");
  config.reactors = *count;
  return {};
}

Result<void> apply_reader_threads(Config& config, std::string_view text) {
  const auto count = integer_in(text, 1, kThreadsMax);
  if (!count) return invalid("must be an integer from 1 to 64");
  config.reader_threads = *count;
  return {};
}

Result<void> apply_log_level(Config& config, std::string_view text) {
  constexpr std::array<std::string_view, 5> kLevels = {"debug", "info", "warning", "error", "off"};
  if (std::find(kLevels.begin(), kLevels.end(), text) == kLevels.end())
    return invalid("must be debug, info, warning, error or off");
  config.log_level = text;
  return {};
}

Result<void> apply_log_format(Config& config, std::string_view text) {
  if (text != "pretty" && text != "json") return invalid("must be pretty or json");
  config.log_format = text;
  return {};
}

// A number with its unit: 500ms, 10s, 2m.
std::optional<Millis> parse_short_duration(std::string_view text) {
  const auto unit_at = text.find_first_not_of("0123456789");
  if (unit_at == std::string_view::npos) return std::nullopt;
  const auto count = integer_in(text.substr(0, unit_at), 0, 1'000'000);
  const std::string_view unit = text.substr(unit_at);
  if (!count) return std::nullopt;
  if (unit == "ms") return Millis{*count};
  if (unit == "s") return std::chrono::seconds{*count};
  if (unit == "m") return std::chrono::minutes{*count};
  return std::nullopt;
}

Result<void> apply_drain_timeout(Config& config, std::string_view text) {
  const auto timeout = parse_short_duration(text);
  if (!timeout || *timeout > kDrainTimeoutMax)
    return invalid("must be a duration of at most 10 minutes, such as 500ms, 10s or 2m");
  config.drain_timeout = *timeout;
  return {};
}

Result<void> apply_disable_after(Config& config, std::string_view text) {
  config.disable_after.reset();
  if (text == "off") return {};
  const auto duration = parse_duration(text);
  if (!duration || *duration < kDisableAfterMin || *duration > kDisableAfterMax)
    return invalid("must be off or a duration from 1d to 90d, such as 5d");
  config.disable_after = *duration;
  return {};
}

Result<void> apply_retention(Millis& into, std::string_view text) {
  const auto kept = parse_duration(text);
  if (!kept || *kept < kRetentionMin || *kept > kRetentionMax)
    return invalid("must be a duration from 1h to 3660d, such as 30d");
  into = *kept;
  return {};
}

Result<void> apply_cleanup_interval(Config& config, std::string_view text) {
  const auto interval = parse_duration(text);
  if (!interval || *interval < kCleanupIntervalMin || *interval > kCleanupIntervalMax)
    return invalid("must be a duration from 1s to 7d, such as 1h");
  config.cleanup_interval = *interval;
  return {};
}

std::string show_switch(bool value) {
  return value ? "true" : "false";
}

std::string show_secret(const Secret& secret) {
  return secret.empty() ? "" : "***";
}

std::string show_listen(const Config& config) {
  const bool is_ipv6 = config.listen.address.find(':') != std::string::npos;
  const std::string host = is_ipv6 ? "[" + config.listen.address + "]" : config.listen.address;
  return host + ":" + std::to_string(config.listen.port);
}

std::string show_database(const Config& config) {
  if (config.database.kind == DatabaseKind::memory) return "memory:";
  return "sqlite:" + config.database.path;
}

std::string show_catalogue(const Config& config) {
  if (!config.catalogue_is_open) return "profile";
  return *config.catalogue_is_open ? "open" : "closed";
}

std::string joined(const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) text += (text.empty() ? "" : ",") + entry;
  return text;
}

const ConfigOption kOptions[] = {
    {.name = "listen",
     .environment = "FANFARE_LISTEN",
     .toml_key = "listen",
     .default_value = "127.0.0.1:8080",
     .value_hint = "ADDRESS:PORT",
     .help = "Where the API listens; port 0 takes any free one.",
     .apply = apply_listen,
     .show = show_listen},
    {.name = "database",
     .environment = "FANFARE_DATABASE",
     .toml_key = "database",
     .default_value = "sqlite:fanfare.db",
     .value_hint = "sqlite:PATH|memory:",
     .help = "Where events are stored; memory: forgets everything when the server stops.",
     .apply = apply_database,
     .show = show_database},
    {.name = "admin-key",
     .environment = "FANFARE_ADMIN_KEY",
     .toml_key = "admin_key",
     .default_value = "",
     .value_hint = "TEXT",
     .help = "An API key with every right, valid from the first start; at least 32 characters.",
     .is_secret = true,
     .apply = apply_admin_key,
     .show = [](const Config& c) { return show_secret(c.admin_key); }},
    {.name = "master-key",
     .environment = "FANFARE_MASTER_KEY",
     .toml_key = "master_key",
     .default_value = "",
     .value_hint = "BASE64",
     .help = "Seals the secrets in the database: 32 bytes in base64, or several such keys, newest "
             "first. Without it a key file is kept beside the database.",
     .is_secret = true,
     .apply = apply_master_key,
     .show = [](const Config& c) { return std::string(c.master_keys.empty() ? "" : "***"); }},
    {.name = "jwt-keys",
     .environment = "FANFARE_JWT_KEYS",
     .toml_key = "jwt_keys",
     .default_value = "",
     .value_hint = "PATH",
     .help = "A TOML file of the keys that bearer JWTs may be signed with.",
     .apply = apply_jwt_keys,
     .show = [](const Config& c) { return c.jwt_keys_file; }},
    {.name = "jwt-secret",
     .environment = "FANFARE_JWT_SECRET",
     .toml_key = "jwt_secret",
     .default_value = "",
     .value_hint = "TEXT",
     .help =
         "The one secret (HS256) that bearer JWTs are signed with, where jwt-keys is not needed.",
     .is_secret = true,
     .apply = apply_jwt_secret,
     .show = [](const Config& c) { return show_secret(c.jwt_secret); }},
    {.name = "trusted-proxies",
     .environment = "FANFARE_TRUSTED_PROXIES",
     .toml_key = "trusted_proxies",
     .default_value = "",
     .value_hint = "CIDR,…",
     .help = "Reverse proxies whose X-Forwarded-For says who the client is.",
     .apply = apply_trusted_proxies,
     .show = [](const Config& c) { return joined(c.trusted_proxies); }},
    {.name = "egress-allow",
     .environment = "FANFARE_EGRESS_ALLOW",
     .toml_key = "egress.allow",
     .default_value = "",
     .value_hint = "CIDR,…",
     .help = "Private addresses or ranges that webhooks may reach.",
     .apply = apply_egress_allow,
     .show = [](const Config& c) { return joined(c.egress_allow); }},
    {.name = "egress-http",
     .environment = "FANFARE_EGRESS_HTTP",
     .toml_key = "egress.http",
     .default_value = "false",
     .value_hint = "",
     .help = "Allows webhooks with http:// URLs; without it only https:// is accepted.",
     .apply = apply_egress_http,
     .show = [](const Config& c) { return show_switch(c.egress_http); }},
    {.name = "egress-metadata",
     .environment = "FANFARE_EGRESS_METADATA",
     .toml_key = "egress.metadata",
     .default_value = "false",
     .value_hint = "",
     .help =
         "Lets egress-allow cover the metadata addresses of clouds, which hand out credentials.",
     .apply = apply_egress_metadata,
     .show = [](const Config& c) { return show_switch(c.egress_metadata); }},
    {.name = "egress-ca-file",
     .environment = "FANFARE_EGRESS_CA_FILE",
     .toml_key = "egress.ca_file",
     .default_value = "",
     .value_hint = "PATH",
     .help = "Certificate authorities (PEM) that receivers are checked against, instead of the "
             "system's.",
     .apply = apply_egress_ca_file,
     .show = [](const Config& c) { return c.egress_ca_file; }},
    {.name = "profile",
     .environment = "FANFARE_PROFILE",
     .toml_key = "profile",
     .default_value = "standard",
     .value_hint = "NAME|PATH",
     .help = "What clients expect: standard, airwave, email-sla, whatsapp-crm, nuke, ops-center, "
             "or a file of your own such as ./mine.toml.",
     .apply = apply_profile,
     .show = [](const Config& c) { return c.profile; }},
    {.name = "catalogue",
     .environment = "FANFARE_CATALOGUE",
     .toml_key = "catalogue",
     .default_value = "profile",
     .value_hint = "open|closed|profile",
     .help = "Closed refuses event types that are not registered; open accepts any; profile "
             "is as the profile says.",
     .apply = apply_catalogue,
     .show = show_catalogue},
    {.name = "auto-create-tenants",
     .environment = "FANFARE_AUTO_CREATE_TENANTS",
     .toml_key = "auto_create_tenants",
     .default_value = "profile",
     .value_hint = "",
     .help = "An unknown external id that an admin names, to publish or to create, makes its "
             "tenant; profile is as the profile says.",
     .apply = apply_auto_create_tenants,
     .show =
         [](const Config& c) {
           return c.auto_create_tenants ? show_switch(*c.auto_create_tenants) : "profile";
         }},
    {.name = "broadcast",
     .environment = "FANFARE_BROADCAST",
     .toml_key = "broadcast",
     .default_value = "profile",
     .value_hint = "",
     .help =
         "An event that an admin publishes without a tenant goes to every tenant; profile is as "
         "the profile says.",
     .apply = apply_broadcast,
     .show =
         [](const Config& c) {
           return c.allows_broadcast ? show_switch(*c.allows_broadcast) : "profile";
         }},
    {.name = "reactors",
     .environment = "FANFARE_REACTORS",
     .toml_key = "reactors",
     .default_value = "0",
     .value_hint = "COUNT",
     .help = "Threads that speak HTTP; 0 chooses by the number of cores.",
     .apply = apply_reactors,
     .show = [](const Config& c) { return std::to_string(c.reactors); }},
    {.name = "reader-threads",
     .environment = "FANFARE_READER_THREADS",
     .toml_key = "reader_threads",
     .default_value = "2",
     .value_hint = "COUNT",
     .help = "Threads that answer lists and searches from the database.",
     .apply = apply_reader_threads,
     .show = [](const Config& c) { return std::to_string(c.reader_threads); }},
    {.name = "log-level",
     .environment = "FANFARE_LOG_LEVEL",
     .toml_key = "log.level",
     .default_value = "info",
     .value_hint = "debug|info|warning|error|off",
     .help = "The least important lines to write; debug adds a line for each successful attempt.",
     .apply = apply_log_level,
     .show = [](const Config& c) { return c.log_level; }},
    {.name = "log-format",
     .environment = "FANFARE_LOG_FORMAT",
     .toml_key = "log.format",
     .default_value = "pretty",
     .value_hint = "pretty|json",
     .help = "How lines look on standard error: for people, or one JSON object each.",
     .apply = apply_log_format,
     .show = [](const Config& c) { return c.log_format; }},
    {.name = "disable-after",
     .environment = "FANFARE_DISABLE_AFTER",
     .toml_key = "disable_after",
     .default_value = "off",
     .value_hint = "off|DURATION",
     .help = "Disables a webhook whose every attempt failed for so long, such as 5d.",
     .apply = apply_disable_after,
     .show =
         [](const Config& c) {
           return c.disable_after ? format_duration(*c.disable_after) : std::string("off");
         }},
    {.name = "retention-events",
     .environment = "FANFARE_RETENTION_EVENTS",
     .toml_key = "retention.events",
     .default_value = "30d",
     .value_hint = "DURATION",
     .help = "How long events are kept, with their payloads; longer than any retries take.",
     .apply = [](Config& c, std::string_view t) { return apply_retention(c.retention_events, t); },
     .show = [](const Config& c) { return format_duration(c.retention_events); }},
    {.name = "retention-attempts",
     .environment = "FANFARE_RETENTION_ATTEMPTS",
     .toml_key = "retention.attempts",
     .default_value = "30d",
     .value_hint = "DURATION",
     .help = "How long attempts are kept.",
     .apply = [](Config& c,
                 std::string_view t) { return apply_retention(c.retention_attempts, t); },
     .show = [](const Config& c) { return format_duration(c.retention_attempts); }},
    {.name = "retention-deliveries",
     .environment = "FANFARE_RETENTION_DELIVERIES",
     .toml_key = "retention.deliveries",
     .default_value = "90d",
     .value_hint = "DURATION",
     .help = "How long finished deliveries are kept; at least as long as events and attempts.",
     .apply = [](Config& c,
                 std::string_view t) { return apply_retention(c.retention_deliveries, t); },
     .show = [](const Config& c) { return format_duration(c.retention_deliveries); }},
    {.name = "retention-audit",
     .environment = "FANFARE_RETENTION_AUDIT",
     .toml_key = "retention.audit",
     .default_value = "365d",
     .value_hint = "DURATION",
     .help = "How long the audit log is kept.",
     .apply = [](Config& c, std::string_view t) { return apply_retention(c.retention_audit, t); },
     .show = [](const Config& c) { return format_duration(c.retention_audit); }},
    {.name = "cleanup-interval",
     .environment = "FANFARE_CLEANUP_INTERVAL",
     .toml_key = "cleanup_interval",
     .default_value = "1h",
     .value_hint = "DURATION",
     .help = "How often what is too old is removed.",
     .apply = apply_cleanup_interval,
     .show = [](const Config& c) { return format_duration(c.cleanup_interval); }},
    {.name = "drain-timeout",
     .environment = "FANFARE_DRAIN_TIMEOUT",
     .toml_key = "drain_timeout",
     .default_value = "10s",
     .value_hint = "DURATION",
     .help = "How long a stopping server waits for attempts that are under way.",
     .apply = apply_drain_timeout,
     .show = [](const Config& c) { return std::to_string(c.drain_timeout.count()) + "ms"; }},
};

}  // namespace

std::span<const ConfigOption> config_options() {
  return kOptions;
}

std::string flag_of(const ConfigOption& option) {
  return "--" + std::string(option.name) + (option.is_secret ? "-file" : "");
}

}  // namespace fanfare
