// The check that every raw head passes before anybody believes it, on both sides of HTTP/1.1.
// llhttp runs as well, but it takes what has been used for request smuggling (obs-fold, chunked
// HTTP/1.0, a missing Host), so the rules stand here, over the bytes as they came: CR only before
// LF and LF only after CR, token names with the colon at once, version 1.0 or 1.1, exactly one
// Host, Transfer-Encoding absent or exactly `chunked`, Content-Length absent or one [0-9]{1,12},
// never both, no folding, no control bytes, origin-form targets.
//
// Two steps, both pure: HeadScanner finds the end of a head and refuses bad bytes as they arrive;
// parse_*_head() reads a whole head. Where the bytes were split makes no difference to the answer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/limits.h"

namespace fanfare::net {

struct HeadRefusal {
  int status = 400;  // what a server answers; a client only needs the sentence
  std::string_view detail;
};

struct HeadLimits {
  std::size_t line_bytes_max = limits::kRequestLineBytesMax;  // the first line, without its CRLF
  std::size_t head_bytes_max = limits::kRequestHeadBytesMax;  // with the empty line
  std::size_t fields_max = limits::kRequestHeadersMax;
};
inline constexpr HeadLimits kResponseHeadLimits{
    limits::kResponseLineBytesMax, limits::kResponseHeadBytesMax, limits::kResponseHeadersMax};

// Looks for the end of a head in bytes that grow. One head; reset() for the next.
class HeadScanner {
 public:
  explicit HeadScanner(HeadLimits limits = {}) : limits_(limits) {}

  // `bytes` is everything since the head began; what an earlier call saw is not looked at again.
  // The length of the head with its empty line, 0 while that has not come, or why the head is
  // refused already.
  struct Outcome {
    std::size_t head_bytes = 0;
    std::optional<HeadRefusal> refusal;
  };
  Outcome scan(std::string_view bytes);
  void reset();

 private:
  std::size_t position_ = 0;  // the next byte to look at
  std::size_t line_start_ = 0;
  bool is_first_line_ = true;
  HeadLimits limits_;
};

struct HeadField {
  std::string_view name;
  std::string_view value;  // without the white space around it
};

struct Framing {
  std::optional<std::uint64_t> content_length;
  bool is_chunked = false;
  bool has_close = false;       // Connection: close
  bool has_keep_alive = false;  // Connection: keep-alive
};

// Views into the raw head; reused from one request to the next for the capacity of `fields`.
struct RequestHead {
  std::string_view method;
  std::string_view path;
  std::string_view query;  // after '?', empty if there is none
  int minor_version = 1;
  std::vector<HeadField> fields;
  Framing framing;
  bool expects_continue = false;

  bool has_body() const { return framing.is_chunked || framing.content_length.value_or(0) > 0; }
};

struct ResponseHead {
  int minor_version = 1;
  int status = 0;
  std::vector<HeadField> fields;
  Framing framing;
};

// `raw` is a head that HeadScanner let pass, up to and with its empty line. None if it keeps every
// rule.
std::optional<HeadRefusal> parse_request_head(std::string_view raw, RequestHead& out,
                                              std::size_t fields_max = HeadLimits{}.fields_max);
std::optional<HeadRefusal> parse_response_head(
    std::string_view raw, ResponseHead& out,
    std::size_t fields_max = kResponseHeadLimits.fields_max);

// Visible ASCII, space, tab and bytes from 0x80: what may stand in a field value.
bool is_field_value(std::string_view text);

}  // namespace fanfare::net
