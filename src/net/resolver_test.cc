#include "net/resolver.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <atomic>
#include <future>
#include <map>
#include <mutex>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"

namespace fanfare::net {
namespace {

using Status = Resolution::Status;

constexpr int kTypeA = 1;
constexpr int kTypeCname = 5;
constexpr int kTypeAaaa = 28;

// What a name is answered with.
struct Zone {
  int a_records = 0;     // 10.x.y.z, counted up
  int aaaa_records = 0;  // 2001:db8::n
  int response_code = 0;
  std::uint32_t ttl = 30;
  bool is_silent = false;
  std::string alias = {};  // a CNAME to this name, whose addresses follow
};

void put16(std::string& out, unsigned value) {
  out += static_cast<char>(value >> 8);
  out += static_cast<char>(value & 0xff);
}

void put_name(std::string& out, const std::string& name) {
  std::size_t start = 0;
  while (start < name.size()) {
    const auto dot = std::min(name.find('.', start), name.size());
    out += static_cast<char>(dot - start);
    out += name.substr(start, dot - start);
    start = dot + 1;
  }
  out += '\0';
}

void put_record(std::string& out, const std::string& name, int type, std::uint32_t ttl,
                const std::string& data) {
  put_name(out, name);
  put16(out, static_cast<unsigned>(type));
  put16(out, 1);
  put16(out, ttl >> 16);
  put16(out, ttl & 0xffff);
  put16(out, static_cast<unsigned>(data.size()));
  out += data;
}

// A name server on loopback, over UDP and TCP on the same port, in one thread.
class FakeDns {
 public:
  FakeDns() {
    for (int tries = 0; tries < 20 && tcp_ < 0; ++tries) open();
    EXPECT_GE(tcp_, 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeDns() {
    is_over_ = true;
    const sockaddr_in address = here();
    ::sendto(udp_, "", 0, 0, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    thread_.join();
    ::close(udp_);
    ::close(tcp_);
  }
  void set(const std::string& name, Zone zone) {
    const std::lock_guard lock(mutex_);
    zones_[name] = std::move(zone);
  }
  int asked(const std::string& name) {
    const std::lock_guard lock(mutex_);
    return asked_[name];
  }
  std::vector<std::string> names_asked() {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> names;
    for (const auto& [name, count] : asked_) names.push_back(name);
    return names;
  }
  std::string server() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  sockaddr_in here() const {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port_);
    return address;
  }
  // A free UDP port whose TCP twin may be taken: then another one.
  void open() {
    udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    port_ = 0;
    sockaddr_in address = here();
    socklen_t size = sizeof address;
    ::bind(udp_, reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(udp_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(tcp_, reinterpret_cast<sockaddr*>(&address), size) == 0 && ::listen(tcp_, 16) == 0)
      return;
    ::close(udp_);
    ::close(std::exchange(tcp_, -1));
  }
  void serve() {
    std::array<pollfd, 2> ready{pollfd{udp_, POLLIN, 0}, pollfd{tcp_, POLLIN, 0}};
    while (!is_over_) {
      ::poll(ready.data(), ready.size(), -1);
      if ((ready[0].revents & POLLIN) != 0) serve_udp();
      if ((ready[1].revents & POLLIN) != 0) serve_tcp();
    }
  }
  void serve_udp() {
    std::array<char, 2048> buffer{};
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got = ::recvfrom(udp_, buffer.data(), buffer.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 12) return;
    std::string answer = answer_to({buffer.data(), static_cast<std::size_t>(got)});
    if (answer.empty()) return;
    if (answer.size() > 1232) answer = truncated({buffer.data(), static_cast<std::size_t>(got)});
    ::sendto(udp_, answer.data(), answer.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
  }
  static std::string question_of(const std::string& query) {
    const auto end = query.find('\0', 12);
    return query.substr(12, end + 5 - 12);
  }
  static std::string truncated(const std::string& query) {
    std::string answer = query.substr(0, 2);
    put16(answer, 0x8780);
    put16(answer, 1);
    answer += std::string(6, '\0');
    return answer + question_of(query);
  }
  void serve_tcp() {
    const int fd = ::accept4(tcp_, nullptr, nullptr, SOCK_CLOEXEC);
    const timeval patience{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    std::string bytes;
    while (bytes.size() < 2 || bytes.size() < 2U + static_cast<std::uint8_t>(bytes[1])) {
      std::array<char, 512> buffer{};
      const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      bytes.append(buffer.data(), static_cast<std::size_t>(got));
    }
    if (bytes.size() > 14) {
      const std::string answer = answer_to(bytes.substr(2));
      std::string framed;
      put16(framed, static_cast<unsigned>(answer.size()));
      framed += answer;
      ::send(fd, framed.data(), framed.size(), MSG_NOSIGNAL);
    }
    ::close(fd);
  }
  static std::string name_in(const std::string& query) {
    std::string name;
    for (std::size_t at = 12; at < query.size() && query[at] != 0;) {
      const auto size = static_cast<std::size_t>(query[at]);
      name += (name.empty() ? "" : ".") + query.substr(at + 1, size);
      at += size + 1;
    }
    return name;
  }
  std::string answer_to(const std::string& query) {
    const std::string name = name_in(query);
    const std::string question = question_of(query);
    const int type = question[question.size() - 3];
    const std::lock_guard lock(mutex_);
    if (type == kTypeA) ++asked_[name];
    const auto found = zones_.find(name);
    const Zone zone = found == zones_.end() ? Zone{.response_code = 3} : found->second;
    if (zone.is_silent) return {};
    std::string records;
    unsigned count = 0;
    if (!zone.alias.empty()) {
      std::string target;
      put_name(target, zone.alias);
      put_record(records, name, kTypeCname, zone.ttl, target);
      ++count;
    }
    const std::string owner = zone.alias.empty() ? name : zone.alias;
    const int addresses = type == kTypeA      ? zone.a_records
                          : type == kTypeAaaa ? zone.aaaa_records
                                              : 0;
    for (int i = 0; i < addresses; ++i, ++count) {
      std::string data = type == kTypeA
                             ? std::string("\x0a\x00", 2)
                             : std::string("\x20\x01\x0d\xb8", 4) + std::string(10, '\0');
      put16(data, static_cast<unsigned>(i + 1));
      put_record(records, owner, type, zone.ttl, data);
    }
    std::string answer = query.substr(0, 2);
    put16(answer, 0x8580U | static_cast<unsigned>(zone.response_code));
    put16(answer, 1);
    put16(answer, count);
    put16(answer, 0);
    put16(answer, 0);
    return answer + question + records;
  }

  int udp_ = -1;
  int tcp_ = -1;
  std::uint16_t port_ = 0;
  std::atomic<bool> is_over_{false};
  std::mutex mutex_;
  std::map<std::string, Zone> zones_;
  std::map<std::string, int> asked_;
  std::thread thread_;
};

TenantId tenant(std::uint8_t number = 1) {
  TenantId id;
  id.value.bytes[0] = number;
  return id;
}

class RunningResolver {
 public:
  explicit RunningResolver(const std::string& servers, Millis timeout = limits::kDnsTimeout) {
    DnsOptions options;
    options.servers = servers;
    options.timeout = timeout;
    auto made = DnsResolver::create(reactor_, options);
    EXPECT_TRUE(made);
    resolver_ = *std::move(made);
    thread_ = std::thread([this] { reactor_.run(); });
  }
  ~RunningResolver() {
    reactor_.stop();
    thread_.join();
  }
  std::future<Resolution> start(const std::string& name, TenantId who = tenant()) {
    auto promise = std::make_shared<std::promise<Resolution>>();
    reactor_.post([this, name, who, promise] {
      resolver_->resolve(name, who, [promise](const Resolution& r) { promise->set_value(r); });
    });
    return promise->get_future();
  }
  Resolution resolve(const std::string& name, TenantId who = tenant()) {
    return start(name, who).get();
  }
  std::uint64_t queries_made() {
    std::promise<std::uint64_t> promise;
    reactor_.post([&] { promise.set_value(resolver_->queries_made()); });
    return promise.get_future().get();
  }
  std::size_t sockets_watched() {
    std::promise<std::size_t> promise;
    reactor_.post([&] { promise.set_value(resolver_->sockets_watched()); });
    return promise.get_future().get();
  }
  Result<void> reload() {
    std::promise<Result<void>> promise;
    reactor_.post([&] { promise.set_value(resolver_->reload()); });
    return promise.get_future().get();
  }

 private:
  SystemClock clock_;
  Reactor reactor_{clock_};
  std::unique_ptr<DnsResolver> resolver_;
  std::thread thread_;
};

std::vector<std::string> texts(const Resolution& resolution) {
  std::vector<std::string> out;
  for (const IpAddress& address : resolution.addresses) out.push_back(fanfare::to_string(address));
  return out;
}

using Texts = std::vector<std::string>;

TEST(DnsResolver, GivesBothFamiliesIpv4First) {
  FakeDns dns;
  dns.set("dual.example.com", {.a_records = 2, .aaaa_records = 1});
  RunningResolver resolver(dns.server());

  const Resolution resolution = resolver.resolve("dual.example.com");

  EXPECT_EQ(resolution.status, Status::found);
  EXPECT_EQ(texts(resolution), (Texts{"10.0.0.1", "10.0.0.2", "2001:db8::1"}));
}

TEST(DnsResolver, FindsANameThatHasOnlyIpv6) {
  FakeDns dns;
  dns.set("six.example.com", {.aaaa_records = 1});
  RunningResolver resolver(dns.server());

  EXPECT_EQ(texts(resolver.resolve("six.example.com")), Texts{"2001:db8::1"});
}

TEST(DnsResolver, FollowsAnAlias) {
  FakeDns dns;
  dns.set("alias.example.com", {.a_records = 1, .alias = "real.example.net"});
  RunningResolver resolver(dns.server());

  EXPECT_EQ(texts(resolver.resolve("alias.example.com")), Texts{"10.0.0.1"});
}

TEST(DnsResolver, ReadsLocalhostWithoutAskingDns) {
  FakeDns dns;
  RunningResolver resolver(dns.server());

  const Resolution resolution = resolver.resolve("localhost");

  ASSERT_EQ(resolution.status, Status::found);
  EXPECT_EQ(texts(resolution).front(), "127.0.0.1");
  EXPECT_TRUE(dns.names_asked().empty());
}

TEST(DnsResolver, TellsAMissingNameFromAFailingServer) {
  FakeDns dns;
  dns.set("empty.example.com", {});
  dns.set("servfail.example.com", {.response_code = 2});
  dns.set("refused.example.com", {.response_code = 5});
  RunningResolver resolver(dns.server());

  EXPECT_EQ(resolver.resolve("nx.example.com").status, Status::not_found);
  EXPECT_EQ(resolver.resolve("empty.example.com").status, Status::no_address);
  EXPECT_EQ(resolver.resolve("servfail.example.com").status, Status::failed);
  EXPECT_EQ(resolver.resolve("refused.example.com").status, Status::failed);
}

TEST(DnsResolver, AsksForTheNameAndNoOther) {
  FakeDns dns;
  RunningResolver resolver(dns.server());

  resolver.resolve("nx.example.com");

  EXPECT_EQ(dns.names_asked(), Texts{"nx.example.com"}) << "no search list";
}

TEST(DnsResolver, SilentServerEndsAtTheDeadline) {
  FakeDns dns;
  dns.set("silent.example.com", {.is_silent = true});
  RunningResolver resolver(dns.server(), Millis{80});

  EXPECT_EQ(resolver.resolve("silent.example.com").status, Status::timed_out);
}

TEST(DnsResolver, TakesAsManyAddressesAsTheLimitAndNoMore) {
  FakeDns dns;
  dns.set("many.example.com", {.a_records = 64});
  dns.set("more.example.com", {.a_records = 65});
  dns.set("toomany.example.com", {.a_records = 300});  // only fits over TCP
  RunningResolver resolver(dns.server());

  EXPECT_EQ(resolver.resolve("many.example.com").addresses.size(), limits::kDnsAnswersMax);
  EXPECT_EQ(resolver.resolve("more.example.com").status, Status::too_many);
  const Resolution toomany = resolver.resolve("toomany.example.com");
  EXPECT_EQ(toomany.status, Status::too_many);
  EXPECT_TRUE(toomany.addresses.empty());
}

TEST(DnsResolver, KeepsAnAnswerForItsTtl) {
  FakeDns dns;
  dns.set("kept.example.com", {.a_records = 1, .ttl = 30});
  RunningResolver resolver(dns.server());

  for (int i = 0; i < 3; ++i) EXPECT_EQ(resolver.resolve("kept.example.com").status, Status::found);

  EXPECT_EQ(dns.asked("kept.example.com"), 1);
}

TEST(DnsResolver, AsksAgainWhenTheTtlIsZero) {
  FakeDns dns;
  dns.set("fresh.example.com", {.a_records = 1, .ttl = 0});
  RunningResolver resolver(dns.server());
  resolver.resolve("fresh.example.com");
  dns.set("fresh.example.com", {.a_records = 2, .ttl = 0});

  EXPECT_EQ(resolver.resolve("fresh.example.com").addresses.size(), 2U);
}

TEST(DnsResolver, KeepsFailuresForAWhile) {
  FakeDns dns;
  RunningResolver resolver(dns.server());

  resolver.resolve("nx.example.com");
  resolver.resolve("nx.example.com");

  EXPECT_EQ(resolver.queries_made(), 1U);
}

TEST(DnsResolver, ReloadForgetsTheCache) {
  FakeDns dns;
  dns.set("kept.example.com", {.a_records = 1, .ttl = 30});
  RunningResolver resolver(dns.server());
  resolver.resolve("kept.example.com");

  ASSERT_TRUE(resolver.reload());
  EXPECT_EQ(resolver.resolve("kept.example.com").status, Status::found);

  EXPECT_EQ(dns.asked("kept.example.com"), 2);
}

TEST(DnsResolver, LookUpsOfOneNameShareAQuery) {
  FakeDns dns;
  dns.set("slow.example.com", {.is_silent = true});
  RunningResolver resolver(dns.server(), Millis{100});
  std::vector<std::future<Resolution>> waiting;
  for (std::uint8_t i = 0; i < 20; ++i)
    waiting.push_back(resolver.start("slow.example.com", tenant(i)));

  for (auto& one : waiting) EXPECT_EQ(one.get().status, Status::timed_out);

  EXPECT_EQ(resolver.queries_made(), 1U);
}

TEST(DnsResolver, TenantWithADeadNameServerWaitsForItselfOnly) {
  FakeDns dns;
  RunningResolver resolver(dns.server(), Millis{300});
  std::vector<std::future<Resolution>> waiting;
  for (int i = 0; i < 20; ++i) {
    const std::string name = "dead" + std::to_string(i) + ".example.com";
    dns.set(name, {.is_silent = true});
    waiting.push_back(resolver.start(name, tenant(1)));
  }
  dns.set("alive.example.com", {.a_records = 1});

  EXPECT_EQ(resolver.resolve("alive.example.com", tenant(2)).status, Status::found);
  EXPECT_LE(resolver.queries_made(), 9U) << "eight of the first tenant, one of the second";

  for (auto& one : waiting) EXPECT_EQ(one.get().status, Status::timed_out);
  EXPECT_EQ(resolver.queries_made(), 21U) << "the others had their turn";
}

TEST(DnsResolver, WaitingLookUpsOfATenantAreBounded) {
  FakeDns dns;
  RunningResolver resolver(dns.server(), Millis{200});
  dns.set("dead0.example.com", {.is_silent = true});
  std::vector<std::future<Resolution>> waiting;
  for (int i = 0; i < 8 + 1024 + 1; ++i) {
    const std::string name = "dead" + std::to_string(i) + ".example.com";
    if (i < 8) dns.set(name, {.is_silent = true});
    waiting.push_back(resolver.start(name));
  }

  EXPECT_EQ(waiting.back().get().status, Status::overloaded);
  EXPECT_EQ(waiting.at(1031).get().status, Status::not_found)
      << "those that waited have their turn";
}

TEST(DnsResolver, ASocketClosedWhileItIsWaitedForIsLetGo) {
  FakeDns dns;
  dns.set("silent.example.com", {.is_silent = true});
  RunningResolver resolver(dns.server());
  const std::future<Resolution> pending = resolver.start("silent.example.com");
  ASSERT_GE(resolver.sockets_watched(), 1U);

  ASSERT_TRUE(resolver.reload());
  resolver.queries_made();  // one turn of the loop, in which the waits end

  EXPECT_EQ(resolver.sockets_watched(), 0U);
}

TEST(DnsResolver, MayGoWhileALookUpIsUnderWay) {
  FakeDns dns;
  dns.set("silent.example.com", {.is_silent = true});
  std::future<Resolution> never;
  {
    RunningResolver resolver(dns.server());
    never = resolver.start("silent.example.com");
    resolver.queries_made();  // the look-up has begun
  }
  EXPECT_THROW(never.get(), std::future_error) << "its caller is dropped, not called";
}

}  // namespace
}  // namespace fanfare::net
