// Reads one final response from bytes as they come, however they are split, and never more of it
// than base/limits.h allows. The head passes our own check (net/head_check.h) and llhttp; interim
// responses are counted and dropped; trailers are dropped unread.
//
// The status line decides: once a whole head is here, nothing that follows makes it a failure. A
// body that is too long, broken, or cut off is kept as far as it came and marked truncated. Pure;
// one response at a time.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <llhttp.h>

#include "net/client_response.h"
#include "net/head_check.h"

namespace fanfare::net {

class ResponseParser {
 public:
  enum class State { more, complete, failed };

  ResponseParser();
  // Forgets everything, for the next response on the connection.
  void reset();

  // After `complete` or `failed` nothing more may be fed.
  State feed(std::string_view bytes);
  // The connection has ended: completes a body that runs to the end, truncates another, fails
  // without a head.
  State finish();

  bool has_bytes() const { return wire_bytes_ > 0; }
  bool has_head() const { return has_head_; }
  // Whole interim responses have come, and nothing of the one after them.
  bool is_between_heads() const { return interims_ > 0 && !has_head_ && split_head_.empty(); }
  // After `complete`: the next request may go over the same connection. Bytes beyond the response
  // forbid it.
  bool is_reusable() const { return is_reusable_; }
  // After `failed`: why, in plain words.
  const std::string& failure() const { return failure_; }
  ClientResponse take() { return std::move(response_); }

 private:
  struct Callbacks;
  State feed_head(std::string_view bytes);
  State accept_head(std::string_view raw, std::string_view rest);
  State start_body(std::string_view raw, std::string_view rest);
  State feed_body(std::string_view bytes);
  State fail(std::string why);
  State refuse(const HeadRefusal& refusal);
  State end_body(bool is_truncated);

  llhttp_t llhttp_{};
  HeadScanner scanner_{kResponseHeadLimits};
  ResponseHead head_;
  std::string split_head_;  // a head that came in more than one piece
  ClientResponse response_;
  std::string failure_;
  std::size_t wire_bytes_ = 0;
  std::size_t extension_bytes_ = 0;
  int interims_ = 0;
  bool has_head_ = false;
  bool is_over_ = false;  // the body is complete, as llhttp sees it
  bool is_reusable_ = false;
};

}  // namespace fanfare::net
