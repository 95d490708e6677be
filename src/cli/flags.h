// The flags of the configuration, made from its table of options.
#pragma once

#include <map>
#include <string>

namespace CLI {
class App;
}

namespace fanfare {

// Adds one flag for each option; what is given lands in `flags` by option name ("egress-allow"),
// secrets by their file's name.
void add_config_flags(CLI::App& command, std::map<std::string, std::string>& flags);

}  // namespace fanfare
