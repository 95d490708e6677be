#include "net/http_parser.h"

#include <algorithm>

#include "base/ascii.h"
#include "base/assert.h"
#include "net/http_server.h"

namespace fanfare::net {

namespace {

// One sentence for every way to break the framing: which rule met it first depends on how the bytes
// were split.
constexpr std::string_view kBadChunks = "The chunked body is malformed.";

bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
}

}  // namespace

std::optional<std::string_view> HttpRequest::header(std::string_view name) const {
  for (const auto& [field, value] : headers) {
    if (equals_ignoring_case(field, name)) return value;
  }
  return std::nullopt;
}

RequestParser::RequestParser(HeadLimits limits) : limits_(limits), scanner_(limits) {
  llhttp_init(&llhttp_, HTTP_REQUEST, &settings());
  llhttp_.data = this;
}

const llhttp_settings_t& RequestParser::settings() {
  static const llhttp_settings_t kSettings = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    // Upgrades are not spoken; left alone, llhttp would take what follows for another protocol.
    made.on_headers_complete = [](llhttp_t* parser) {
      parser->upgrade = 0;
      return 0;
    };
    made.on_body = [](llhttp_t* parser, const char* at, std::size_t length) {
      return self(parser).on_body(at, length);
    };
    made.on_chunk_header = [](llhttp_t* parser) {
      self(parser).chunk_extension_bytes_ = 0;
      return 0;
    };
    const llhttp_data_cb on_extension = [](llhttp_t* parser, const char*, std::size_t length) {
      return self(parser).on_chunk_extension(length);
    };
    made.on_chunk_extension_name = on_extension;
    made.on_chunk_extension_value = on_extension;
    made.on_message_complete = [](llhttp_t* parser) {
      self(parser).is_message_complete_ = true;
      return static_cast<int>(HPE_PAUSED);  // what follows is another request
    };
    return made;
  }();
  return kSettings;
}

void RequestParser::next_request() {
  FANFARE_ASSERT(!is_refused_);
  scanner_.reset();
  llhttp_reset(&llhttp_);
  head_bytes_ = 0;
  is_message_complete_ = false;
  last_framing_byte_ = 0;
  framing_run_bytes_ = 0;
  chunk_extension_bytes_ = 0;
}

bool RequestParser::refuse(int status, std::string_view detail) {
  if (!is_refused_) refusal_ = {status, detail};
  is_refused_ = true;
  return false;
}

RequestParser::Progress RequestParser::read_head(std::string_view unread) {
  FANFARE_ASSERT(!is_refused_ && head_bytes_ == 0);
  const auto scanned = scanner_.scan(unread);
  if (!scanned.refusal && scanned.head_bytes == 0) return Progress::need_more;
  const std::string_view raw = unread.substr(0, scanned.head_bytes);
  const auto refusal =
      scanned.refusal ? scanned.refusal : parse_request_head(raw, head_, limits_.fields_max);
  if (refusal) {
    refuse(refusal->status, refusal->detail);
    return Progress::refused;
  }
  head_bytes_ = scanned.head_bytes;
  const llhttp_errno error = llhttp_execute(&llhttp_, raw.data(), raw.size());
  const bool is_whole = head_.has_body() ? error == HPE_OK && !is_message_complete_
                                         : error == HPE_PAUSED && is_message_complete_;
  const bool agrees_on_body =
      !head_.has_body() || (((llhttp_.flags & F_CHUNKED) != 0) == head_.framing.is_chunked &&
                            llhttp_.content_length == head_.framing.content_length.value_or(0));
  if (is_whole && agrees_on_body) return Progress::complete;
  refuse(400, "The head is malformed.");
  return Progress::refused;
}

RequestParser::Progress RequestParser::read_body(std::string_view piece, std::size_t body_bytes_max,
                                                 std::string& body, std::size_t& used) {
  FANFARE_ASSERT(!is_refused_ && head_bytes_ > 0);
  used = 0;
  if (is_message_complete_) return Progress::complete;
  if (piece.empty()) return Progress::need_more;
  body_ = &body;
  body_bytes_max_ = body_bytes_max;
  framing_from_ = piece.data();
  const llhttp_errno error = llhttp_execute(&llhttp_, piece.data(), piece.size());
  const char* end = error == HPE_OK ? piece.data() + piece.size() : llhttp_get_error_pos(&llhttp_);
  body_ = nullptr;
  if (is_refused_) return Progress::refused;
  if (!check_framing_until(end)) return Progress::refused;
  if (error != HPE_OK && error != HPE_PAUSED) {
    refuse(400, kBadChunks);
    return Progress::refused;
  }
  used = static_cast<std::size_t>(end - piece.data());
  return is_message_complete_ ? Progress::complete : Progress::need_more;
}

int RequestParser::on_body(const char* at, std::size_t length) {
  FANFARE_ASSERT(body_ != nullptr);
  if (!check_framing_until(at)) return HPE_USER;
  framing_from_ = at + length;
  framing_run_bytes_ = 0;
  if (length > body_bytes_max_ || body_->size() > body_bytes_max_ - length) {
    refuse(413, "The body is too large.");
    return HPE_USER;
  }
  body_->append(at, length);
  return 0;
}

int RequestParser::on_chunk_extension(std::size_t length) {
  chunk_extension_bytes_ += length;
  if (chunk_extension_bytes_ <= limits::kChunkExtensionBytesMax) return 0;
  refuse(400, kBadChunks);
  return HPE_USER;
}

// The bytes that are neither head nor data: size lines, the line ends after data, trailers.
bool RequestParser::check_framing_until(const char* end) {
  if (!head_.framing.is_chunked) return true;
  for (; framing_from_ < end; ++framing_from_) {
    const char c = *framing_from_;
    const bool ends_line = c == '\r' || c == '\n';
    const bool is_fold = last_framing_byte_ == '\n' && (c == ' ' || c == '\t');
    const bool is_torn = (last_framing_byte_ == '\r') != (c == '\n');
    if (is_fold || is_torn || (!ends_line && is_control(c))) return refuse(400, kBadChunks);
    if (++framing_run_bytes_ > limits_.head_bytes_max) {
      return refuse(431, "The trailers are too large.");
    }
    last_framing_byte_ = c;
  }
  return true;
}

}  // namespace fanfare::net
