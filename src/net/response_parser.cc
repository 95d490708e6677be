#include "net/response_parser.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "base/assert.h"
#include "base/limits.h"

namespace fanfare::net {

namespace {

constexpr std::string_view kVersionPrefix = "HTTP/1.";

bool may_become_http(std::string_view bytes) {
  const auto length = std::min(bytes.size(), kVersionPrefix.size());
  return bytes.substr(0, length) == kVersionPrefix.substr(0, length);
}

// An alert, or another record, of a server that got plain HTTP where it expects TLS (RFC 8446 5.1).
bool is_tls_record(std::string_view bytes) {
  constexpr char kAlert = 0x15;
  constexpr char kMajorVersion = 0x03;
  return bytes.size() >= 2 && bytes[0] == kAlert && bytes[1] == kMajorVersion;
}

// Also true while the long line has not ended.
bool has_long_line(std::string_view head) {
  while (head.size() > limits::kResponseLineBytesMax) {
    const std::size_t line = head.find('\n');
    if (std::min(line, head.size()) > limits::kResponseLineBytesMax) return true;
    head.remove_prefix(line + 1);
  }
  return false;
}

}  // namespace

// llhttp calls these; returning an error stops it in mid-message.
struct ResponseParser::Callbacks {
  static ResponseParser& of(llhttp_t* llhttp) {
    return *static_cast<ResponseParser*>(llhttp->data);
  }

  static int on_body(llhttp_t* llhttp, const char* at, std::size_t length) {
    ResponseParser& self = of(llhttp);
    std::string& body = self.response_.body;
    const std::size_t kept = std::min(length, limits::kResponseBodyKept - body.size());
    body.append(at, kept);
    return kept == length ? 0 : -1;
  }
  static int on_extension(llhttp_t* llhttp, const char* /*at*/, std::size_t length) {
    ResponseParser& self = of(llhttp);
    self.extension_bytes_ += length;
    return self.extension_bytes_ <= limits::kChunkExtensionBytesMax ? 0 : -1;
  }
  static int on_chunk_complete(llhttp_t* llhttp) {
    of(llhttp).extension_bytes_ = 0;
    return 0;
  }
  static int on_message_complete(llhttp_t* llhttp) {
    of(llhttp).is_over_ = true;
    return HPE_PAUSED;
  }

  static const llhttp_settings_t& settings() {
    static const llhttp_settings_t made = [] {
      llhttp_settings_t settings;
      llhttp_settings_init(&settings);
      settings.on_body = on_body;
      settings.on_chunk_extension_name = on_extension;
      settings.on_chunk_extension_value = on_extension;
      settings.on_chunk_complete = on_chunk_complete;
      settings.on_message_complete = on_message_complete;
      return settings;
    }();
    return made;
  }
};

ResponseParser::ResponseParser() {
  reset();
}

void ResponseParser::reset() {
  scanner_.reset();
  split_head_.clear();
  response_ = ClientResponse{};
  failure_.clear();
  wire_bytes_ = extension_bytes_ = 0;
  interims_ = 0;
  has_head_ = is_over_ = is_reusable_ = false;
}

ResponseParser::State ResponseParser::fail(std::string why) {
  failure_ = std::move(why);
  return State::failed;
}

// A refusal is a sentence of its own; here it ends one.
ResponseParser::State ResponseParser::refuse(const HeadRefusal& refusal) {
  constexpr int kLineTooLong = 414;  // the scanner's words are those of a server
  if (refusal.status == kLineTooLong) return fail("a line of the answer's head is too long");
  std::string detail(refusal.detail);
  if (detail.ends_with('.')) detail.pop_back();
  if (!detail.empty()) detail.front() = lower_case(detail.front());
  return fail("the answer's head is not valid: " + detail);
}

ResponseParser::State ResponseParser::end_body(bool is_truncated) {
  FANFARE_ASSERT(has_head_);
  response_.is_truncated = is_truncated;
  return State::complete;
}

ResponseParser::State ResponseParser::feed(std::string_view bytes) {
  FANFARE_ASSERT(failure_.empty());
  const std::size_t left = limits::kResponseWireBytesMax - wire_bytes_;
  const std::string_view taken = bytes.substr(0, left);
  wire_bytes_ += taken.size();
  const State state = has_head_ ? feed_body(taken) : feed_head(taken);
  if (state != State::more || wire_bytes_ < limits::kResponseWireBytesMax) return state;
  return has_head_ ? end_body(true) : fail("the answer is too long");
}

ResponseParser::State ResponseParser::feed_head(std::string_view bytes) {
  std::string joined;
  if (!split_head_.empty()) {
    joined = std::exchange(split_head_, {});
    joined += bytes;
    bytes = joined;
  }
  const HeadScanner::Outcome outcome = scanner_.scan(bytes);
  if (is_tls_record(bytes)) return fail("the receiver speaks TLS on this port");
  if (!may_become_http(bytes)) return fail("the answer is not HTTP/1.0 or HTTP/1.1");
  if (outcome.refusal) return refuse(*outcome.refusal);
  const std::size_t seen = outcome.head_bytes > 0 ? outcome.head_bytes : bytes.size();
  if (has_long_line(bytes.substr(0, seen))) return fail("a line of the answer's head is too long");
  if (outcome.head_bytes > 0) {
    return accept_head(bytes.substr(0, outcome.head_bytes), bytes.substr(outcome.head_bytes));
  }
  split_head_ = joined.empty() ? std::string(bytes) : std::move(joined);
  return State::more;
}

ResponseParser::State ResponseParser::accept_head(std::string_view raw, std::string_view rest) {
  if (const auto refusal = parse_response_head(raw, head_)) return refuse(*refusal);
  if (head_.status == 101) return fail("the receiver wants to switch to another protocol (101)");
  if (head_.status >= 200) return start_body(raw, rest);
  if (++interims_ > limits::kInterimResponsesMax) {
    return fail("the receiver sends interim responses (1xx) without end");
  }
  scanner_.reset();
  return rest.empty() ? State::more : feed_head(rest);
}

ResponseParser::State ResponseParser::start_body(std::string_view raw, std::string_view rest) {
  llhttp_init(&llhttp_, HTTP_RESPONSE, &Callbacks::settings());
  llhttp_.data = this;
  const llhttp_errno_t error = llhttp_execute(&llhttp_, raw.data(), raw.size());
  if (error != HPE_OK && error != HPE_PAUSED) return fail("the head of the answer is not HTTP");
  has_head_ = true;
  response_.status = head_.status;
  response_.headers.reserve(head_.fields.size());
  for (const HeadField& field : head_.fields) {
    response_.headers.emplace_back(field.name, field.value);
  }
  return rest.empty() && !is_over_ ? State::more : feed_body(rest);
}

ResponseParser::State ResponseParser::feed_body(std::string_view bytes) {
  std::string_view rest = bytes;
  if (!is_over_) {
    const llhttp_errno_t error = llhttp_execute(&llhttp_, bytes.data(), bytes.size());
    if (error != HPE_OK && error != HPE_PAUSED) return end_body(true);
    if (is_over_) {
      rest = bytes.substr(static_cast<std::size_t>(llhttp_get_error_pos(&llhttp_) - bytes.data()));
    }
  }
  const std::uint64_t announced = head_.framing.content_length.value_or(0);
  const bool will_overflow = announced > limits::kResponseBodyKept;
  if (!is_over_) {
    const bool is_full = response_.body.size() == limits::kResponseBodyKept;
    return is_full && will_overflow ? end_body(true) : State::more;
  }
  const Framing& framing = head_.framing;
  const bool stays_open = head_.minor_version == 1 ? !framing.has_close : framing.has_keep_alive;
  is_reusable_ = stays_open && rest.empty();
  return end_body(false);
}

ResponseParser::State ResponseParser::finish() {
  if (!has_head_) return fail("the connection was closed before a whole answer head had arrived");
  if (!is_over_) llhttp_finish(&llhttp_);  // ends a body that runs to the end of the connection
  return end_body(!is_over_);
}

}  // namespace fanfare::net
