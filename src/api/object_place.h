// The event or delivery that a path names, and whose it is. A tenant's key looks among its own; an
// admin needs no tenant_id here, for the object has a tenant; one that is named all the same must
// be the object's. Not there, somebody else's and of a deleted tenant are one answer.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/exchange.h"

namespace fanfare {

template <class Tag>
struct Place {
  TenantId tenant;
  Id<Tag> id;
};

inline std::string_view noun_of(EventId) {
  return "event";
}
inline std::string_view noun_of(DeliveryId) {
  return "delivery";
}

// Goes on with the place that the path's parameter names, now or after a read, or fails the
// exchange. `named` is the tenant that the request names beside the path, or what is wrong with it.
template <class Tag>
void at_place(ApiContext& context, const ExchangePtr& exchange,
              const Checked<std::optional<std::string>>& named,
              std::function<void(Place<Tag>)> go_on) {
  if (exchange->failed(named)) return;
  std::optional<TenantId> tenant;
  if (*named || exchange->principal.tenant) {
    const auto found = tenant_of(exchange->principal, context.directory(), *named);
    if (exchange->failed(found)) return;
    tenant = *found;
  }
  const auto id = parse_id<Tag>(exchange->parameter());
  if (!id) {
    const std::string noun(noun_of(Id<Tag>{}));
    return exchange->fail(
        Problem(ProblemKind::not_found, "There is no " + noun + " with this id."));
  }
  if (tenant) return go_on({*tenant, *id});
  context.engine.read<TenantId>(
      [id = *id](Reader& reader) { return reader.owner(id); }, context.home,
      reply_to<TenantId>(exchange,
                         [&context, exchange, id = *id, go_on = std::move(go_on)](TenantId owner) {
                           if (context.directory().tenant(owner)) return go_on({owner, id});
                           const std::string text = std::string(noun_of(id)) + ' ' + to_string(id);
                           exchange->fail(Error{Errc::not_found, "there is no " + text});
                         }));
}

}  // namespace fanfare
