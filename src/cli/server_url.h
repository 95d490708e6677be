// The address by which a server with this configuration is called from the same machine.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"

namespace fanfare {

// Such as http://127.0.0.1:8080, without a slash at its end.
std::string url_of(const Config& config, std::uint16_t port);

}  // namespace fanfare
