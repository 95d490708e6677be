#include "cli/flags.h"

#include <CLI/CLI.hpp>

#include "config/config.h"

namespace fanfare {

void add_config_flags(CLI::App& command, std::map<std::string, std::string>& flags) {
  for (const ConfigOption& option : config_options()) {
    const std::string flag = flag_of(option);
    const std::string name = flag.substr(2);  // without "--": how ConfigSources::flags names it
    std::string help(option.help);
    if (!option.default_value.empty())
      help += " (default " + std::string(option.default_value) + ")";
    help += " [" + std::string(option.environment) + "]";
    const auto keep = [&flags, name](const std::string& value) { flags[name] = value; };
    if (option.value_hint.empty()) {
      command.add_flag_callback(flag, [&flags, name] { flags[name] = "true"; }, help);
    } else {
      command.add_option_function<std::string>(flag, keep, help)
          ->type_name(std::string(option.value_hint));
    }
  }
}

}  // namespace fanfare
