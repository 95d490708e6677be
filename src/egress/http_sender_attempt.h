// One attempt of HttpSender, from URL to outcome: a small state machine driven by the resolver, the
// connection and one timer. It ends exactly once, in finish(), which may call straight back into
// the sender.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "egress/http_sender.h"

namespace fanfare {

class HttpSender::Attempt final : public net::ConnectionObserver,
                                  public std::enable_shared_from_this<Attempt> {
 public:
  Attempt(HttpSender& sender, SendRequest request, Done done);
  ~Attempt() override;

  void start();
  void abort();   // ends it, unless it has ended
  void forget();  // ends it without telling anybody

  std::size_t place = 0;  // in HttpSender::attempts_

 private:
  enum class Phase { resolving, waiting, connecting, securing, exchanging };

  void on_connected() override;
  void on_secured() override;
  void on_first_byte() override;
  void on_response(net::ClientResponse response) override;
  void on_failure(ErrorKind kind, std::string text, bool has_answered) override;
  void on_exhausted() override;

  void resolve();
  void on_resolved(const net::Resolution& resolution);
  void on_answers();
  bool take_pooled();
  void connect_afresh();
  void try_next_address();
  void secure();
  void exchange();
  void on_deadline();
  std::string look_up_failure(net::Resolution::Status status) const;
  std::string within(Millis limit) const;

  // Starts a phase: its clock, and the timer for what is left of it.
  void enter(Phase phase, Millis limit);
  Millis left() const;
  int phase_ms() const;
  PoolKey key_for(const IpAddress& address) const;
  void drop_connection();
  void deny();
  void deny_url();
  void finish_later(ErrorKind kind, std::string text);
  void finish(ErrorKind kind, std::string text);

  HttpSender& sender_;
  SendRequest request_;
  Done done_;
  HttpOutcome outcome_;
  Target target_;
  std::string head_;
  std::vector<IpAddress> addresses_;  // every one of them judged
  std::size_t next_address_ = 0;
  std::size_t tries_left_ = 0;
  std::shared_ptr<net::ClientConnection> fresh_;  // being opened, not yet leased
  std::optional<ConnectionPool::Lease> lease_;
  SteadyTime started_at_;
  SteadyTime phase_started_at_;
  SteadyTime connect_deadline_;
  Loop::TimerId timer_ = 0;
  Phase phase_ = Phase::resolving;
  bool is_reused_ = false;
};

}  // namespace fanfare
