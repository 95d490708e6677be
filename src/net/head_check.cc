#include "net/head_check.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/http_token.h"

namespace fanfare::net {

namespace {

using Refusal = std::optional<HeadRefusal>;

Refusal refuse(std::string_view detail, int status = 400) {
  return HeadRefusal{status, detail};
}

enum ByteClass : std::uint8_t { kValueByte = 1, kTargetByte = 2, kHostByte = 4 };

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (unsigned c = 0; c < 256; ++c) {
    const bool is_digit = c >= '0' && c <= '9';
    const bool is_alnum = is_digit || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    const auto is_one_of = [c](std::string_view set) {
      return c != 0 && c < 128 && set.find(static_cast<char>(c)) != std::string_view::npos;
    };
    std::uint8_t bits = 0;
    if (c == '\t' || (c >= ' ' && c != 0x7f)) bits |= kValueByte;
    if (c > ' ' && c < 0x7f && c != '#') bits |= kTargetByte;
    if (is_alnum || is_one_of("-._~%:[]")) bits |= kHostByte;
    classes[c] = bits;
  }
  return classes;
}
constexpr auto kClasses = make_classes();

bool is(char c, ByteClass byte_class) {
  return (kClasses[static_cast<std::uint8_t>(c)] & byte_class) != 0;
}
bool all_are(std::string_view text, ByteClass byte_class) {
  return std::all_of(text.begin(), text.end(), [&](char c) { return is(c, byte_class); });
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string_view trim(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

// Takes the next line without its CRLF; the scanner has seen that each LF has its CR.
std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  FANFARE_ASSERT(end != std::string_view::npos && end > 0 && rest[end - 1] == '\r');
  const std::string_view line = rest.substr(0, end - 1);
  rest.remove_prefix(end + 1);
  return line;
}

// What the fields of either side share while they are read one by one.
struct FieldRules {
  Framing& framing;
  bool is_request = true;
  int hosts = 0;
  int transfer_encodings = 0;
  bool expects_continue = false;
  bool expects_other = false;

  Refusal see(const HeadField& field);
  Refusal see_content_length(std::string_view value);
  Refusal see_transfer_encoding(std::string_view value);
  Refusal see_host(std::string_view value);
  void see_connection(std::string_view value);
};

Refusal FieldRules::see_content_length(std::string_view value) {
  if (framing.content_length) return refuse("There is more than one Content-Length.");
  if (value.empty() || value.size() > 12 || !std::all_of(value.begin(), value.end(), is_digit)) {
    return refuse("The Content-Length is not a number of 1 to 12 digits.");
  }
  std::uint64_t length = 0;
  std::from_chars(value.data(), value.data() + value.size(), length);
  framing.content_length = length;
  return std::nullopt;
}

Refusal FieldRules::see_transfer_encoding(std::string_view value) {
  // A sender of ours has no reason to spell it otherwise; receivers are many and only their framing
  // matters.
  const bool is_chunked = is_request ? value == "chunked" : equals_ignoring_case(value, "chunked");
  if (++transfer_encodings > 1 || !is_chunked) {
    return refuse("The Transfer-Encoding is not exactly \"chunked\".");
  }
  framing.is_chunked = true;
  return std::nullopt;
}

Refusal FieldRules::see_host(std::string_view value) {
  if (++hosts > 1) return refuse("There is more than one Host.");
  if (value.empty() || !all_are(value, kHostByte)) return refuse("The Host is not a host name.");
  return std::nullopt;
}

void FieldRules::see_connection(std::string_view value) {
  while (!value.empty()) {
    const std::size_t comma = std::min(value.find(','), value.size());
    const std::string_view option = trim(value.substr(0, comma));
    if (equals_ignoring_case(option, "close")) framing.has_close = true;
    if (equals_ignoring_case(option, "keep-alive")) framing.has_keep_alive = true;
    value.remove_prefix(std::min(comma + 1, value.size()));
  }
}

Refusal FieldRules::see(const HeadField& field) {
  // The length decides first: most fields are none of these and cost one comparison.
  switch (field.name.size()) {
    case 4:
      if (is_request && equals_ignoring_case(field.name, "host")) return see_host(field.value);
      break;
    case 6:
      if (is_request && equals_ignoring_case(field.name, "expect")) {
        (equals_ignoring_case(field.value, "100-continue") ? expects_continue : expects_other) =
            true;
      }
      break;
    case 10:
      if (equals_ignoring_case(field.name, "connection")) see_connection(field.value);
      break;
    case 14:
      if (equals_ignoring_case(field.name, "content-length")) {
        return see_content_length(field.value);
      }
      break;
    case 17:
      if (equals_ignoring_case(field.name, "transfer-encoding")) {
        return see_transfer_encoding(field.value);
      }
      break;
    default:
      break;
  }
  return std::nullopt;
}

Refusal parse_fields(std::string_view rest, std::vector<HeadField>& fields, std::size_t fields_max,
                     FieldRules& rules) {
  fields.clear();
  for (std::string_view line = take_line(rest); !line.empty(); line = take_line(rest)) {
    if (line.front() == ' ' || line.front() == '\t') {
      return refuse("A header field is folded onto a second line.");
    }
    if (fields.size() == fields_max) return refuse("There are too many header fields.", 431);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      return refuse("A header field is not a name followed at once by a colon.");
    }
    const HeadField field{line.substr(0, colon), trim(line.substr(colon + 1))};
    if (!all_are(field.value, kValueByte)) {
      return refuse("A header value contains a control character.");
    }
    if (auto refusal = rules.see(field)) return refusal;
    fields.push_back(field);
  }
  FANFARE_ASSERT(rest.empty());
  return std::nullopt;
}

Refusal check_framing(const Framing& framing, int minor_version) {
  if (!framing.is_chunked) return std::nullopt;
  if (framing.content_length) {
    return refuse("There are both a Content-Length and a Transfer-Encoding.");
  }
  if (minor_version == 0) return refuse("HTTP/1.0 has no Transfer-Encoding.");
  return std::nullopt;
}

// "HTTP/1.0" and "HTTP/1.1" only; `out` is the digit after the point.
Refusal parse_version(std::string_view text, int& out) {
  const bool is_version = text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) &&
                          text[6] == '.' && is_digit(text[7]);
  if (!is_version) return refuse("The first line does not name a version such as HTTP/1.1.");
  if (text[5] != '1' || text[7] > '1') return refuse("Only HTTP/1.0 and HTTP/1.1 are spoken.", 505);
  out = text[7] - '0';
  return std::nullopt;
}

Refusal check_method(std::string_view method) {
  constexpr std::array<std::string_view, 7> kMethods{"GET",    "POST", "PUT",    "PATCH",
                                                     "DELETE", "HEAD", "OPTIONS"};
  if (std::find(kMethods.begin(), kMethods.end(), method) != kMethods.end()) return std::nullopt;
  const bool is_upper = !method.empty() && std::all_of(method.begin(), method.end(), [](char c) {
    return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
  });
  if (!is_upper) return refuse("The method is not an upper-case word.");
  return refuse("The method is not implemented.", 501);
}

Refusal parse_request_line(std::string_view line, RequestHead& out) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return refuse("The first line is not a method, a target and a version.");
  }
  out.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  if (!is_token(out.method)) return refuse("The method is not an upper-case word.");
  if (auto refusal = parse_version(line.substr(last + 1), out.minor_version)) return refusal;
  if (auto refusal = check_method(out.method)) return refusal;
  if (!target.starts_with('/')) return refuse("The request target does not begin with a slash.");
  if (!all_are(target, kTargetByte)) {
    return refuse("The request target contains a byte that must be escaped.");
  }
  const std::size_t mark = target.find('?');
  out.path = target.substr(0, mark);
  out.query = mark == std::string_view::npos ? std::string_view{} : target.substr(mark + 1);
  return std::nullopt;
}

}  // namespace

bool is_field_value(std::string_view text) {
  return all_are(text, kValueByte);
}

void HeadScanner::reset() {
  position_ = 0;
  line_start_ = 0;
  is_first_line_ = true;
}

HeadScanner::Outcome HeadScanner::scan(std::string_view bytes) {
  while (true) {
    // Bytes past the limit are not looked at, so that the answer does not depend on how many came
    // at once.
    const std::size_t limit = is_first_line_
                                  ? std::min(limits_.line_bytes_max + 2, limits_.head_bytes_max)
                                  : limits_.head_bytes_max;
    const std::size_t end = std::min(bytes.size(), limit);
    while (position_ < end && is(bytes[position_], kValueByte)) ++position_;
    const bool has_pair = position_ + 1 < end;
    if (position_ < end && bytes[position_] != '\r') {
      return {0, refuse(bytes[position_] == '\n' ? "A line ends without a carriage return."
                                                 : "The head contains a control character.")};
    }
    if (!has_pair) {
      if (end < limit) return {};
      return {0, is_first_line_ ? refuse("The request line is too long.", 414)
                                : refuse("The head is too large.", 431)};
    }
    if (bytes[position_ + 1] != '\n') {
      return {0, refuse("The head contains a carriage return that does not end a line.")};
    }
    const bool is_empty = position_ == line_start_;
    if (is_empty && is_first_line_) return {0, refuse("The first line is empty.")};
    position_ += 2;
    line_start_ = position_;
    is_first_line_ = false;
    if (is_empty) return {position_, std::nullopt};
  }
}

std::optional<HeadRefusal> parse_request_head(std::string_view raw, RequestHead& out,
                                              std::size_t fields_max) {
  out.framing = {};
  out.expects_continue = false;
  if (auto refusal = parse_request_line(take_line(raw), out)) return refusal;
  FieldRules rules{out.framing};
  if (auto refusal = parse_fields(raw, out.fields, fields_max, rules)) return refusal;
  if (out.minor_version == 1 && rules.hosts == 0) return refuse("There is no Host.");
  if (auto refusal = check_framing(out.framing, out.minor_version)) return refusal;
  // RFC 9110 10.1.1: an HTTP/1.0 client cannot mean it.
  if (out.minor_version == 1) {
    if (rules.expects_other) return refuse("Only the expectation 100-continue can be met.", 417);
    out.expects_continue = rules.expects_continue;
  }
  return std::nullopt;
}

std::optional<HeadRefusal> parse_response_head(std::string_view raw, ResponseHead& out,
                                               std::size_t fields_max) {
  out.framing = {};
  const std::string_view line = take_line(raw);
  if (auto refusal = parse_version(line.substr(0, 8), out.minor_version)) return refusal;
  const std::string_view rest = line.substr(8);
  const bool is_status = rest.size() >= 4 && rest[0] == ' ' && rest[1] >= '1' && rest[1] <= '5' &&
                         is_digit(rest[2]) && is_digit(rest[3]) &&
                         (rest.size() == 4 || rest[4] == ' ');
  if (!is_status) return refuse("The status line has no status from 100 to 599.");
  out.status = (rest[1] - '0') * 100 + (rest[2] - '0') * 10 + (rest[3] - '0');
  FieldRules rules{out.framing, /*is_request=*/false};
  if (auto refusal = parse_fields(raw, out.fields, fields_max, rules)) return refusal;
  return check_framing(out.framing, out.minor_version);
}

}  // namespace fanfare::net
