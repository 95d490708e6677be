#include "egress/http_sender_attempt.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "domain/retry_policy.h"
#include "egress/request_writer.h"

namespace fanfare {
namespace {

constexpr std::size_t kAddressesTriedMax = 4;
// One constant text for every refused address, so that it tells a prober nothing.
constexpr const char* kDenied = "this destination is not allowed";

int whole_ms(SteadyTime::duration duration) {
  return static_cast<int>(std::chrono::duration_cast<Millis>(duration).count());
}

}  // namespace

HttpSender::Attempt::Attempt(HttpSender& sender, SendRequest request, Done done)
    : sender_(sender),
      request_(std::move(request)),
      done_(std::move(done)),
      started_at_(sender.reactor_.clock().steady_now()),
      phase_started_at_(started_at_) {}

HttpSender::Attempt::~Attempt() = default;

// ---- from the URL to judged addresses ----

void HttpSender::Attempt::start() {
  const Target* target = sender_.target_of(request_.url);
  if (target == nullptr) return deny_url();
  target_ = *target;
  auto head = write_head(target_, request_.headers, request_.body.size());
  if (!head) {
    return finish_later(ErrorKind::internal,
                        "the request has a header that cannot be sent; correct the custom headers");
  }
  head_ = *std::move(head);
  if (!target_.ip) return resolve();
  addresses_.assign(1, *target_.ip);
  on_answers();
}

void HttpSender::Attempt::resolve() {
  sender_.resolver_.resolve(target_.host, request_.tenant,
                            [weak = weak_from_this()](const net::Resolution& resolution) {
                              const auto self = weak.lock();
                              if (self && self->done_) self->on_resolved(resolution);
                            });
  // An answer from the cache has come by now and has gone further.
  if (phase_ == Phase::resolving && timer_ == 0 && done_) {
    enter(Phase::resolving, sender_.options_.dns_timeout);
  }
}

void HttpSender::Attempt::on_resolved(const net::Resolution& resolution) {
  if (phase_ != Phase::resolving) return;
  outcome_.timing.dns_ms = phase_ms();
  if (resolution.status != net::Resolution::Status::found) {
    const bool is_late = resolution.status == net::Resolution::Status::timed_out;
    return finish_later(is_late ? ErrorKind::dns_timeout : ErrorKind::dns,
                        look_up_failure(resolution.status));
  }
  addresses_ = resolution.addresses;
  on_answers();
}

// Names the host: the log is read by people who look after many.
std::string HttpSender::Attempt::look_up_failure(net::Resolution::Status status) const {
  return std::string(net::describe(status)) + " (" + target_.host + ")";
}

void HttpSender::Attempt::on_answers() {
  if (!judge_all(addresses_, sender_.policy_).is_allowed) return deny();
  if (!take_pooled()) connect_afresh();
}

void HttpSender::Attempt::deny() {
  finish_later(ErrorKind::egress_denied, kDenied);
}

// What is wrong with the URL itself is no secret to whoever can read it. It was right when it was
// saved, so the operator has changed what may be reached.
void HttpSender::Attempt::deny_url() {
  std::string text = kDenied;
  const auto checked = check_url(request_.url, sender_.policy_);
  if (!checked && checked.error().message != kDenied) text += ": " + checked.error().message;
  finish_later(ErrorKind::egress_denied, std::move(text));
}

// ---- to a connection ----

PoolKey HttpSender::Attempt::key_for(const IpAddress& address) const {
  return {.tenant = request_.tenant,
          .webhook = request_.webhook,
          .webhook_version = request_.webhook_version,
          .is_https = target_.is_https,
          .host = target_.host,
          .address = address,
          .port = target_.port};
}

bool HttpSender::Attempt::take_pooled() {
  const SteadyTime now = sender_.reactor_.clock().steady_now();
  for (const IpAddress& address : addresses_) {
    lease_ = sender_.pool_.take(key_for(address), now);
    if (!lease_) continue;
    is_reused_ = true;
    exchange();
    return true;
  }
  return false;
}

void HttpSender::Attempt::connect_afresh() {
  is_reused_ = false;
  next_address_ = 0;
  tries_left_ = std::min(addresses_.size(), kAddressesTriedMax);
  connect_deadline_ = sender_.reactor_.clock().steady_now() + sender_.options_.connect_timeout;
  try_next_address();
}

// A share of the budget for each address, so that one that swallows packets leaves time for the
// others.
void HttpSender::Attempt::try_next_address() {
  FANFARE_ASSERT(tries_left_ > 0 && next_address_ < addresses_.size());
  const auto budget = connect_deadline_ - sender_.reactor_.clock().steady_now();
  const auto share = std::chrono::duration_cast<Millis>(budget / static_cast<int>(tries_left_));
  enter(Phase::connecting, std::max(share, Millis{1}));
  --tries_left_;
  fresh_ = net::ClientConnection::create(sender_.reactor_);
  fresh_->connect(addresses_[next_address_++], target_.port, sender_, *this);
}

void HttpSender::Attempt::on_connected() {
  outcome_.timing.connect_ms = outcome_.timing.connect_ms.value_or(0) + phase_ms();
  const IpAddress& address = addresses_[next_address_ - 1];
  outcome_.peer = fresh_->peer();
  lease_ = sender_.pool_.add(key_for(address), std::exchange(fresh_, nullptr),
                             sender_.reactor_.clock().steady_now());
  target_.is_https ? secure() : exchange();
}

void HttpSender::Attempt::secure() {
  enter(Phase::securing, sender_.options_.tls_timeout);
  net::TlsPeer peer{.host = target_.host,
                    .ip = target_.ip,
                    .sessions = &sender_.tls_sessions_,
                    .session_key = text_of(key_for(addresses_[next_address_ - 1]))};
  (*lease_)->connection->start_tls(sender_.tls_, std::move(peer));
}

void HttpSender::Attempt::on_secured() {
  outcome_.timing.tls_ms = phase_ms();
  exchange();
}

// ---- the exchange ----

void HttpSender::Attempt::exchange() {
  enter(Phase::exchanging, left());
  (*lease_)->connection->exchange(head_, request_.body, *this);
}

void HttpSender::Attempt::on_first_byte() {
  outcome_.timing.first_byte_ms = phase_ms();
}

void HttpSender::Attempt::on_response(net::ClientResponse response) {
  outcome_.status = response.status;
  outcome_.headers = std::move(response.headers);
  outcome_.body = std::move(response.body);
  outcome_.is_truncated = response.is_truncated;
  finish(ErrorKind::none, {});
}

void HttpSender::Attempt::on_failure(ErrorKind kind, std::string text, bool has_answered) {
  if (phase_ == Phase::connecting && kind != ErrorKind::egress_denied && tries_left_ > 0) {
    return try_next_address();
  }
  // The receiver closed the pooled connection just as the request went out: the same attempt, once
  // more, on a fresh one. It may arrive twice, which at-least-once allows.
  if (is_reused_ && !has_answered && kind == ErrorKind::connection_lost) {
    drop_connection();
    return connect_afresh();
  }
  finish(kind, std::move(text));
}

// Waiting costs no attempt: the receiver has done nothing wrong, and descriptors come free as other
// attempts end.
void HttpSender::Attempt::on_exhausted() {
  drop_connection();
  enter(Phase::waiting, sender_.options_.exhausted_wait);
}

// ---- time ----

Millis HttpSender::Attempt::left() const {
  const auto deadline = started_at_ + request_.timeout;
  return std::chrono::ceil<Millis>(deadline - sender_.reactor_.clock().steady_now());
}

int HttpSender::Attempt::phase_ms() const {
  return whole_ms(sender_.reactor_.clock().steady_now() - phase_started_at_);
}

void HttpSender::Attempt::enter(Phase phase, Millis limit) {
  phase_ = phase;
  phase_started_at_ = sender_.reactor_.clock().steady_now();
  if (timer_ != 0) sender_.reactor_.cancel(timer_);
  const Millis wait = std::max(std::min(limit, left()), Millis{0});
  timer_ = sender_.reactor_.after(wait, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_deadline();
  });
}

// The phase's own limit, or what the attempt's deadline left of it.
std::string HttpSender::Attempt::within(Millis limit) const {
  return " within " + format_duration(std::min(limit, request_.timeout));
}

void HttpSender::Attempt::on_deadline() {
  timer_ = 0;
  switch (phase_) {
    case Phase::resolving:
      return finish(ErrorKind::dns_timeout, look_up_failure(net::Resolution::Status::timed_out));
    case Phase::waiting:
      if (left() > Millis{0}) return connect_afresh();
      return finish(ErrorKind::connect_failed, "this server has no free sockets to connect with");
    case Phase::connecting:
      if (tries_left_ > 0 && left() > Millis{0}) {
        fresh_->close();
        return try_next_address();
      }
      return finish(ErrorKind::connect_timeout,
                    "the receiver did not answer the connection attempt" +
                        within(sender_.options_.connect_timeout));
    case Phase::securing:
      return finish(ErrorKind::tls_timeout, "the receiver did not finish the TLS handshake" +
                                                within(sender_.options_.tls_timeout));
    case Phase::exchanging:
      break;
  }
  if (auto response = (*lease_)->connection->abandon()) return on_response(*std::move(response));
  const bool has_begun = outcome_.timing.first_byte_ms.has_value();
  finish(ErrorKind::timeout,
         (has_begun ? "the receiver began its answer, but did not finish its head"
                    : "the receiver took the connection, but sent no answer") +
             within(request_.timeout));
}

// ---- the end ----

void HttpSender::Attempt::drop_connection() {
  if (fresh_) std::exchange(fresh_, nullptr)->close();
  if (lease_) sender_.pool_.drop(*std::exchange(lease_, std::nullopt));
}

void HttpSender::Attempt::finish_later(ErrorKind kind, std::string text) {
  sender_.reactor_.post([weak = weak_from_this(), kind, text = std::move(text)]() mutable {
    const auto self = weak.lock();
    if (self && self->done_) self->finish(kind, std::move(text));
  });
}

void HttpSender::Attempt::abort() {
  if (done_) finish(ErrorKind::shutdown, "the server is shutting down");
}

void HttpSender::Attempt::forget() {
  if (timer_ != 0) sender_.reactor_.cancel(std::exchange(timer_, 0));
  drop_connection();
  done_ = nullptr;
}

void HttpSender::Attempt::finish(ErrorKind kind, std::string text) {
  const auto keep = shared_from_this();
  if (timer_ != 0) sender_.reactor_.cancel(std::exchange(timer_, 0));
  outcome_.error = kind;
  outcome_.error_text = std::move(text);
  if (lease_) {
    outcome_.peer = (*lease_)->connection->peer();
    outcome_.tls = (*lease_)->connection->tls();
  }
  if (lease_ && kind == ErrorKind::none) sender_.give_back(*std::exchange(lease_, std::nullopt));
  drop_connection();
  outcome_.timing.total_ms = whole_ms(sender_.reactor_.clock().steady_now() - started_at_);
  sender_.remove(*this);
  Done done = std::exchange(done_, nullptr);
  done(std::move(outcome_));
}

}  // namespace fanfare
