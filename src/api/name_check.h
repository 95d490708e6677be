// NameChecker: whether the name in a webhook's URL resolves, asked when the URL is saved, so that a
// typing mistake shows at once and not with the first delivery that fails. It refuses nothing: a
// name may begin to resolve later. What a name resolves to is not judged here and never shown; that
// is done at every attempt (egress/).
//
// A check whose time is over has given up, but the resolver has not, and a look-up that nobody
// waits for takes the place of one that a delivery of the tenant needs. So the names of a tenant
// that are asked at a time are few, and are counted until the resolver has answered.
//
// One for each reactor; loop thread only. The resolver and the loop may outlive it: what they owe
// then comes to nothing.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "api/views.h"
#include "base/function.h"
#include "base/loop.h"
#include "egress/target.h"
#include "net/resolver.h"

namespace fanfare {

class NameChecker {
 public:
  using Done = UniqueFunction<void(Warnings)>;

  NameChecker(Loop& home, net::Resolver& resolver, UrlRules rules);

  // `done` is called exactly once, at latest after limits::kNameCheckMax, possibly before this
  // returns; never if the loop or this object ends first. No warning means that the name resolves,
  // that the URL has an address, or that the name was not asked: too many of the tenant are.
  void check(const std::string& url, TenantId tenant, Done done);

  // How many tenants have names that the resolver has not answered yet.
  std::size_t tenants_asking() const { return asking_->size(); }

 private:
  using Counts = std::unordered_map<TenantId, int>;  // none is 0
  class Place;
  struct Check;

  Loop& home_;
  net::Resolver& resolver_;
  const UrlRules rules_;
  // Nobody else owns it for longer than a call, so it also tells who comes later that this object
  // has gone.
  const std::shared_ptr<Counts> asking_ = std::make_shared<Counts>();
};

}  // namespace fanfare
