// The audit entries of what the API changes: one for each change, made from the object as it was
// and as it will be. The exchange fills in who, from where and with which request
// (Exchange::audit).
#pragma once

#include "api/principal.h"
#include "domain/audit.h"
#include "net/http_server.h"

namespace fanfare {

// Null = there is none: created, deleted. One of the two is there.
AuditEntry audit_entry(const Tenant* before, const Tenant* after);
AuditEntry audit_entry(const ApiKey* before, const ApiKey* after);
AuditEntry audit_entry(const EventType* before, const EventType* after);
// A deleted webhook is there still and says so.
AuditEntry audit_entry(const Webhook* before, const Webhook& after);

// Actions that leave their object as it is; `metadata` is a JSON object or empty.
AuditEntry webhook_tested(const Webhook& webhook, std::string_view event_type);
AuditEntry delivery_action(std::string_view action, TenantId tenant, DeliveryId delivery);
AuditEntry all_retried();
AuditEntry cleaned_up();

// A request that was refused: login.refused or login.forbidden. `left_out` counts those before it
// that were not recorded.
AuditEntry refusal_entry(const Problem& problem, const net::HttpRequest& request,
                         std::size_t left_out);

// Where a request came from, in its entry.
struct Origin {
  std::string ip;  // api/client_address.h
  std::string request_id;
};
void note_origin(AuditEntry& entry, const net::HttpRequest& request, const Origin& origin);

// Who and from where, as another entry says it.
void copy_origin(AuditEntry& entry, const AuditEntry& origin);

AuditActor actor_of(const Principal& principal, const Directory& directory);

}  // namespace fanfare
