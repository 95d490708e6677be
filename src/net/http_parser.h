// RequestParser: reads the requests of one connection, one after the other, from bytes somebody
// else received. Our own check decides over the head and llhttp runs beside it: both must agree on
// the framing, or the request is refused. For chunked bodies llhttp tells data from framing, and
// the framing bytes go through raw rules of ours again (line ends, no folding in trailers).
// Trailers are bounded and dropped unread.
//
// Where the bytes were split makes no difference to the result. No socket and no clock; one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <llhttp.h>

#include "net/head_check.h"

namespace fanfare::net {

class RequestParser {
 public:
  explicit RequestParser(HeadLimits limits = {});
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;

  enum class Progress { need_more, complete, refused };

  // `unread` begins with the request and grows from call to call. Complete: head() stands, as views
  // into `unread`, and head_bytes() of it are used up.
  Progress read_head(std::string_view unread);
  std::size_t head_bytes() const { return head_bytes_; }
  const RequestHead& head() const { return head_; }

  // After the head, with each new piece of the rest. Appends to `body`, and refuses with 413 what
  // would exceed `body_bytes_max`. `used` says how many bytes of `piece` belonged to this request.
  Progress read_body(std::string_view piece, std::size_t body_bytes_max, std::string& body,
                     std::size_t& used);

  // Valid after Progress::refused; the connection cannot be read any further.
  const HeadRefusal& refusal() const { return refusal_; }
  void next_request();

 private:
  static const llhttp_settings_t& settings();
  static RequestParser& self(llhttp_t* parser) {
    return *static_cast<RequestParser*>(parser->data);
  }
  int on_body(const char* at, std::size_t length);
  int on_chunk_extension(std::size_t length);
  bool check_framing_until(const char* end);
  bool refuse(int status, std::string_view detail);

  HeadLimits limits_;
  HeadScanner scanner_;
  RequestHead head_;
  HeadRefusal refusal_;
  std::size_t head_bytes_ = 0;
  llhttp_t llhttp_{};
  bool is_message_complete_ = false;

  // Only while read_body() runs.
  std::string* body_ = nullptr;
  std::size_t body_bytes_max_ = 0;
  const char* framing_from_ =
      nullptr;  // bytes from here on are framing until llhttp says they are data

  bool is_refused_ = false;
  char last_framing_byte_ = 0;
  std::size_t framing_run_bytes_ = 0;  // since the last byte of data
  std::size_t chunk_extension_bytes_ = 0;
};

}  // namespace fanfare::net
