#include "bench/support/http.h"

#include <charconv>
#include <strings.h>

#include "bench/support/process.h"

namespace fanfare::bench {
namespace {

constexpr std::string_view kContentLength = "content-length:";
constexpr std::string_view kTransferEncoding = "transfer-encoding:";

bool has_prefix_ignoring_case(std::string_view line, std::string_view prefix) {
  return line.size() >= prefix.size() &&
         strncasecmp(line.data(), prefix.data(), prefix.size()) == 0;
}

std::size_t length_from(std::string_view value) {
  const auto first = value.find_first_not_of(' ');
  if (first != std::string_view::npos) value.remove_prefix(first);
  std::size_t length = 0;
  const auto parsed = std::from_chars(value.data(), value.data() + value.size(), length);
  if (parsed.ec != std::errc{}) die("a Content-Length that is no number");
  return length;
}

std::size_t body_length(std::string_view head) {
  std::size_t length = 0;
  for (auto end = head.find('\n'); end != std::string_view::npos; end = head.find('\n')) {
    const auto line = head.substr(0, end);
    if (has_prefix_ignoring_case(line, kContentLength)) {
      length = length_from(line.substr(kContentLength.size()));
    } else if (has_prefix_ignoring_case(line, kTransferEncoding)) {
      die("a message with Transfer-Encoding, which these programs do not read");
    }
    head.remove_prefix(end + 1);
  }
  return length;
}

}  // namespace

std::optional<Message> frame(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = bytes.substr(0, end + 4);
  const auto length = body_length(head);
  if (bytes.size() - head.size() < length) return std::nullopt;
  return Message{.head = head, .body = bytes.substr(head.size(), length)};
}

int status_of(const Message& answer) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  int status = 0;
  if (answer.head.starts_with(kVersion)) {
    const auto* text = answer.head.data() + kVersion.size();
    std::from_chars(text, text + 3, status);
  }
  if (status < 100) die("an answer without a status");
  return status;
}

}  // namespace fanfare::bench
