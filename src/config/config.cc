#include "config/config.h"

#include <algorithm>
#include <filesystem>

#include "base/edit_distance.h"
#include "config/toml_file.h"

namespace fanfare {
namespace {

constexpr std::size_t kConfigFileBytesMax = 1024 * 1024;
constexpr std::size_t kSecretFileBytesMax = 8 * 1024;
constexpr std::string_view kEnvironmentPrefix = "FANFARE_";
constexpr std::string_view kMasterKey = "master-key";

// A value and the place it was found at, before it is parsed.
struct Found {
  std::string value;
  std::string origin;
  std::string file = {};  // whose content it is; empty = of none
};

// One layer of sources under one shape: what is asked by key, and how the place is called.
struct Layer {
  std::map<std::string, Found, std::less<>> values;  // key in the layer's own spelling → value
  std::string (*key_of)(const ConfigOption& option) = nullptr;
  std::string_view file_suffix;  // turns the key of a secret into that of its file
  bool takes_plain_secrets = true;
  std::string_view prefix = "";  // of a key in a sentence
};

std::string toml_key_of(const ConfigOption& option) {
  return std::string(option.toml_key);
}
std::string environment_of(const ConfigOption& option) {
  return std::string(option.environment);
}
std::string name_of_option(const ConfigOption& option) {
  return std::string(option.name);
}

// Every spelling that a layer understands.
std::vector<std::string> known_keys(const Layer& layer) {
  std::vector<std::string> keys;
  for (const ConfigOption& option : config_options()) {
    const std::string key = layer.key_of(option);
    if (option.is_secret) keys.push_back(key + std::string(layer.file_suffix));
    if (!option.is_secret || layer.takes_plain_secrets) keys.push_back(key);
  }
  return keys;
}

// The known key that `key` was probably meant to be; empty if none is near.
std::string nearest_key(const Layer& layer, std::string_view key) {
  constexpr std::size_t kDistanceMax = 2;
  std::string nearest;
  std::size_t best = kDistanceMax + 1;
  for (std::string& candidate : known_keys(layer)) {
    if (candidate == std::string(key) + std::string(layer.file_suffix)) return candidate;
    const std::size_t distance = edit_distance(key, candidate);
    if (distance >= best) continue;
    best = distance;
    nearest = std::move(candidate);
  }
  return nearest;
}

bool is_known(const Layer& layer, std::string_view key) {
  const auto keys = known_keys(layer);
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

std::string suggestion(const Layer& layer, std::string_view key) {
  const std::string nearest = nearest_key(layer, key);
  return nearest.empty() ? "" : "; did you mean " + std::string(layer.prefix) + nearest + "?";
}

Result<Layer> flag_layer(const ConfigSources& sources) {
  Layer layer{{}, name_of_option, "-file", false, "--"};
  for (const auto& [flag, value] : sources.flags) {
    if (!is_known(layer, flag))
      return fail(Errc::invalid, "--" + flag + " is not an option" + suggestion(layer, flag));
    layer.values[flag] = {value, "--" + flag};
  }
  return layer;
}

// An unknown FANFARE_* variable is no error: container platforms add some of their own for a
// service of our name (FANFARE_PORT, FANFARE_SERVICE_HOST). One that is nearly an option is worth a
// warning.
Layer environment_layer(const ConfigSources& sources, std::vector<std::string>& warnings) {
  Layer layer{{}, environment_of, "_FILE", true};
  for (const auto& [variable, value] : sources.environment) {
    if (!variable.starts_with(kEnvironmentPrefix) || variable == "FANFARE_CONFIG") continue;
    if (is_known(layer, variable)) {
      // An empty variable is how compose files spell "not set".
      if (!value.empty()) layer.values[variable] = {value, variable};
    } else if (const std::string hint = suggestion(layer, variable); !hint.empty()) {
      warnings.push_back(variable + " is not an option" + hint);
    }
  }
  return layer;
}

// What an option must be in TOML, if it is something else there; empty if it is in order. A value
// in quotes where none belong is a mistake about what it means: "no" and "0" are not false in TOML.
std::string_view kind_rule(const ConfigOption& option, TomlKind kind) {
  if (!option.is_secret && option.value_hint.empty())
    return kind == TomlKind::boolean ? "" : "must be true or false, without quotes";
  if (option.value_hint == "COUNT")
    return kind == TomlKind::integer ? "" : "must be an integer, without quotes";
  if (kind == TomlKind::string) return "";
  if (option.value_hint.ends_with("…"))
    return kind == TomlKind::list ? "" : "must be a list of strings";
  return "must be a string, in quotes";
}

Result<void> check_kind(const Layer& layer, const TomlEntry& entry, const std::string& place) {
  for (const ConfigOption& option : config_options()) {
    const std::string key = layer.key_of(option);
    const bool is_its_file = option.is_secret && entry.key == key + std::string(layer.file_suffix);
    if (entry.key != key && !is_its_file) continue;
    const std::string_view rule = kind_rule(option, entry.kind);
    if (!rule.empty())
      return fail(Errc::invalid, place + ": " + entry.key + " " + std::string(rule));
  }
  return {};
}

Result<Layer> file_layer(const ConfigSources& sources) {
  Layer layer{{}, toml_key_of, "_file", true};
  std::string path = sources.file.value_or("");
  if (!sources.file) {
    const auto variable = sources.environment.find("FANFARE_CONFIG");
    if (variable == sources.environment.end() || variable->second.empty()) return layer;
    path = variable->second;
  }
  TRY(const std::string text, read_text_file(path, kConfigFileBytesMax));
  TRY(const auto entries, parse_toml(text, path));
  for (const TomlEntry& entry : entries) {
    const std::string place = path + ":" + std::to_string(entry.line);
    if (!is_known(layer, entry.key))
      return fail(Errc::invalid,
                  place + ": " + entry.key + " is not an option" + suggestion(layer, entry.key));
    TRY_VOID(check_kind(layer, entry, place));
    layer.values[entry.key] = {entry.value, place};
  }
  return layer;
}

// The content of a secret's file, less the line end that editors and `echo` put there.
Result<std::string> read_secret(const Found& file) {
  auto text = read_text_file(file.value, kSecretFileBytesMax);
  if (!text) return fail(Errc::invalid, file.origin + ": " + text.error().message);
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  if (text->empty()) return fail(Errc::invalid, file.origin + ": " + file.value + " is empty");
  return text;
}

Result<std::optional<Found>> find_in(const Layer& layer, const ConfigOption& option) {
  const std::string key = layer.key_of(option);
  const auto plain = layer.values.find(key);
  const auto file = option.is_secret ? layer.values.find(key + std::string(layer.file_suffix))
                                     : layer.values.end();
  if (plain != layer.values.end() && file != layer.values.end())
    return fail(Errc::invalid, plain->second.origin + " and " + file->second.origin + " both set " +
                                   std::string(option.name) + "; keep one of them");
  if (plain != layer.values.end()) return std::optional(plain->second);
  if (file == layer.values.end()) return std::optional<Found>{};
  TRY(std::string secret, read_secret(file->second));
  return std::optional(Found{std::move(secret), file->second.origin, file->second.value});
}

Result<Found> find_value(std::span<const Layer> layers, const ConfigOption& option,
                         const std::map<std::string, std::string>& defaults) {
  for (const Layer& layer : layers) {
    TRY(auto found, find_in(layer, option));
    if (found) return *std::move(found);
  }
  const auto own = defaults.find(std::string(option.name));
  return Found{own == defaults.end() ? std::string(option.default_value) : own->second, "default"};
}

// systemd hands a service its credentials as files in a folder of its own (systemd.exec(5)).
Result<Found> find_credential(const ConfigSources& sources, Found otherwise) {
  const auto folder = sources.environment.find("CREDENTIALS_DIRECTORY");
  if (folder == sources.environment.end() || folder->second.empty()) return otherwise;
  const std::string path = folder->second + "/fanfare-master-key";
  if (!std::filesystem::exists(path)) return otherwise;
  const std::string origin = "the credential fanfare-master-key";
  TRY(std::string secret, read_secret({path, origin, {}}));
  return Found{std::move(secret), origin, {}};
}

}  // namespace

Result<Config> load_config(const ConfigSources& sources) {
  Config config;
  TRY(Layer flags, flag_layer(sources));
  Layer environment = environment_layer(sources, config.warnings);
  TRY(Layer file, file_layer(sources));
  const Layer layers[] = {std::move(flags), std::move(environment), std::move(file)};
  for (const ConfigOption& option : config_options()) {
    TRY(Found found, find_value(layers, option, sources.defaults));
    if (option.name == kMasterKey && found.value.empty()) {
      TRY(found, find_credential(sources, std::move(found)));
    }
    if (auto applied = option.apply(config, found.value); !applied)
      return fail(Errc::invalid,
                  found.origin + ": " + std::string(option.name) + " " + applied.error().message);
    if (option.name == kMasterKey) config.master_key_file = found.file;
    config.origins[std::string(option.name)] = std::move(found.origin);
  }
  return config;
}

std::vector<ConfigRow> describe(const Config& config) {
  std::vector<ConfigRow> rows;
  for (const ConfigOption& option : config_options()) {
    const auto origin = config.origins.find(option.name);
    rows.push_back({std::string(option.name), option.show(config),
                    origin == config.origins.end() ? "default" : origin->second});
  }
  return rows;
}

}  // namespace fanfare
