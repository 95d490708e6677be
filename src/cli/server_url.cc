#include "cli/server_url.h"

namespace fanfare {

std::string url_of(const Config& config, std::uint16_t port) {
  std::string host = config.listen.address;
  if (host == "0.0.0.0") host = "127.0.0.1";  // every address: the one to call it by from here
  if (host == "::") host = "::1";
  if (host.find(':') != std::string::npos) host = "[" + host + "]";
  return "http://" + host + ":" + std::to_string(port);
}

}  // namespace fanfare
