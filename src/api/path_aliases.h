// PathAliases: the URLs that a profile's clients call, in front of the routes of the API. A request
// is led to the route that the first fitting alias names; where none leads to a route that takes
// the method, the path is what it says. Without aliases this is the router and nothing else.
//
// Some aliases are told apart by the body's member "action": on the head such a request may be any
// of them, and choose_by_action() decides once the body is there.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "api/router.h"
#include "domain/profile.h"

namespace fanfare {

// What a request is for. `path` and `query` are what it is in our own words.
struct RouteTarget {
  RouteMatch match;  // with a route
  std::string path;
  std::optional<std::string> query;  // none = as the request has it
  bool is_for_admins = false;        // by the alias, whatever the route says

  RoleSet roles() const { return is_for_admins ? kAdmins : match.route->roles; }
};

struct Routed {
  struct Choice {
    std::string action;
    RouteTarget target;
  };
  RouteTarget target;           // unless there are choices
  std::vector<Choice> choices;  // one for each action that the body may name
  bool is_aliased = false;

  // What any of the choices would take: the head is judged before the body can choose.
  RoleSet roles() const;
  std::size_t body_bytes_max() const;
};

// Immutable; any thread.
class PathAliases {
 public:
  PathAliases(const Router& router, std::vector<PathAlias> aliases)
      : router_(router), aliases_(std::move(aliases)) {}

  // 404, 405 with every method of the path, or 422 where the parameter is missing that should have
  // named the object.
  Checked<Routed> find(const net::HttpRequest& request) const;

 private:
  std::string allowed_methods(std::string_view path) const;

  const Router& router_;
  const std::vector<PathAlias> aliases_;
};

// The choice that `body` makes, whose "action" is taken out of it; 400 or 422 naming the actions.
Checked<RouteTarget> choose_by_action(const Routed& routed, std::string& body);

// Whether an alias can be of any use.
bool leads_to_route(const PathAlias& alias);

}  // namespace fanfare
