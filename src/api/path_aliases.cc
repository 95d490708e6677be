#include "api/path_aliases.h"

#include <algorithm>

#include "api/json_input.h"
#include "api/query.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace fanfare {
namespace {

constexpr std::string_view kAction = "action";

// What stands behind `from` in a path: "", or "/…" without a slash at the end.
std::optional<std::string_view> rest_below(std::string_view from, std::string_view path) {
  if (!path.starts_with(from)) return std::nullopt;
  std::string_view rest = path.substr(from.size());
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.empty() && (!rest.starts_with('/') || rest.ends_with('/'))) return std::nullopt;
  return rest;
}

// Any text as one segment of a path.
std::string path_segment(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string out;
  for (const char c : text) {
    if (kPlain.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

// Takes the parameter out of a query; none if it is not there, empty, or cannot be read.
std::optional<std::string> take_parameter(std::string& query, std::string_view name) {
  std::string rest;
  std::optional<std::string> value;
  for (std::string_view left = query; !left.empty();) {
    const std::string_view one = left.substr(0, left.find('&'));
    left.remove_prefix(std::min(left.size(), one.size() + 1));
    const std::size_t equals = one.find('=');
    if (!value && equals != std::string_view::npos && one.substr(0, equals) == name) {
      value = percent_decode(one.substr(equals + 1), true);
      if (!value || value->empty()) return std::nullopt;
    } else {
      rest.append(rest.empty() ? "" : "&").append(one);
    }
  }
  if (value) query = std::move(rest);
  return value;
}

// Where an alias leads; none if the parameter is missing that the path is made with.
struct Place {
  std::string path;
  std::optional<std::string> query;
};
std::optional<Place> place_of(const PathAlias& alias, std::string_view rest,
                              std::string_view query) {
  if (alias.id_from.empty()) return Place{alias.to + std::string(rest), std::nullopt};
  std::string left(query);
  const auto id = take_parameter(left, alias.id_from);
  if (!id) return std::nullopt;
  return Place{alias.to + "/" + path_segment(*id), std::move(left)};
}

void add_method(std::string& methods, std::string_view method) {
  if (methods.find(method) != std::string::npos) return;
  methods.append(methods.empty() ? "" : ", ").append(method);
}

// "GET, POST": every method that some route of the path takes, less those an alias leaves out.
void add_methods(std::string& methods, std::string_view of_path, std::string_view only) {
  while (!of_path.empty()) {
    const std::string_view one = of_path.substr(0, of_path.find(", "));
    of_path.remove_prefix(std::min(of_path.size(), one.size() + 2));
    if (only.empty() || only == one) add_method(methods, one);
  }
}

Problem missing_parameter(const std::string& name) {
  return validation_problem(
      {{"", "required", "is required: it names what the request is about", name}});
}

tl::unexpected<Problem> wrong_action(const Routed& routed) {
  std::string names;
  for (std::size_t i = 0; i < routed.choices.size(); ++i) {
    const bool is_last = i + 1 == routed.choices.size();
    names.append(i == 0 ? "" : is_last ? " or " : ", ");
    names.append("\"").append(routed.choices[i].action).append("\"");
  }
  return tl::unexpected<Problem>(
      validation_problem({{"/action", "unknown_action", "must be " + names, ""}}));
}

// An object of these members, their values byte for byte.
std::string object_of(const std::vector<JsonMember>& members, std::string_view without) {
  std::string out = "{";
  for (const JsonMember& member : members) {
    if (unescape_json(member.key) == without) continue;
    if (out.size() > 1) out += ',';
    out.append("\"").append(member.key).append("\":").append(member.value);
  }
  return out += '}';
}

}  // namespace

RoleSet Routed::roles() const {
  if (choices.empty()) return target.roles();
  RoleSet all = 0;
  for (const Choice& choice : choices) all |= choice.target.roles();
  return all;
}

std::size_t Routed::body_bytes_max() const {
  if (choices.empty()) return target.match.route->body_bytes_max;
  std::size_t most = 0;
  for (const Choice& choice : choices)
    most = std::max(most, choice.target.match.route->body_bytes_max);
  return most;
}

std::string PathAliases::allowed_methods(std::string_view path) const {
  std::string methods;
  for (const PathAlias& alias : aliases_) {
    const auto rest = rest_below(alias.from, path);
    if (!rest) continue;
    const std::string to = alias.to + (alias.id_from.empty() ? std::string(*rest) : "/id");
    add_methods(methods, router_.match("", to).allow, alias.method);
  }
  add_methods(methods, router_.match("", path).allow, "");
  return methods;
}

Checked<Routed> PathAliases::find(const net::HttpRequest& request) const {
  Routed routed;
  const std::string* missing = nullptr;
  for (const PathAlias& alias : aliases_) {
    const auto rest = rest_below(alias.from, request.path);
    if (!rest || (!alias.id_from.empty() && !rest->empty())) continue;
    if (!alias.method.empty() && alias.method != request.method) continue;
    if (!routed.choices.empty() && alias.action.empty()) break;
    auto place = place_of(alias, *rest, request.query);
    if (!place) {
      missing = &alias.id_from;
      continue;
    }
    RouteTarget target{router_.match(request.method, place->path), std::move(place->path),
                       std::move(place->query), alias.is_for_admins};
    if (target.match.route == nullptr) continue;
    routed.is_aliased = true;
    if (alias.action.empty()) {
      routed.target = std::move(target);
      return routed;
    }
    routed.choices.push_back({alias.action, std::move(target)});
  }
  if (!routed.choices.empty()) return routed;
  routed.target.match = router_.match(request.method, request.path);
  if (routed.target.match.route != nullptr) return routed;
  const std::string allow =
      aliases_.empty() ? routed.target.match.allow : allowed_methods(request.path);
  if (missing != nullptr) return tl::unexpected<Problem>(missing_parameter(*missing));
  if (allow.empty()) return refuse(ProblemKind::not_found, "There is nothing at this path.");
  Problem problem(ProblemKind::method_not_allowed, "This path takes: " + allow + ".");
  problem.headers.emplace_back("Allow", allow);
  return tl::unexpected<Problem>(std::move(problem));
}

Checked<RouteTarget> choose_by_action(const Routed& routed, std::string& body) {
  if (is_blank(body)) return wrong_action(routed);
  const auto members = scan_json_object(body);
  if (!members) return refuse(ProblemKind::malformed_json, members.error().message);
  for (const JsonMember& member : *members) {
    if (unescape_json(member.key) != kAction || member.value.front() != '"') continue;
    const std::string action = unescape_json(member.value.substr(1, member.value.size() - 2));
    for (const Routed::Choice& choice : routed.choices) {
      if (choice.action != action) continue;
      body = object_of(*members, kAction);
      return choice.target;
    }
  }
  return wrong_action(routed);
}

bool leads_to_route(const PathAlias& alias) {
  const bool is_by_id = !alias.id_from.empty();
  const std::string to = is_by_id ? alias.to + "/id" : alias.to;
  for (const Route& route : api_routes()) {
    if (!alias.method.empty() && alias.method != route.method) continue;
    if (Router({&route, 1}).match(route.method, to).route != nullptr) return true;
    // Everything below `from` is below `to`, but an id and an action belong to one path.
    const bool is_below = route.pattern.starts_with(to + "/") && alias.action.empty();
    if (is_below && !is_by_id) return true;
  }
  return false;
}

}  // namespace fanfare
