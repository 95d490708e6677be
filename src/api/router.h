// Router: which handler answers a request. The table of routes is data (api/routes.cc), compared
// segment by segment without regular expressions; it is also the list that the documentation is
// checked against.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "domain/tenant.h"

namespace fanfare {

class Exchange;
struct ApiContext;
using ExchangePtr = std::shared_ptr<Exchange>;
using RouteHandler = void (*)(ApiContext&, const ExchangePtr&);

// A set of roles, one bit each.
using RoleSet = unsigned;
constexpr RoleSet role_bit(Role role) {
  return 1U << static_cast<unsigned>(role);
}
inline constexpr RoleSet kAnybody = 0;  // no key needed
inline constexpr RoleSet kAdmins = role_bit(Role::admin);
inline constexpr RoleSet kWriters = kAdmins | role_bit(Role::tenant);
inline constexpr RoleSet kReaders = kWriters | role_bit(Role::read);
inline constexpr RoleSet kPublishers = kWriters | role_bit(Role::publish);
inline constexpr RoleSet kEveryKey = kReaders | kPublishers;

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/api/v1/webhooks/{id}/pause"
  RouteHandler handler;
  RoleSet roles;
  std::size_t body_bytes_max;  // 0 = a body is refused
  // Whether a tenant that an admin names here and that is not there is made, if the server does so
  // at all: where something is made for it, and not where something of it is looked for.
  bool makes_tenants = false;
};

// Every route of the API, literal segments before parameters where both could match.
std::span<const Route> api_routes();

// Everything that this server answers or is going to, each with what is below it: no profile can
// put a path of its own there.
std::span<const std::string_view> own_paths();

struct RouteMatch {
  const Route* route = nullptr;         // none: no route, or not with this method
  std::vector<std::string> parameters;  // of the path, percent-decoded, in order
  std::string allow;  // methods of the path when only the method is wrong: "GET, POST"
};

// Immutable; any thread.
class Router {
 public:
  explicit Router(std::span<const Route> routes);
  // A slash at the end of the path is no difference.
  RouteMatch match(std::string_view method, std::string_view path) const;

 private:
  struct Entry {
    const Route* route;
    std::vector<std::string_view> segments;
  };
  std::vector<Entry> entries_;
};

}  // namespace fanfare
