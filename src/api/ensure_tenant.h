// Tenants that are made because somebody who may names them: an admin on a route that makes things
// for a tenant (Route::makes_tenants), or a token that the server trusts. Only where the operator
// allows it (ApiConfig::auto_create_tenants); the callers check that. Loop thread only.
//
// Two requests that name a new tenant at the same moment make one: the store refuses the second,
// and by then the directory shows the first.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/exchange.h"

namespace fanfare {

// Whether a text may be the external_id of a tenant: 1 to 255 bytes without control characters that
// do not look like an id of ours. None if it may; else the rule it breaks.
std::optional<std::string> broken_external_id(std::string_view text);

// Makes each of these tenants, named as its external_id, unless it is there; then replies. Every
// one must be fit to be an external_id. In the audit log they are made by whom `origin` names, from
// where it says.
void ensure_tenants(ApiContext& context, const std::vector<std::string>& external_ids,
                    Reply<Unit> reply, const AuditEntry& origin = {});
// The same for one, and answers its id.
void ensure_tenant(ApiContext& context, const std::string& external_id, Reply<TenantId> reply,
                   const AuditEntry& origin = {});

}  // namespace fanfare
