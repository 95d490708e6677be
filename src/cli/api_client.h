// ApiClient: calls the API of the running server, for verbs that ask it something or tell it to do
// something. Blocking, one call at a time, one thread; the only place with libcurl.
//
// The address is --url, else where the configuration says that the server listens. The key is that
// of --api-key-file, FANFARE_API_KEY or FANFARE_API_KEY_FILE, else the configured admin key. It
// goes to that address and nowhere else: no proxy of the environment, no redirect.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/secret.h"
#include "config/config.h"

namespace CLI {
class App;
}

namespace fanfare {

// What the flags said; empty = not given.
struct ApiFlags {
  std::string url;
  std::string key_file;
};
// `flags` outlives the parse.
void add_api_flags(CLI::App& command, ApiFlags& flags);

// Where to call and as whom.
struct ApiAccess {
  std::string url;  // without a slash at its end
  Secret key;
};
// Errc::invalid says which option is missing or wrong.
Result<ApiAccess> api_access(const ApiFlags& flags, const Config& config,
                             const std::map<std::string, std::string>& environment);

struct ApiRequest {
  std::string method = "GET";
  std::string path;    // "/api/v1/tenants?limit=1"
  std::string body{};  // JSON; empty = none
  std::chrono::seconds timeout{60};
};
struct ApiAnswer {
  int status = 0;
  std::string body;
};

// The server's words about a request that it refused: each field's once, or what it says of the
// whole; its status if it says nothing.
std::string refusal_in(const ApiAnswer& answer);

class ApiClient {
 public:
  explicit ApiClient(ApiAccess access) : access_(std::move(access)) {}

  // Whatever the server answers. Errc::unavailable: nobody listens there, nothing was asked;
  // Errc::internal: the call failed later, so the server may have done its part.
  Result<ApiAnswer> send(const ApiRequest& request) const;
  // The body of a 2xx answer; any other is an error with the words of its problem document.
  Result<std::string> call(const ApiRequest& request) const;

  const std::string& url() const { return access_.url; }

 private:
  ApiAccess access_;
};

}  // namespace fanfare
