#include "egress/http_sender.h"

#include <utility>

#include "base/assert.h"
#include "egress/http_sender_attempt.h"

namespace fanfare {
namespace {

// Parsing costs about a microsecond and most requests repeat a URL. When the cache is full it
// starts anew, which costs one parse for each URL and needs no bookkeeping on the way of every
// request.
constexpr std::size_t kTargetsMax = 16'384;
constexpr Millis kSweepEvery{5000};

}  // namespace

HttpSender::HttpSender(net::Reactor& reactor, net::Resolver& resolver, const net::TlsClient& tls,
                       EgressPolicy policy, HttpSenderOptions options)
    : reactor_(reactor),
      resolver_(resolver),
      tls_(tls),
      policy_(std::move(policy)),
      options_(options),
      pool_(options.pool) {}

HttpSender::~HttpSender() {
  if (sweep_timer_ != 0) reactor_.cancel(sweep_timer_);
  for (const auto& attempt : attempts_) attempt->forget();
}

void HttpSender::send(SendRequest request, Done done) {
  FANFARE_ASSERT(request.timeout > Millis{0});
  auto attempt = std::make_shared<Attempt>(*this, std::move(request), std::move(done));
  attempt->place = attempts_.size();
  attempts_.push_back(attempt);
  attempt->start();
}

void HttpSender::remove(Attempt& attempt) {
  FANFARE_ASSERT(attempts_.at(attempt.place).get() == &attempt);
  attempts_.back()->place = attempt.place;
  std::swap(attempts_[attempt.place], attempts_.back());
  attempts_.pop_back();
}

void HttpSender::abort_all() {
  // Only those that are in flight now: a `done` may send again.
  const std::vector<std::shared_ptr<Attempt>> doomed = attempts_;
  for (const auto& attempt : doomed) attempt->abort();
}

void HttpSender::set_policy(EgressPolicy policy) {
  policy_ = std::move(policy);
  targets_.clear();
  pool_.clear();
}

bool HttpSender::may_connect(const IpAddress& address) const {
  return judge(address, policy_).is_allowed;
}

const Target* HttpSender::target_of(const std::string& url) {
  if (const auto found = targets_.find(url); found != targets_.end()) return &found->second;
  auto target = parse_target(url, url_rules_of(policy_));
  if (!target || !is_port_allowed(*target, policy_)) return nullptr;
  if (targets_.size() >= kTargetsMax) targets_.clear();
  return &targets_.emplace(url, *std::move(target)).first->second;
}

void HttpSender::give_back(ConnectionPool::Lease lease) {
  pool_.give_back(lease, reactor_.clock().steady_now());
  if (sweep_timer_ == 0 && pool_.idle_count() > 0) sweep_later();
}

void HttpSender::sweep_later() {
  sweep_timer_ = reactor_.after(kSweepEvery, [this] {
    sweep_timer_ = 0;
    pool_.sweep(reactor_.clock().steady_now());
    if (pool_.idle_count() > 0) sweep_later();
  });
}

}  // namespace fanfare
