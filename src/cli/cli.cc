#include "cli/cli.h"

#include <iostream>
#include <map>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "app/egress_options.h"
#include "app/retention_options.h"
#include "cli/console.h"
#include "cli/flags.h"
#include "cli/verb.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX leaves it to the program

namespace fanfare {

namespace {

std::map<std::string, std::string> environment() {
  std::map<std::string, std::string> all;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string::npos) all.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return all;
}

// The one place that reads configuration, the same for every verb.
int run_verb(Verb& verb, std::map<std::string, std::string> flags, const std::string& file) {
  ConfigSources sources;
  if (!file.empty()) sources.file = file;
  sources.environment = environment();
  sources.flags = std::move(flags);
  sources.defaults = verb.defaults();
  const Result<Config> config = load_config(sources);
  if (!config) return complain_of_use(config.error());
  const auto policy = egress_policy_of(*config);
  if (!policy) return complain_of_use(policy.error());
  const auto proxies = trusted_proxies_of(*config);
  if (!proxies) return complain_of_use(proxies.error());
  const auto retention = retention_of(*config);
  if (!retention) return complain_of_use(retention.error());
  return verb.run(*config, sources);
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
  const std::vector<std::unique_ptr<Verb>> verbs = all_verbs();
  for (const std::unique_ptr<Verb>& verb : verbs) {
    CLI::App* command = app.add_subcommand(verb->name(), verb->summary());
    command->add_option("--config", file, "Read options from this TOML file.")->type_name("FILE");
    add_config_flags(*command, flags);
    verb->declare(*command);
    command->allow_extras();  // load_config() knows which option an unknown one is nearest to
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitDone : kExitWrongUse;
  }
  for (const std::unique_ptr<Verb>& verb : verbs) {
    const CLI::App& command = *app.get_subcommand(verb->name());
    if (!command.parsed()) continue;
    if (!take_unknown(command.remaining(), flags)) return kExitWrongUse;
    try {
      return run_verb(*verb, std::move(flags), file);
    } catch (const std::exception& error) {
      std::cerr << "fanfare: stopped by an unexpected error: " << error.what() << "\n";
      return kExitFailed;
    }
  }
  return kExitWrongUse;
}

}  // namespace fanfare
