// ServerConnection: one accepted socket and the requests that come over it, strictly one after the
// other. It is a small state machine: reading a head, reading a body, waiting for the handler's
// answer, writing it, and at the end lingering until the client has seen it. Bytes that follow a
// request stay in the buffer until that is answered.
//
// Hot path: one read, one check, one gathered write that is tried at once. There is one timer for
// each connection, which is moved only when a deadline comes nearer than the one it is set for.
//
// Loop thread only. Kept alive by its server and by the operation under way; a Responder holds it
// weakly.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "net/http_parser.h"
#include "net/http_server.h"
#include "net/http_writer.h"
#include "net/reactor.h"

namespace fanfare::net {

// The concrete executor type: the erased one costs an allocation and virtual calls for each
// operation.
using TcpSocket =
    boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;

class ServerConnection : public std::enable_shared_from_this<ServerConnection> {
 public:
  // What the connections of one server share; outlives every connection that is not closed.
  struct Shared {
    Reactor& reactor;
    HttpHandler& handler;
    ServerLimits limits;
    DateCache dates;
    bool is_draining = false;
    std::function<void(ServerConnection&)> on_closed;  // called once for each connection
  };

  ServerConnection(TcpSocket socket, std::string peer_ip, Shared& shared);

  void start();
  void close();  // at once, whatever is under way
  void drain();  // closes if idle; otherwise the answer under way is the last
  const std::string& peer_ip() const { return peer_ip_; }

  // For Responder: the answer to request number `number`, or that it was dropped.
  void answer(std::uint64_t number, HttpResponse response);
  void answer_dropped(std::uint64_t number);

 private:
  enum class State { head, body, answering, writing, lingering, closed };

  // Each reads or decides one thing; true if there may be more to do with what is in the buffer.
  void process();
  bool step_head();
  bool step_body();
  bool begin_request();
  bool ask_for_body();
  void dispatch();

  void send(HttpResponse response);
  bool write_head(const HttpResponse& response);
  void refuse(int status, std::string_view detail);
  void continue_write();
  std::array<boost::asio::const_buffer, 2> unwritten() const;
  void on_write(const boost::system::error_code& error, std::size_t bytes);
  void finish_answer();
  void linger();

  void read();
  void on_read(const boost::system::error_code& error, std::size_t bytes);
  void make_room();
  std::string_view unread() const { return {buffer_.data() + begin_, end_ - begin_}; }

  SteadyTime now() const { return shared_.reactor.clock().steady_now(); }
  SteadyTime body_deadline() const;
  void set_deadline(SteadyTime deadline);
  void arm(SteadyTime time, SteadyTime deadline);
  void on_timer();
  void on_deadline();

  static constexpr SteadyTime kNever = SteadyTime::max();

  Shared& shared_;
  TcpSocket socket_;
  const std::string peer_ip_;
  State state_ = State::head;
  bool is_processing_ = false;
  bool is_reading_ = false;

  std::vector<char> buffer_;
  std::size_t begin_ = 0;  // unread bytes are [begin_, end_)
  std::size_t end_ = 0;

  RequestParser parser_;
  HttpRequest request_;
  std::uint64_t request_number_ = 0;
  std::size_t body_bytes_max_ = 0;
  std::size_t body_bytes_received_ = 0;  // framing included
  SteadyTime body_started_{};
  bool is_head_started_ = false;
  bool is_kept_alive_ = true;
  bool is_http10_ = false;
  bool is_head_method_ = false;

  std::string answer_head_;
  std::string answer_body_;
  std::size_t written_ = 0;
  std::size_t lingered_bytes_ = 0;

  Loop::TimerId timer_ = 0;
  SteadyTime armed_for_ = kNever;
  SteadyTime deadline_ = kNever;
};

}  // namespace fanfare::net
