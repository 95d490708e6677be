#include "api/name_check.h"

#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

using Status = net::Resolution::Status;

Warnings warning_of(const std::string& host, const std::string& what) {
  return {"The URL's host name \"" + host + "\" was looked up " + what};
}

// A tenant with too many look-ups waiting has learnt nothing of this name, bad or good.
Warnings warnings_of(const std::string& host, Status status) {
  if (status == Status::found || status == Status::overloaded) return {};
  return warning_of(host, "and does not resolve: " + std::string(net::describe(status)) +
                              ". The webhook is saved; its deliveries will fail, and be tried "
                              "again as its retry policy says, until the name resolves.");
}

Warnings warnings_of_silence(const std::string& host) {
  return warning_of(host, "without an answer within " + format_duration(limits::kNameCheckMax) +
                              ", so whether it resolves is not known. The webhook is saved; if the "
                              "name does not resolve, its deliveries will fail, and be tried again "
                              "as its retry policy says, until it does.");
}

}  // namespace

// One of the names that are asked for a tenant: given back with the resolver's answer, or when the
// resolver forgets the question.
class NameChecker::Place {
 public:
  Place(const std::shared_ptr<Counts>& asking, TenantId tenant) : asking_(asking), tenant_(tenant) {
    ++(*asking)[tenant];
  }
  Place(Place&&) noexcept = default;
  Place& operator=(Place&&) = delete;
  ~Place() { give_back(); }

  void give_back() {
    const auto asking = std::exchange(asking_, {}).lock();
    if (!asking) return;
    const auto count = asking->find(tenant_);
    FANFARE_ASSERT(count != asking->end() && count->second > 0);
    if (--count->second == 0) asking->erase(count);
  }

 private:
  std::weak_ptr<Counts> asking_;
  TenantId tenant_;
};

// Of the resolver's answer and the deadline the first to come ends it. The other finds `done` empty
// and nothing of the request held any more.
struct NameChecker::Check {
  Loop& home;
  const std::weak_ptr<Counts> checker;
  const std::string host;
  Done done;
  Loop::TimerId deadline = 0;

  void end(Warnings warnings) {
    if (!done || checker.expired()) return;
    home.cancel(deadline);
    std::exchange(done, {})(std::move(warnings));
  }
};

NameChecker::NameChecker(Loop& home, net::Resolver& resolver, UrlRules rules)
    : home_(home), resolver_(resolver), rules_(rules) {}

void NameChecker::check(const std::string& url, TenantId tenant, Done done) {
  const auto target = parse_target(url, rules_);
  if (!target || target->ip) return done({});
  const auto count = asking_->find(tenant);
  if (count != asking_->end() && count->second >= limits::kNameChecksPerTenantMax) return done({});

  const auto check = std::make_shared<Check>(Check{home_, asking_, target->host, std::move(done)});
  check->deadline =
      home_.after(limits::kNameCheckMax, [check] { check->end(warnings_of_silence(check->host)); });
  resolver_.resolve(target->host, tenant,
                    [check, place = Place(asking_, tenant)](const net::Resolution& found) mutable {
                      place.give_back();  // first, for `done` may check the next name
                      check->end(warnings_of(check->host, found.status));
                    });
}

}  // namespace fanfare
