// As much of HTTP/1.1 as the benchmark programs need: where one message ends. They speak only to
// each other and to the server under test, so a message that cannot be framed ends the program
// instead of the connection.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace fanfare::bench {

struct Message {
  std::string_view head;  // with the empty line that ends it
  std::string_view body;
  std::size_t size() const { return head.size() + body.size(); }
};

// The first whole message of `bytes`, or nothing when more bytes are needed. A message without
// Content-Length has no body (a 204). Ends the program on a Transfer-Encoding or a Content-Length
// that is no number.
std::optional<Message> frame(std::string_view bytes);

// 202 of "HTTP/1.1 202 Accepted". Ends the program when the head is not an answer.
int status_of(const Message& answer);

}  // namespace fanfare::bench
