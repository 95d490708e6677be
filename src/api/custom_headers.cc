#include "api/custom_headers.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"
#include "base/http_token.h"

namespace fanfare {
namespace {

struct NameGroup {
  std::string_view why;
  std::string_view names;  // separated by spaces; a trailing * matches any rest
};

constexpr std::array kFraming = {
    NameGroup{"it frames the message",
              "connection keep-alive proxy-* te trailer trailers transfer-encoding upgrade "
              "http2-settings content-length content-encoding expect max-forwards"},
    NameGroup{"it routes the message",
              "host via forwarded x-forwarded-* x-real-ip x-original-url x-rewrite-url "
              "x-http-method-override"},
    NameGroup{"it changes how the answer is fetched",
              "accept-encoding range if-* cookie set-cookie"},
    NameGroup{"cloud metadata services trust it",
              "metadata metadata-flavor x-aws-ec2-metadata-token* x-google-* x-goog-* x-amz-* "
              "x-azure-* x-ms-*"},
    NameGroup{"the server sets it itself", "content-type user-agent date"},
};
constexpr NameGroup kSignatures{
    "it belongs to signatures",
    "webhook-* svix-* x-svix-* fanfare-* x-fanfare-* stripe-signature x-hub-signature* x-shopify-* "
    "x-slack-*"};

bool fits(std::string_view pattern, std::string_view name) {
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

bool holds(const NameGroup& group, std::string_view name) {
  std::string_view rest = group.names;
  while (!rest.empty()) {
    const std::string_view pattern = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), pattern.size() + 1));
    if (fits(pattern, name)) return true;
  }
  return false;
}

std::string refusal(std::string_view why) {
  return "may not be set by a webhook: " + std::string(why);
}

std::optional<std::string> refused_anywhere(std::string_view name, const std::string& lower) {
  if (!is_header_name(name)) {
    return "is not a header name: letters, digits and !#$%&'*+-.^_`|~, at most " +
           std::to_string(limits::kCustomHeaderNameBytesMax) + " of them";
  }
  for (const NameGroup& group : kFraming) {
    if (holds(group, lower)) return refusal(group.why);
  }
  return std::nullopt;
}

}  // namespace

bool is_header_name(std::string_view name) {
  return is_token(name) && name.size() <= limits::kCustomHeaderNameBytesMax;
}

std::optional<std::string> refused_header_name(std::string_view name,
                                               const std::vector<std::string>& reserved) {
  const std::string lower = lower_case(name);
  if (auto refused = refused_anywhere(name, lower)) return refused;
  if (holds(kSignatures, lower)) return refusal(kSignatures.why);
  if (std::find(reserved.begin(), reserved.end(), lower) != reserved.end()) {
    return refusal("this webhook's signature is sent in it");
  }
  return std::nullopt;
}

std::optional<std::string> refused_signature_header(std::string_view name) {
  return refused_anywhere(name, lower_case(name));
}

std::optional<std::string> refused_header_value(std::string_view value) {
  if (value.empty()) return "must not be empty";
  if (value.size() > limits::kCustomHeaderValueBytesMax) {
    return "must have at most " + std::to_string(limits::kCustomHeaderValueBytesMax) + " bytes";
  }
  if (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' ||
      value.back() == '\t') {
    return "must not start or end with white space";
  }
  for (const char c : value) {
    if (c != '\t' && (c < 0x20 || c > 0x7E)) {
      return "may hold printable ASCII, spaces and tabs only";
    }
  }
  return std::nullopt;
}

std::string masked(std::string_view value) {
  constexpr std::size_t kShown = 4;
  constexpr std::size_t kLongEnough = 20;
  if (value.size() < kLongEnough) return "***";
  return "***" + std::string(value.substr(value.size() - kShown));
}

}  // namespace fanfare
