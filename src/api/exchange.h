// Exchange: one request on its way to one answer, and the context its handler works in. Loop thread
// only; kept alive by the callbacks that will answer it. Answering twice is a bug; being dropped
// unanswered becomes a 500 in net/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/api_shared.h"
#include "api/audit_entries.h"
#include "api/name_check.h"
#include "api/principal.h"
#include "delivery/engine.h"

namespace fanfare {

// What handlers of one reactor work with.
struct ApiContext {
  Engine& engine;
  Loop& home;
  ApiShared& shared;
  Uuid7Sequence ids;
  NameChecker names;

  Directory& directory() { return engine.directory(); }
  Timestamp now() const { return shared.config.clock.wall_now(); }
};

// A successful answer.
struct Answer {
  int status = 200;
  std::string body;
  HeaderList headers;
};

// Set while a request with an Idempotency-Key runs; gives the key free when the exchange is over.
// At a hard stop that may be after the handlers are gone, so it keeps the keys alive.
class RunningTicket {
 public:
  RunningTicket() = default;
  RunningTicket(std::shared_ptr<RunningKeys> keys, std::string key)
      : keys_(std::move(keys)), key_(std::move(key)) {}
  RunningTicket(RunningTicket&& other) noexcept
      : keys_(std::exchange(other.keys_, nullptr)), key_(std::move(other.key_)) {}
  RunningTicket& operator=(RunningTicket&& other) noexcept {
    release();
    keys_ = std::exchange(other.keys_, nullptr);
    key_ = std::move(other.key_);
    return *this;
  }
  ~RunningTicket() { release(); }
  void release() {
    if (keys_ != nullptr) std::exchange(keys_, nullptr)->finish(key_);
  }

 private:
  std::shared_ptr<RunningKeys> keys_;
  std::string key_;
};

// The request's Idempotency-Key and what it is bound to.
struct IdempotencyTag {
  std::string scope;
  std::string key;
  std::string fingerprint;
};

class Exchange : public std::enable_shared_from_this<Exchange> {
 public:
  Exchange(net::HttpRequest request_in, net::Responder respond, std::string request_id);

  void answer(Answer answer);
  void fail(const Problem& problem);
  // Makes the tenants that the request lacks and runs its handler once more, if this route and
  // whoever asks may and it has not happened yet: then there is nothing left to answer here. fail()
  // asks this by itself; whoever answers without it asks first.
  bool makes_tenants(const std::vector<std::string>& missing);
  // Ends the exchange if `result` holds a problem. For `if (x->failed(result)) return;`.
  template <class T>
  bool failed(const tl::expected<T, Problem>& result) {
    if (result) return false;
    fail(result.error());
    return true;
  }

  // Notes what this request is about to do; its actor, address and request id are filled in. It is
  // stored with the change that the next write_context() goes to.
  void audit(ApiContext& context, AuditEntry entry);
  // An entry that says no more than who and from where.
  AuditEntry origin(ApiContext& context) const;
  // What to commit with the operation: the entries noted since the last one, and the claim if there
  // is an Idempotency-Key. `render` makes the answer to keep, on the journal's thread, from what
  // the operation did.
  WriteContext write_context(Timestamp now, UniqueFunction<StoredAnswer(const OpDone&)> render);
  // The same for an operation that keeps no answer.
  WriteContext write_context();
  const std::string& parameter(std::size_t index = 0) const { return parameters.at(index); }

  net::HttpRequest request;
  const std::string request_id;
  std::string client_ip;  // api/client_address.h says how much it can be believed
  const Route* route = nullptr;
  std::vector<std::string> parameters;
  Principal principal;
  std::optional<IdempotencyTag> idempotency;
  RunningTicket ticket;
  ApiContext* tenant_maker = nullptr;  // set while makes_tenants() may do so

 private:
  net::Responder respond_;
  std::vector<AuditEntry> audited_;
};

// A reply that fails the exchange on error and else goes on with the value.
template <class T, class F>
Reply<T> reply_to(ExchangePtr exchange, F go_on) {
  return [exchange = std::move(exchange), go_on = std::move(go_on)](Result<T> result) mutable {
    if (!result) return exchange->fail(result.error());
    go_on(*std::move(result));
  };
}

// Runs `query`, which also renders the body, on a reader thread and answers 200 with it.
void answer_from_store(ApiContext& context, const ExchangePtr& exchange,
                       std::function<Result<std::string>(Reader&)> query, HeaderList headers = {});
// The same for a list, which may walk far: it never takes the last reader thread.
void answer_list_from_store(ApiContext& context, const ExchangePtr& exchange,
                            std::function<Result<std::string>(Reader&)> query);

}  // namespace fanfare
