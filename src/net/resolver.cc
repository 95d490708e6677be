#include "net/resolver.h"

#include <algorithm>
#include <deque>
#include <list>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unordered_map>
#include <utility>

#include <ares.h>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include "base/assert.h"
#include "base/limits.h"
#include "net/reactor_impl.h"

namespace fanfare::net {

namespace {

using Status = Resolution::Status;
using boost::system::error_code;

constexpr std::size_t kInFlightPerTenantMax = 8;
constexpr std::size_t kWaitingPerTenantMax = 1024;  // then overloaded: memory
constexpr std::size_t kCacheEntriesMax = 16'384;    // then the oldest goes: memory
constexpr Millis kTtlMax{60'000};
constexpr Millis kFailureKept{5000};
constexpr int kQueryTimeoutMs = 1500;  // for one server; c-ares doubles it for the second try

Status status_of(int ares_status) {
  switch (ares_status) {
    case ARES_SUCCESS:
      return Status::found;
    case ARES_ENOTFOUND:
      return Status::not_found;
    case ARES_ENODATA:
      return Status::no_address;
    case ARES_ETIMEOUT:
      return Status::timed_out;
    default:
      return Status::failed;
  }
}

std::optional<IpAddress> ip_of(const ares_addrinfo_node& node) {
  IpAddress ip;
  if (node.ai_family == AF_INET) {
    const auto* in = reinterpret_cast<const sockaddr_in*>(node.ai_addr);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&in->sin_addr);
    std::copy_n(bytes, 4, ip.bytes.begin());
    return ip;
  }
  if (node.ai_family != AF_INET6) return std::nullopt;
  const auto* in6 = reinterpret_cast<const sockaddr_in6*>(node.ai_addr);
  ip.is_v6 = true;
  std::copy_n(in6->sin6_addr.s6_addr, 16, ip.bytes.begin());
  return ip;
}

struct Answer {
  Resolution resolution;
  Millis ttl{0};
};

// IPv4 first: a server without an IPv6 route is more common than one without IPv4, and the first
// try should succeed.
Answer read_answer(int ares_status, const ares_addrinfo* info) {
  Answer answer{.resolution = {.status = status_of(ares_status), .addresses = {}},
                .ttl = kFailureKept};
  if (answer.resolution.status != Status::found) return answer;
  std::vector<IpAddress>& addresses = answer.resolution.addresses;
  answer.ttl = kTtlMax;
  for (const ares_addrinfo_node* node = info->nodes; node != nullptr; node = node->ai_next) {
    const auto ip = ip_of(*node);
    if (!ip) continue;
    addresses.push_back(*ip);
    answer.ttl = std::min(answer.ttl, Millis{std::max(node->ai_ttl, 0) * 1000LL});
  }
  std::sort(addresses.begin(), addresses.end());
  addresses.erase(std::unique(addresses.begin(), addresses.end()), addresses.end());
  if (addresses.empty()) answer.resolution.status = Status::no_address;
  if (addresses.size() > limits::kDnsAnswersMax) {
    answer.resolution = {.status = Status::too_many, .addresses = {}};
  }
  if (answer.resolution.status != Status::found) answer.ttl = kFailureKept;
  return answer;
}

}  // namespace

std::string_view describe(Status status) {
  switch (status) {
    case Status::not_found:
      return "the host name does not exist";
    case Status::no_address:
      return "the host name has no address";
    case Status::timed_out:
      return "the host name's name servers did not answer in time";
    case Status::too_many:
      return "the host name has too many addresses";
    case Status::overloaded:
      return "too many host names are being looked up for this tenant";
    default:
      return "the host name's name servers gave no usable answer";
  }
}

DnsOptions::DnsOptions() : timeout(limits::kDnsTimeout) {}

// The invariant: a name is in `lookups` exactly while c-ares or the deadline owes an answer for it,
// and every tenant's count is the number of such look-ups it started.
struct DnsResolver::Impl : std::enable_shared_from_this<DnsResolver::Impl> {
  using Descriptor =
      boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;

  // A socket of c-ares. Asio watches it and must never close it: released, not closed, before
  // c-ares does.
  struct Watched {
    Watched(boost::asio::io_context& io, std::shared_ptr<int> the_token)
        : descriptor(io), token(std::move(the_token)) {}
    ~Watched() { let_go(); }
    // Ends the waits too. Their handlers own this object, and it owns the queue they stand in, so
    // one that is only forgotten would never go.
    void let_go() {
      if (descriptor.is_open()) descriptor.release();
    }
    Descriptor descriptor;
    std::shared_ptr<int> token;
    bool wants_read = false, wants_write = false;
    bool waits_read = false, waits_write = false;
  };
  struct Lookup {
    TenantId tenant;
    std::vector<Done> waiters;
    Loop::TimerId deadline = 0;
    std::uint64_t number = 0;
  };
  struct Waiting {
    std::string name;
    Done done;
  };
  struct Tenant {
    std::size_t in_flight = 0;
    std::deque<Waiting> waiting;
  };
  struct Cached {
    Resolution resolution;
    SteadyTime until;
    std::list<std::string>::iterator order;
  };
  // What c-ares carries while a query runs. It outlives the look-up if that ends at its deadline.
  struct Query {
    std::weak_ptr<Impl> impl;
    std::string name;
    std::uint64_t number;
  };

  Impl(Reactor& the_reactor, DnsOptions the_options)
      : reactor(the_reactor), options(std::move(the_options)) {}

  Result<void> open();
  void close();
  void resolve(const std::string& name, const TenantId& tenant, Done done);
  void begin(const std::string& name, const TenantId& tenant, Done done);
  void end(const std::string& name, std::uint64_t number, const Answer& answer);
  void admit_next(const TenantId& tenant);
  const Resolution* cached(const std::string& name);
  void keep(const std::string& name, const Answer& answer);
  void forget(std::unordered_map<std::string, Cached>::iterator entry);

  void watch(ares_socket_t fd, bool wants_read, bool wants_write);
  void wait(const std::shared_ptr<Watched>& watched, bool for_read);
  void process(ares_socket_t read_fd, ares_socket_t write_fd);
  void arm_retry_timer();

  Reactor& reactor;
  DnsOptions options;
  ares_channel channel = nullptr;
  std::unordered_map<ares_socket_t, std::shared_ptr<Watched>> sockets;
  std::unordered_map<std::string, Lookup> lookups;
  std::unordered_map<TenantId, Tenant> tenants;  // only those with something in flight
  std::unordered_map<std::string, Cached> cache;
  std::list<std::string> cache_order;  // oldest first
  Loop::TimerId retry_timer = 0;
  std::uint64_t queries_made = 0;
  std::shared_ptr<int> watched_token = std::make_shared<int>(0);  // each Watched holds it
};

// ---- look-ups ----

void DnsResolver::Impl::resolve(const std::string& name, const TenantId& tenant, Done done) {
  if (const Resolution* known = cached(name)) {
    const Resolution copy = *known;  // `done` may ask again and change the cache
    return done(copy);
  }
  if (const auto running = lookups.find(name); running != lookups.end()) {
    running->second.waiters.push_back(std::move(done));
    return;
  }
  Tenant& state = tenants[tenant];
  if (state.in_flight < kInFlightPerTenantMax) return begin(name, tenant, std::move(done));
  if (state.waiting.size() < kWaitingPerTenantMax) {
    state.waiting.push_back({name, std::move(done)});
    return;
  }
  done({.status = Status::overloaded, .addresses = {}});
}

void DnsResolver::Impl::begin(const std::string& name, const TenantId& tenant, Done done) {
  const std::uint64_t number = ++queries_made;
  Lookup& lookup = lookups[name];
  lookup.tenant = tenant;
  lookup.number = number;
  lookup.waiters.push_back(std::move(done));
  ++tenants[tenant].in_flight;
  lookup.deadline = reactor.after(options.timeout, [weak = weak_from_this(), name, number] {
    const auto self = weak.lock();
    if (!self) return;
    const Answer late{.resolution = {.status = Status::timed_out, .addresses = {}},
                      .ttl = kFailureKept};
    self->end(name, number, late);
  });
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_NOSORT;
  auto* query = new Query{weak_from_this(), name, number};
  // The callback may run before this returns (the hosts file), so the look-up is registered by now.
  ares_getaddrinfo(
      channel, name.c_str(), nullptr, &hints,
      [](void* arg, int status, int /*timeouts*/, ares_addrinfo* info) {
        const std::unique_ptr<Query> owned(static_cast<Query*>(arg));
        const Answer answer = read_answer(status, info);
        if (info != nullptr) ares_freeaddrinfo(info);
        if (const auto self = owned->impl.lock()) self->end(owned->name, owned->number, answer);
      },
      query);
  arm_retry_timer();
}

void DnsResolver::Impl::end(const std::string& name, std::uint64_t number, const Answer& answer) {
  const auto found = lookups.find(name);
  if (found == lookups.end() || found->second.number != number) return;  // over since its deadline
  Lookup lookup = std::move(found->second);
  lookups.erase(found);
  reactor.cancel(lookup.deadline);
  keep(name, answer);
  const auto keep_alive = shared_from_this();
  // Posted, and not called here: this may be inside c-ares, which a waiter could call again.
  reactor.post([weak = weak_from_this(), waiters = std::move(lookup.waiters),
                tenant = lookup.tenant, resolution = answer.resolution]() mutable {
    for (Done& done : waiters) {
      if (!weak.lock()) return;
      done(resolution);
    }
    if (const auto self = weak.lock()) self->admit_next(tenant);
  });
}

void DnsResolver::Impl::admit_next(const TenantId& tenant) {
  const auto found = tenants.find(tenant);
  FANFARE_ASSERT(found != tenants.end() && found->second.in_flight > 0);
  --found->second.in_flight;
  // One leaves, one enters; what is answered from the cache or joins another look-up takes no
  // place.
  while (true) {
    const auto state = tenants.find(tenant);
    if (state == tenants.end()) return;
    if (state->second.waiting.empty()) {
      if (state->second.in_flight == 0) tenants.erase(state);
      return;
    }
    if (state->second.in_flight >= kInFlightPerTenantMax) return;
    Waiting next = std::move(state->second.waiting.front());
    state->second.waiting.pop_front();
    resolve(next.name, tenant, std::move(next.done));
  }
}

// ---- cache ----

const Resolution* DnsResolver::Impl::cached(const std::string& name) {
  const auto found = cache.find(name);
  if (found == cache.end()) return nullptr;
  if (reactor.clock().steady_now() < found->second.until) return &found->second.resolution;
  forget(found);
  return nullptr;
}

void DnsResolver::Impl::forget(std::unordered_map<std::string, Cached>::iterator entry) {
  cache_order.erase(entry->second.order);
  cache.erase(entry);
}

void DnsResolver::Impl::keep(const std::string& name, const Answer& answer) {
  if (answer.ttl <= Millis{0}) return;
  if (const auto old = cache.find(name); old != cache.end()) forget(old);
  if (cache.size() >= kCacheEntriesMax) forget(cache.find(cache_order.front()));
  const SteadyTime until = reactor.clock().steady_now() + answer.ttl;
  const auto order = cache_order.insert(cache_order.end(), name);
  cache.emplace(name, Cached{answer.resolution, until, order});
}

// ---- c-ares and its sockets ----

Result<void> DnsResolver::Impl::open() {
  ares_options wanted{};
  // No search list and no $HOSTALIASES: a name is what it says. EDNS, so that usual answers fit one
  // packet.
  wanted.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES | ARES_FLAG_EDNS;
  wanted.timeout = kQueryTimeoutMs;
  wanted.tries = 2;
  wanted.ednspsz = 1232;
  wanted.ndots = 0;
  char lookups_order[] = "fb";
  wanted.lookups = lookups_order;
  wanted.sock_state_cb_data = this;
  wanted.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
    static_cast<Impl*>(self)->watch(fd, readable != 0, writable != 0);
  };
  const int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_EDNSPSZ |
                   ARES_OPT_NDOTS | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
  int status = ares_init_options(&channel, &wanted, mask);
  if (status == ARES_SUCCESS && !options.servers.empty()) {
    status = ares_set_servers_ports_csv(channel, options.servers.c_str());
  }
  if (status == ARES_SUCCESS) return {};
  return fail(Errc::internal,
              std::string("the name resolver could not be set up: ") + ares_strerror(status));
}

void DnsResolver::Impl::close() {
  if (retry_timer != 0) reactor.cancel(std::exchange(retry_timer, 0));
  for (const auto& [fd, watched] : sockets) watched->let_go();
  sockets.clear();
  if (channel != nullptr) ares_destroy(std::exchange(channel, nullptr));
}

void DnsResolver::Impl::watch(ares_socket_t fd, bool wants_read, bool wants_write) {
  if (!wants_read && !wants_write) {
    if (const auto node = sockets.extract(fd)) node.mapped()->let_go();
    return;
  }
  std::shared_ptr<Watched>& watched = sockets[fd];
  if (!watched) {
    watched = std::make_shared<Watched>(reactor.impl().io, watched_token);
    error_code error;
    watched->descriptor.assign(fd, error);
    if (error) {
      sockets.erase(fd);  // the query ends at its deadline
      return;
    }
  }
  watched->wants_read = wants_read;
  watched->wants_write = wants_write;
  const std::shared_ptr<Watched> stays = watched;
  if (wants_read && !stays->waits_read) wait(stays, true);
  if (wants_write && !stays->waits_write) wait(stays, false);
}

void DnsResolver::Impl::wait(const std::shared_ptr<Watched>& watched, bool for_read) {
  (for_read ? watched->waits_read : watched->waits_write) = true;
  const auto event = for_read ? Descriptor::wait_read : Descriptor::wait_write;
  watched->descriptor.async_wait(
      event, [weak = weak_from_this(), watched, for_read](const error_code& error) {
        (for_read ? watched->waits_read : watched->waits_write) = false;
        const auto self = weak.lock();
        if (error || !self || !watched->descriptor.is_open()) return;
        const ares_socket_t fd = watched->descriptor.native_handle();
        // c-ares may have closed it since, and opened another one with the same number.
        const auto still = self->sockets.find(fd);
        if (still == self->sockets.end() || still->second != watched) return;
        self->process(for_read ? fd : ARES_SOCKET_BAD, for_read ? ARES_SOCKET_BAD : fd);
        const auto after = self->sockets.find(fd);
        if (after == self->sockets.end() || after->second != watched) return;
        if (watched->wants_read && !watched->waits_read) self->wait(watched, true);
        if (watched->wants_write && !watched->waits_write) self->wait(watched, false);
      });
}

void DnsResolver::Impl::process(ares_socket_t read_fd, ares_socket_t write_fd) {
  if (channel == nullptr) return;
  ares_process_fd(channel, read_fd, write_fd);
  arm_retry_timer();
}

// c-ares sends a query again, or to the next server, when it is called after its own timeout.
void DnsResolver::Impl::arm_retry_timer() {
  timeval longest{};
  timeval left{};
  if (retry_timer != 0 || channel == nullptr || lookups.empty()) return;
  longest.tv_sec = 1;
  const timeval* next = ares_timeout(channel, &longest, &left);
  const Millis wait_for{next->tv_sec * 1000 + next->tv_usec / 1000 + 1};
  retry_timer = reactor.after(wait_for, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->retry_timer = 0;
    self->process(ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  });
}

// ---- the class ----

DnsResolver::DnsResolver(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}

DnsResolver::~DnsResolver() {
  for (auto& [name, lookup] : impl_->lookups) impl_->reactor.cancel(lookup.deadline);
  impl_->lookups.clear();
  impl_->tenants.clear();
  impl_->close();
}

Result<std::unique_ptr<DnsResolver>> DnsResolver::create(Reactor& reactor, DnsOptions options) {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);
  if (library != ARES_SUCCESS) return fail(Errc::internal, "the name resolver could not be set up");
  auto impl = std::make_shared<Impl>(reactor, std::move(options));
  TRY_VOID(impl->open());
  return std::unique_ptr<DnsResolver>(new DnsResolver(std::move(impl)));
}

void DnsResolver::resolve(const std::string& name, const TenantId& tenant, Done done) {
  impl_->resolve(name, tenant, std::move(done));
}

Result<void> DnsResolver::reload() {
  impl_->close();  // what is under way ends as failed; each has its waiters told
  impl_->cache.clear();
  impl_->cache_order.clear();
  return impl_->open();
}

std::uint64_t DnsResolver::queries_made() const {
  return impl_->queries_made;
}

std::size_t DnsResolver::sockets_watched() const {
  return static_cast<std::size_t>(impl_->watched_token.use_count() - 1);
}

}  // namespace fanfare::net
