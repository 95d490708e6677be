#include "net/http_server.h"

#include <cerrno>
#include <fcntl.h>
#include <memory>
#include <sys/socket.h>
#include <unistd.h>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "base/assert.h"
#include "net/http_server_connection.h"
#include "net/reactor_impl.h"

namespace fanfare::net {

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using Acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using ReusePort = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;

// Asio makes sockets that a worker process would inherit.
void close_on_exec(int descriptor) {
  ::fcntl(descriptor, F_SETFD, FD_CLOEXEC);
}

bool is_out_of_resources(const boost::system::error_code& error) {
  const int number = error.value();
  return number == EMFILE || number == ENFILE || number == ENOBUFS || number == ENOMEM;
}

std::string text_of(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

tl::unexpected<Error> cannot_listen(const ListenOptions& options,
                                    const boost::system::error_code& error) {
  const std::string place = options.address + " port " + std::to_string(options.port);
  if (error == asio::error::address_in_use) {
    return fail(Errc::unavailable, place + " is in use by another process");
  }
  return fail(Errc::unavailable, "cannot listen on " + place + ": " + error.message());
}

// A descriptor held back, so that one connection at a time can be taken and closed when there are
// no others: its client is told at once instead of hanging in the queue.
class ReserveDescriptor {
 public:
  ReserveDescriptor() { take(); }
  ReserveDescriptor(const ReserveDescriptor&) = delete;
  ReserveDescriptor& operator=(const ReserveDescriptor&) = delete;
  ~ReserveDescriptor() { give(); }

  void shed_one(int listener) {
    give();
    const int accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (accepted >= 0) ::close(accepted);
    take();
  }

 private:
  void take() { descriptor_ = ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
  void give() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }
  int descriptor_ = -1;
};

}  // namespace

// Shared with the operations under way only weakly: what completes after the server has gone finds
// nothing.
struct HttpServer::Impl : std::enable_shared_from_this<HttpServer::Impl> {
  Impl(Reactor& reactor, const ListenOptions& the_options, HttpHandler& handler)
      : options(the_options),
        acceptor(reactor.impl().io.get_executor()),
        shared{reactor, handler, the_options.limits, {}, false, {}} {
    shared.on_closed = [this](ServerConnection& connection) { forget(connection); };
  }

  boost::system::error_code open(Impl* first = nullptr);
  std::uint16_t port() const;
  void accept();
  void on_accept(const boost::system::error_code& error, TcpSocket socket);
  void admit(TcpSocket socket);
  void pause();
  void forget(ServerConnection& connection);
  void accept_queued();
  void drain_connections();
  void finish_if_drained();
  void shut_down();

  const ListenOptions options;
  Acceptor acceptor;
  ServerConnection::Shared shared;
  ReserveDescriptor reserve;
  Loop::TimerId pause_timer = 0;
  bool is_accepting = false;
  std::unordered_map<ServerConnection*, std::shared_ptr<ServerConnection>> connections;
  std::unordered_map<std::string, std::size_t> count_by_ip;
  UniqueFunction<void()> on_drained;
};

// The first listener of a process binds without SO_REUSEPORT, so it fails if anybody listens there,
// another Fanfare of the same user with SO_REUSEPORT included; of two at the same moment one fails
// in listen(). Only then does it let others of its process in, and only those ask with
// SO_REUSEPORT: the kernel spreads connections evenly over them, which one socket with several
// waiters does not. SO_REUSEADDR lets a restart pass the TIME_WAIT of old connections, but no
// listener.
boost::system::error_code HttpServer::Impl::open(Impl* first) {
  boost::system::error_code error;
  const auto address = asio::ip::make_address(options.address, error);
  if (error) return error;
  const tcp::endpoint endpoint(address, first ? first->port() : options.port);
  if (acceptor.open(endpoint.protocol(), error)) return error;
  close_on_exec(acceptor.native_handle());
  if (acceptor.set_option(Acceptor::reuse_address(true), error)) return error;
  if (first) {
    if (first->acceptor.set_option(ReusePort(true), error)) return error;
    if (acceptor.set_option(ReusePort(true), error)) return error;
  }
  if (acceptor.bind(endpoint, error)) return error;
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  return error;
}

std::uint16_t HttpServer::Impl::port() const {
  boost::system::error_code error;
  return acceptor.local_endpoint(error).port();
}

void HttpServer::Impl::accept() {
  if (is_accepting || shared.is_draining || pause_timer != 0) return;
  if (connections.size() >= options.connections_max) return;  // until one closes
  is_accepting = true;
  acceptor.async_accept(
      [weak = weak_from_this()](const boost::system::error_code& error, TcpSocket socket) {
        if (const auto self = weak.lock()) self->on_accept(error, std::move(socket));
      });
}

void HttpServer::Impl::on_accept(const boost::system::error_code& error, TcpSocket socket) {
  is_accepting = false;
  if (shared.is_draining || !acceptor.is_open()) return;
  if (!error) {
    admit(std::move(socket));
  } else if (is_out_of_resources(error)) {
    reserve.shed_one(acceptor.native_handle());
    pause();
    return;
  } else if (error != asio::error::connection_aborted) {
    pause();
    return;
  }
  accept();
}

// Trying again at once would spin for as long as there are no descriptors.
void HttpServer::Impl::pause() {
  pause_timer = shared.reactor.after(options.limits.accept_pause, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->pause_timer = 0;
    self->accept();
  });
}

void HttpServer::Impl::admit(TcpSocket socket) {
  boost::system::error_code error;
  const auto peer = socket.remote_endpoint(error);
  if (error) return;  // gone already
  close_on_exec(socket.native_handle());
  std::string peer_ip = text_of(peer.address());
  std::size_t& count = count_by_ip[peer_ip];
  if (count >= options.limits.connections_per_ip_max) return;
  socket.non_blocking(true, error);
  if (!error) socket.set_option(tcp::no_delay(true), error);
  if (error) {
    if (count == 0) count_by_ip.erase(peer_ip);
    return;
  }
  ++count;
  const auto connection =
      std::make_shared<ServerConnection>(std::move(socket), std::move(peer_ip), shared);
  connections.emplace(connection.get(), connection);
  connection->start();
}

void HttpServer::Impl::forget(ServerConnection& connection) {
  const auto count = count_by_ip.find(connection.peer_ip());
  FANFARE_ASSERT(count != count_by_ip.end() && count->second > 0);
  if (--count->second == 0) count_by_ip.erase(count);
  // Its last owner may be this map, and it is still running: it goes on the next turn of the loop.
  const auto found = connections.find(&connection);
  FANFARE_ASSERT(found != connections.end());
  shared.reactor.post([last = std::move(found->second)] {});
  connections.erase(found);
  finish_if_drained();
  if (acceptor.is_open()) accept();
}

// Clients in the kernel's queue believe that they are connected; closing the listener would reset
// them.
void HttpServer::Impl::accept_queued() {
  boost::system::error_code error;
  acceptor.non_blocking(true, error);
  while (!error && connections.size() < options.connections_max) {
    TcpSocket socket(shared.reactor.impl().io.get_executor());
    acceptor.accept(socket, error);
    if (!error) admit(std::move(socket));
  }
}

void HttpServer::Impl::drain_connections() {
  std::vector<std::shared_ptr<ServerConnection>> open;
  for (const auto& [_, connection] : connections) open.push_back(connection);
  for (const auto& connection : open) connection->drain();
  finish_if_drained();
}

void HttpServer::Impl::finish_if_drained() {
  if (connections.empty() && on_drained) {
    shared.reactor.post(std::exchange(on_drained, nullptr));
  }
}

void HttpServer::Impl::shut_down() {
  shared.is_draining = true;
  on_drained = nullptr;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  shared.reactor.cancel(pause_timer);
  std::vector<std::shared_ptr<ServerConnection>> open;
  for (const auto& [_, connection] : connections) open.push_back(connection);
  for (const auto& connection : open) connection->close();
}

HttpServer::HttpServer(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

HttpServer::~HttpServer() {
  impl_->shut_down();
}

Result<std::unique_ptr<HttpServer>> HttpServer::listen(Reactor& reactor,
                                                       const ListenOptions& options,
                                                       HttpHandler& handler) {
  const auto impl = std::make_shared<Impl>(reactor, options, handler);
  if (const auto error = impl->open()) return cannot_listen(options, error);
  impl->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(impl));
}

Result<std::unique_ptr<HttpServer>> HttpServer::join(const HttpServer& first, Reactor& reactor,
                                                     HttpHandler& handler) {
  ListenOptions options = first.impl_->options;
  options.port = first.port();
  const auto impl = std::make_shared<Impl>(reactor, options, handler);
  if (const auto error = impl->open(first.impl_.get())) return cannot_listen(options, error);
  impl->accept();
  return std::unique_ptr<HttpServer>(new HttpServer(impl));
}

std::uint16_t HttpServer::port() const {
  return impl_->port();
}

void HttpServer::drain(UniqueFunction<void()> done) {
  FANFARE_ASSERT(!impl_->shared.is_draining);
  impl_->shared.is_draining = true;
  impl_->on_drained = std::move(done);
  impl_->accept_queued();
  boost::system::error_code ignored;
  impl_->acceptor.close(ignored);
  // On the next turn: a request may have been read whose completion is still in the loop's queue,
  // and a connection that looks idle now would be closed under it.
  impl_->shared.reactor.post([weak = impl_->weak_from_this()] {
    if (const auto impl = weak.lock()) impl->drain_connections();
  });
}

std::size_t HttpServer::open_connections() const {
  return impl_->connections.size();
}

}  // namespace fanfare::net
