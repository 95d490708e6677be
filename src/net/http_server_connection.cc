#include "net/http_server_connection.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include <boost/asio/buffer.hpp>

#include "base/assert.h"
#include "net/reactor_impl.h"

namespace fanfare::net {

namespace {

// Room for one usual request; a connection that needs more for its head or body grows, and shrinks
// when idle, so that ten thousand idle connections hold 40 MB and not 160.
constexpr std::size_t kBufferBytes = 4 * 1024;
constexpr std::size_t kBufferBytesMax = limits::kRequestHeadBytesMax;
// A body string begins no larger, whatever length the client announces: memory follows what has
// really come.
constexpr std::size_t kBodyReserveMax = 64 * 1024;
// An answer's buffer above this is given back.
constexpr std::size_t kAnswerBytesKept = 4 * 1024;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

// What a Responder holds: calls once, or says that it was dropped.
class PendingAnswer {
 public:
  PendingAnswer(std::weak_ptr<ServerConnection> connection, std::uint64_t number)
      : connection_(std::move(connection)), number_(number) {}
  PendingAnswer(PendingAnswer&& other) noexcept = default;
  PendingAnswer(const PendingAnswer&) = delete;
  PendingAnswer& operator=(const PendingAnswer&) = delete;
  PendingAnswer& operator=(PendingAnswer&&) = delete;
  ~PendingAnswer() {
    if (const auto connection = connection_.lock()) connection->answer_dropped(number_);
  }

  void operator()(HttpResponse response) {
    FANFARE_ASSERT(!is_used_);
    is_used_ = true;
    const auto connection = std::exchange(connection_, {}).lock();
    if (connection) connection->answer(number_, std::move(response));
  }

 private:
  std::weak_ptr<ServerConnection> connection_;  // empty once used or moved from
  std::uint64_t number_;
  bool is_used_ = false;
};

}  // namespace

ServerConnection::ServerConnection(TcpSocket socket, std::string peer_ip, Shared& shared)
    : shared_(shared), socket_(std::move(socket)), peer_ip_(std::move(peer_ip)) {}

void ServerConnection::start() {
  buffer_.resize(kBufferBytes);
  process();
}

void ServerConnection::close() {
  if (state_ == State::closed) return;
  state_ = State::closed;
  boost::system::error_code ignored;
  socket_.close(ignored);
  shared_.reactor.cancel(timer_);
  shared_.on_closed(*this);
}

void ServerConnection::drain() {
  if (state_ != State::head || is_head_started_ || !unread().empty()) return;
  // A request may have arrived that this loop has not read yet; it is answered like one under way.
  boost::system::error_code error;
  if (socket_.available(error) == 0 || error) close();
}

// ---- reading ----

// The handler may answer from inside on_request(), and the buffer may hold the next requests
// already: the loop takes them one by one, where recursion would grow the stack with each.
void ServerConnection::process() {
  if (is_processing_) return;
  is_processing_ = true;
  bool has_more = true;
  while (has_more) {
    has_more = (state_ == State::head && step_head()) || (state_ == State::body && step_body());
  }
  is_processing_ = false;
}

bool ServerConnection::step_head() {
  if (unread().empty()) {
    set_deadline(now() + shared_.limits.keep_alive_idle);
    read();
    return false;
  }
  switch (parser_.read_head(unread())) {
    case RequestParser::Progress::need_more:
      if (!is_head_started_) set_deadline(now() + shared_.limits.head_timeout);
      is_head_started_ = true;
      read();
      return false;
    case RequestParser::Progress::refused:
      refuse(parser_.refusal().status, parser_.refusal().detail);
      return true;
    case RequestParser::Progress::complete:
      return begin_request();
  }
  return false;
}

bool ServerConnection::begin_request() {
  const RequestHead& head = parser_.head();
  is_http10_ = head.minor_version == 0;
  is_kept_alive_ = !head.framing.has_close && (!is_http10_ || head.framing.has_keep_alive);
  is_head_method_ = head.method == "HEAD";
  request_.method = is_head_method_ ? std::string_view("GET") : head.method;
  request_.path = head.path;
  request_.query = head.query;
  request_.peer_ip = peer_ip_;
  request_.headers.reserve(head.fields.size());
  for (const HeadField& field : head.fields) request_.headers.emplace_back(field.name, field.value);
  // The views of `head` point into these bytes, which stay where they are until the next read.
  begin_ += parser_.head_bytes();

  HeadVerdict verdict = shared_.handler.on_head(request_);
  if (verdict.refusal) {
    if (head.has_body()) is_kept_alive_ = false;
    request_ = {};
    send(std::move(*verdict.refusal));
    return true;
  }
  body_bytes_max_ = verdict.body_bytes_max;
  if (head.framing.content_length.value_or(0) > body_bytes_max_) {
    refuse(413, "The body is too large.");
    return true;
  }
  return ask_for_body();
}

bool ServerConnection::ask_for_body() {
  const RequestHead& head = parser_.head();
  // RFC 9110 10.1.1: no need for it once the body is on its way.
  if (head.expects_continue && head.has_body() && unread().empty()) {
    boost::system::error_code error;
    const std::size_t sent = socket_.write_some(boost::asio::buffer(kContinue), error);
    // A client that leaves no room for 25 bytes does not read its answers.
    if (error || sent != kContinue.size()) {
      close();
      return false;
    }
  }
  request_.body.reserve(static_cast<std::size_t>(
      std::min<std::uint64_t>(head.framing.content_length.value_or(0), kBodyReserveMax)));
  body_bytes_received_ = 0;
  body_started_ = {};
  state_ = State::body;
  return true;
}

bool ServerConnection::step_body() {
  std::size_t used = 0;
  const auto progress = parser_.read_body(unread(), body_bytes_max_, request_.body, used);
  begin_ += used;
  body_bytes_received_ += used;
  switch (progress) {
    case RequestParser::Progress::need_more:
      if (body_started_ == SteadyTime{}) {
        body_started_ = now();
        set_deadline(body_deadline());
      }
      read();
      return false;
    case RequestParser::Progress::refused:
      refuse(parser_.refusal().status, parser_.refusal().detail);
      return true;
    case RequestParser::Progress::complete:
      dispatch();
      return true;
  }
  return false;
}

void ServerConnection::dispatch() {
  state_ = State::answering;
  deadline_ = kNever;
  ++request_number_;
  shared_.handler.on_request(std::exchange(request_, {}),
                             PendingAnswer(weak_from_this(), request_number_));
}

void ServerConnection::read() {
  if (is_reading_ || state_ == State::closed) return;
  make_room();
  is_reading_ = true;
  socket_.async_read_some(
      boost::asio::buffer(buffer_.data() + end_, buffer_.size() - end_),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
        self->on_read(error, bytes);
      });
}

void ServerConnection::make_room() {
  if (begin_ == end_) begin_ = end_ = 0;
  const bool is_idle = state_ == State::head && end_ == 0;
  if (is_idle && buffer_.size() > kBufferBytes) std::vector<char>(kBufferBytes).swap(buffer_);
  const std::size_t wanted = state_ == State::body ? kBufferBytesMax : kBufferBytes;
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size() || buffer_.size() < wanted) {
    buffer_.resize(std::clamp(buffer_.size() * 2, wanted, kBufferBytesMax));
  }
  // The parser refuses a head that fills the largest buffer, and uses up all it gets of a body.
  FANFARE_ASSERT(end_ < buffer_.size());
}

void ServerConnection::on_read(const boost::system::error_code& error, std::size_t bytes) {
  is_reading_ = false;
  if (state_ == State::closed) return;
  if (error) {
    // An answer under way may still reach a client that has only finished sending.
    if (state_ != State::answering && state_ != State::writing) close();
    return;
  }
  if (state_ == State::lingering) {
    begin_ = end_ = 0;
    lingered_bytes_ += bytes;
    if (lingered_bytes_ >= shared_.limits.linger_bytes_max) return close();
    return read();
  }
  end_ += bytes;
  process();
}

// ---- answering ----

void ServerConnection::answer(std::uint64_t number, HttpResponse response) {
  if (state_ != State::answering || number != request_number_) return;
  FANFARE_ASSERT(shared_.reactor.impl().is_loop_thread());
  send(std::move(response));
  process();
}

void ServerConnection::answer_dropped(std::uint64_t number) {
  if (state_ != State::answering || number != request_number_) return;
  answer(number, shared_.handler.on_refused(500, "The request was dropped without an answer."));
}

void ServerConnection::refuse(int status, std::string_view detail) {
  is_kept_alive_ = false;
  request_ = {};
  send(shared_.handler.on_refused(status, detail));
}

bool ServerConnection::write_head(const HttpResponse& response) {
  answer_head_.clear();
  return append_answer_head(answer_head_, response,
                            {.date = shared_.dates.at(shared_.reactor.clock().wall_now()),
                             .is_http10 = is_http10_,
                             .is_kept_alive = is_kept_alive_});
}

void ServerConnection::send(HttpResponse response) {
  if (shared_.is_draining) is_kept_alive_ = false;
  if (!write_head(response)) {
    response = shared_.handler.on_refused(500, "The answer could not be written.");
    if (!write_head(response)) {
      response = {};
      response.status = 500;
      write_head(response);
    }
  }
  answer_body_.clear();
  if (!is_head_method_ && may_have_body(response.status)) answer_body_ = std::move(response.body);
  written_ = 0;
  state_ = State::writing;
  deadline_ = kNever;
  // Tried at once: the socket's buffer nearly always has room, and this saves a turn of the loop.
  boost::system::error_code error;
  const std::size_t bytes = socket_.write_some(unwritten(), error);
  on_write(error == boost::asio::error::would_block ? boost::system::error_code{} : error, bytes);
}

std::array<boost::asio::const_buffer, 2> ServerConnection::unwritten() const {
  const std::size_t head_done = std::min(written_, answer_head_.size());
  const std::size_t body_done = written_ - head_done;
  return {boost::asio::buffer(answer_head_) + head_done,
          boost::asio::buffer(answer_body_) + body_done};
}

void ServerConnection::on_write(const boost::system::error_code& error, std::size_t bytes) {
  if (state_ == State::closed) return;
  if (error) return close();
  written_ += bytes;
  if (written_ < answer_head_.size() + answer_body_.size()) return continue_write();
  finish_answer();
}

void ServerConnection::continue_write() {
  set_deadline(now() + shared_.limits.write_stall);
  socket_.async_write_some(
      unwritten(),
      [self = shared_from_this()](const boost::system::error_code& error, std::size_t bytes) {
        self->on_write(error, bytes);
        self->process();
      });
}

void ServerConnection::finish_answer() {
  if (answer_head_.capacity() > kAnswerBytesKept) std::string().swap(answer_head_);
  std::string().swap(answer_body_);
  if (!is_kept_alive_) return linger();
  parser_.next_request();
  is_head_started_ = false;
  state_ = State::head;
}

void ServerConnection::linger() {
  state_ = State::lingering;
  boost::system::error_code error;
  socket_.shutdown(boost::asio::socket_base::shutdown_send, error);
  if (error) return close();
  begin_ = end_ = 0;
  set_deadline(now() + shared_.limits.linger);
  read();
}

// ---- time ----

SteadyTime ServerConnection::body_deadline() const {
  const auto earned = Millis{static_cast<std::int64_t>(body_bytes_received_ * 1000 /
                                                       shared_.limits.body_bytes_per_second_min)};
  return body_started_ + shared_.limits.body_timeout + earned;
}

void ServerConnection::set_deadline(SteadyTime deadline) {
  deadline_ = deadline;
  if (timer_ == 0 || deadline < armed_for_) arm(now(), deadline);
}

void ServerConnection::arm(SteadyTime time, SteadyTime deadline) {
  shared_.reactor.cancel(timer_);
  armed_for_ = deadline;
  const auto delay = std::chrono::ceil<Millis>(std::max(deadline - time, SteadyTime::duration{}));
  timer_ = shared_.reactor.after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_timer();
  });
}

void ServerConnection::on_timer() {
  timer_ = 0;
  if (state_ == State::body) deadline_ = std::max(deadline_, body_deadline());
  if (deadline_ == kNever) return;
  const SteadyTime time = now();
  if (time < deadline_) return arm(time, deadline_);
  on_deadline();
}

void ServerConnection::on_deadline() {
  switch (state_) {
    case State::head:
      if (!is_head_started_) return close();
      return refuse(408, "The head of the request took too long.");
    case State::body:
      return refuse(408, "The body of the request took too long.");
    case State::writing:
    case State::lingering:
      return close();
    case State::answering:
    case State::closed:
      return;
  }
}

}  // namespace fanfare::net
