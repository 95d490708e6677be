// Writes the head of an answer: status line, the handler's fields, then what is the server's own
// (Content-Length, Date, Connection). Pure; it refuses a response whose fields could split the
// answer in two.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "net/http_server.h"

namespace fanfare::net {

// The Date field, formatted once for each second. One thread.
class DateCache {
 public:
  // RFC 9110 5.6.7, such as "Sun, 06 Nov 1994 08:49:37 GMT"; valid until the next call.
  std::string_view at(Timestamp now);

 private:
  std::int64_t second_ = -1;
  std::string text_;
};

struct AnswerFacts {
  std::string_view date;
  bool is_http10 = false;
  bool is_kept_alive = true;
};

// False when the response cannot be sent as it is: a status outside 200–599, a name that is no
// token, or a value with a control character (RFC 9110 5.5: CR and LF would let data pass for
// fields). Then `out` is unchanged.
bool append_answer_head(std::string& out, const HttpResponse& response, const AnswerFacts& facts);

// 204 and 304 have no body, whatever the handler put there.
bool may_have_body(int status);

std::string_view reason_phrase(int status);

}  // namespace fanfare::net
