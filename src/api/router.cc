#include "api/router.h"

#include <array>

#include "api/query.h"
#include "base/assert.h"

namespace fanfare {
namespace {

// More than any pattern has: a path with more segments matches nothing.
constexpr std::size_t kSegmentsMax = 8;

struct Segments {
  std::array<std::string_view, kSegmentsMax> parts;
  std::size_t count = 0;
  bool is_too_long = false;
};

Segments split(std::string_view path) {
  Segments result;
  if (!path.starts_with('/')) {
    result.is_too_long = true;
    return result;
  }
  path.remove_prefix(1);
  while (true) {
    if (result.count == kSegmentsMax) {
      result.is_too_long = true;
      return result;
    }
    const std::size_t slash = path.find('/');
    result.parts[result.count++] = path.substr(0, slash);
    if (slash == std::string_view::npos) return result;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{');
}

bool fits(const std::vector<std::string_view>& pattern, const Segments& path) {
  if (pattern.size() != path.count) return false;
  for (std::size_t i = 0; i < path.count; ++i) {
    if (is_parameter(pattern[i]) ? path.parts[i].empty() : pattern[i] != path.parts[i])
      return false;
  }
  return true;
}

}  // namespace

Router::Router(std::span<const Route> routes) {
  for (const Route& route : routes) {
    const Segments parts = split(route.pattern);
    FANFARE_ASSERT(!parts.is_too_long);
    entries_.push_back({&route, {parts.parts.begin(), parts.parts.begin() + parts.count}});
  }
}

RouteMatch Router::match(std::string_view method, std::string_view path) const {
  RouteMatch result;
  // Clients that build paths from parts leave one slash too many.
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const Segments parts = split(path);
  if (parts.is_too_long) return result;
  for (const Entry& entry : entries_) {
    if (!fits(entry.segments, parts)) continue;
    if (entry.route->method != method) {
      const std::string_view other = entry.route->method;
      if (result.allow.find(other) == std::string::npos) {
        result.allow.append(result.allow.empty() ? "" : ", ").append(other);
      }
      continue;
    }
    for (std::size_t i = 0; i < parts.count; ++i) {
      if (!is_parameter(entry.segments[i])) continue;
      auto value = percent_decode(parts.parts[i], false);
      if (!value) return {};
      result.parameters.push_back(std::move(*value));
    }
    result.route = entry.route;
    result.allow.clear();
    return result;
  }
  return result;
}

}  // namespace fanfare
