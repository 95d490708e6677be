// The answer to one request, as far as it is kept.
#pragma once

#include <string>

#include "domain/outcome.h"

namespace fanfare::net {

struct ClientResponse {
  int status = 0;
  HeaderList headers;
  std::string body;
  bool is_truncated = false;
};

}  // namespace fanfare::net
