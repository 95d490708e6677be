#include "egress/target.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/limits.h"

namespace fanfare {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// RFC 3986 reserved, unreserved and '%'; all else (controls, spaces, backslashes, raw UTF-8) dies
// here, before anything could normalise it.
bool is_url_byte(char c) {
  constexpr std::string_view kMarks = "-._~:/?#[]@!$&'()*+,;=%";
  return is_digit(c) || is_alpha(c) || kMarks.find(c) != std::string_view::npos;
}

tl::unexpected<Error> refuse(std::string_view why) {
  return fail(Errc::invalid, std::string(why));
}

Result<void> check_bytes(std::string_view url) {
  if (url.size() > limits::kUrlBytesMax) return refuse("a URL may have 2048 bytes at most");
  for (std::size_t i = 0; i < url.size(); ++i) {
    if (!is_url_byte(url[i])) {
      return refuse(
          "the URL contains a byte that URLs may not contain (a space, a control character, "
          "a backslash or a letter outside ASCII); percent-encode it in the path, and write an "
          "international name in its xn-- form");
    }
    if (url[i] == '#') return refuse("the URL must not contain '#'");
    if (url[i] != '%') continue;
    if (i + 2 >= url.size() || !is_hex(url[i + 1]) || !is_hex(url[i + 2])) {
      return refuse("every '%' in the URL must be followed by two hexadecimal digits");
    }
  }
  return {};
}

// Names that a public resolver must never be asked for, or that mean something else inside a
// network.
constexpr auto kLocalSuffixes = std::to_array<std::string_view>(
    {"localhost", "local", "internal", "intranet", "private", "corp", "home", "lan", "localdomain",
     "home.arpa", "arpa", "onion", "invalid", "test", "cluster.local"});

bool is_local_name(std::string_view name) {
  return std::any_of(kLocalSuffixes.begin(), kLocalSuffixes.end(), [&](std::string_view suffix) {
    if (!name.ends_with(suffix)) return false;
    return name.size() == suffix.size() || name[name.size() - suffix.size() - 1] == '.';
  });
}

bool is_label(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-')
    return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return is_alpha(c) || is_digit(c) || c == '-' || c == '_'; });
}

Result<std::string> parse_name(std::string_view text, const UrlRules& rules) {
  const std::string name = lower_case(text);
  if (name == "localhost" && rules.allows_localhost) return name;
  if (name.size() > 253) return refuse("the host name is longer than 253 bytes");
  std::string_view rest = name;
  std::string_view label;
  std::size_t labels = 0;
  while (true) {
    const auto dot = rest.find('.');
    label = rest.substr(0, dot);
    if (!is_label(label)) {
      return refuse(
          "each part of the host name must be 1 to 63 letters, digits, '-' or '_', must not begin "
          "or end with '-', and the name must not end with a dot");
    }
    ++labels;
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (is_digit(label.front())) {
    return refuse("an IPv4 address must be four decimal numbers without leading zeros");
  }
  if (is_local_name(name)) return refuse("names of local networks are not allowed");
  if (labels < 2)
    return refuse("the host must be a full name with a dot, such as hooks.example.com");
  if (!label.starts_with("xn--") && !std::all_of(label.begin(), label.end(), is_alpha)) {
    return refuse("the last part of the host name must be letters, or begin with xn--");
  }
  return name;
}

Result<std::uint16_t> parse_port(std::string_view text) {
  unsigned port = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || text.front() == '0' || error != std::errc{} ||
      stop != text.data() + text.size() || port > 65535) {
    return refuse("the port must be a decimal number from 1 to 65535 without leading zeros");
  }
  return static_cast<std::uint16_t>(port);
}

Result<void> parse_host(std::string_view host, const UrlRules& rules, Target& target) {
  if (host.empty()) return refuse("the URL has no host");
  if (host.front() != '[') {
    target.ip = parse_ip(host);
    if (target.ip) return {};
    TRY(target.host, parse_name(host, rules));
    return {};
  }
  target.ip = parse_ip(host.substr(1, host.size() - 2));
  if (!target.ip || !target.ip->is_v6) {
    return refuse("between '[' and ']' there must be an IPv6 address without a zone");
  }
  return {};
}

// `authority` is what stands between "//" and the first '/' or '?'.
Result<void> parse_authority(std::string_view authority, const UrlRules& rules, Target& target) {
  if (authority.find('@') != std::string_view::npos) {
    return refuse("the URL must not contain a user name or password; use a custom header");
  }
  if (authority.find('%') != std::string_view::npos) {
    return refuse("the host must not be percent-encoded");
  }
  std::size_t host_end = authority.find(':');
  if (authority.starts_with('[')) {
    const auto bracket = authority.find(']');
    if (bracket == std::string_view::npos) return refuse("the URL has a '[' without a ']'");
    host_end = bracket + 1;
  }
  TRY_VOID(parse_host(authority.substr(0, host_end), rules, target));
  target.port = target.is_https ? 443 : 80;
  if (host_end >= authority.size()) return {};
  if (authority[host_end] != ':') return refuse("only a port may follow the host");
  TRY(target.port, parse_port(authority.substr(host_end + 1)));
  return {};
}

}  // namespace

std::string Target::authority() const {
  std::string text = host;
  if (ip) text = ip->is_v6 ? "[" + to_string(*ip) + "]" : to_string(*ip);
  if (port != (is_https ? 443 : 80)) text += ":" + std::to_string(port);
  return text;
}

Result<Target> parse_target(std::string_view url, const UrlRules& rules) {
  TRY_VOID(check_bytes(url));
  Target target;
  const auto colon = url.find("://");
  const std::string scheme = lower_case(url.substr(0, std::min<std::size_t>(colon, 6)));
  if (colon == std::string_view::npos || (scheme != "https" && scheme != "http")) {
    return refuse(rules.allows_http ? "the URL must begin with https:// or http://"
                                    : "the URL must begin with https://");
  }
  target.is_https = scheme == "https";
  if (!target.is_https && !rules.allows_http) {
    return refuse("the URL must begin with https:// (plain http is switched off on this server)");
  }
  const std::string_view rest = url.substr(colon + 3);
  const auto authority_end = std::min(rest.find_first_of("/?"), rest.size());
  TRY_VOID(parse_authority(rest.substr(0, authority_end), rules, target));
  const std::string_view path_and_query = rest.substr(authority_end);
  if (!path_and_query.starts_with('/')) target.origin_form = "/";
  target.origin_form += path_and_query;
  return target;
}

}  // namespace fanfare
