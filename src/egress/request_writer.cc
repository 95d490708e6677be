#include "egress/request_writer.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "base/ascii.h"
#include "base/http_token.h"
#include "net/head_check.h"

namespace fanfare {
namespace {

constexpr auto kOurs = std::to_array<std::string_view>(
    {"host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer",
     "upgrade", "expect", "accept-encoding", "proxy-connection"});

bool may_be_sent(const HeaderList::value_type& header) {
  if (!is_token(header.first) || !net::is_field_value(header.second)) return false;
  return std::none_of(kOurs.begin(), kOurs.end(), [&](std::string_view name) {
    return equals_ignoring_case(name, header.first);
  });
}

}  // namespace

std::optional<std::string> write_head(const Target& target, const HeaderList& headers,
                                      std::size_t body_bytes) {
  if (!std::all_of(headers.begin(), headers.end(), may_be_sent)) return std::nullopt;
  const std::string authority = target.authority();
  std::array<char, 20> digits{};
  const auto digits_end =
      std::to_chars(digits.data(), digits.data() + digits.size(), body_bytes).ptr;
  const std::string_view length(digits.data(), digits_end);
  std::size_t size = 64 + target.origin_form.size() + authority.size();
  for (const auto& [name, value] : headers) size += name.size() + value.size() + 4;

  std::string head;
  head.reserve(size);
  head.append("POST ").append(target.origin_form).append(" HTTP/1.1\r\nHost: ").append(authority);
  for (const auto& [name, value] : headers) {
    head.append("\r\n").append(name).append(": ").append(value);
  }
  head.append("\r\nContent-Length: ").append(length).append("\r\n\r\n");
  return head;
}

}  // namespace fanfare
