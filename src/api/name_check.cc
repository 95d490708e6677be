#include "api/name_check.h"

#include "egress/target.h"

namespace fanfare {
namespace {

using Status = net::Resolution::Status;

// Of the resolver's answer and the deadline the first to come ends it. The other finds `done` empty
// and nothing of the request held any more.
struct Check {
  Loop& home;
  const std::string host;
  UniqueFunction<void(Warnings)> done;
  Loop::TimerId deadline = 0;

  // `why` says what is wrong with the name; empty if nothing is.
  void end(std::string_view why) {
    if (!done) return;
    home.cancel(deadline);
    Warnings warnings;
    if (!why.empty()) {
      warnings.push_back("The URL's host name \"" + host +
                         "\" was looked up and does not resolve: " + std::string(why) +
                         ". The webhook is saved; its deliveries will fail, and be tried again as "
                         "its retry policy says, until the name resolves.");
    }
    std::exchange(done, {})(std::move(warnings));
  }
};

// A tenant with too many look-ups waiting has learnt nothing of this name, bad or good.
std::string_view fault_of(Status status) {
  const bool is_fault = status != Status::found && status != Status::overloaded;
  return is_fault ? net::describe(status) : "";
}

}  // namespace

void check_name(ApiContext& context, const Webhook& webhook, UniqueFunction<void(Warnings)> done) {
  const auto target =
      parse_target(webhook.settings.url, url_rules_of(context.shared.config.policy));
  if (!target || target->ip) return done({});
  const auto check = std::make_shared<Check>(Check{context.home, target->host, std::move(done)});
  check->deadline =
      context.home.after(kNameCheckMax, [check] { check->end("there was no answer within 1 s"); });
  context.resolver.resolve(
      target->host, webhook.tenant,
      [check](const net::Resolution& resolution) { check->end(fault_of(resolution.status)); });
}

}  // namespace fanfare
