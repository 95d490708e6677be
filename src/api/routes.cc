// Every route of the API in one table. Publishing comes first: it is the one that must be found
// fastest.
#include <array>

#include "api/handlers.h"
#include "base/limits.h"

namespace fanfare {
namespace {

constexpr std::size_t kBody = limits::kBodyBytesMax;
constexpr std::size_t kBatch = limits::kBatchBodyBytesMax;
constexpr std::size_t kNone = 0;
constexpr bool kMakesTenants = true;

constexpr std::array kRoutes = {
    Route{"POST", "/api/v1/events", handle_publish, kPublishers, kBody, kMakesTenants},
    Route{"POST", "/api/v1/events/batch", handle_publish_batch, kPublishers, kBatch, kMakesTenants},
    Route{"GET", "/api/v1/events", handle_list_events, kReaders, kNone},
    Route{"GET", "/api/v1/events/{id}", handle_get_event, kReaders, kNone},
    Route{"GET", "/api/v1/events/{id}/deliveries", handle_event_deliveries, kReaders, kNone},
    Route{"GET", "/api/v1/events/{id}/trace", handle_event_trace, kReaders, kNone},
    Route{"GET", "/api/v1/broadcasts/{id}", handle_get_broadcast, kAdmins, kNone},

    Route{"GET", "/api/v1/deliveries", handle_list_deliveries, kReaders, kNone},
    Route{"POST", "/api/v1/deliveries/retry-due", handle_retry_due, kAdmins, kBody},
    Route{"GET", "/api/v1/deliveries/{id}", handle_get_delivery, kReaders, kNone},
    Route{"POST", "/api/v1/deliveries/{id}/retry", handle_retry_delivery, kWriters, kBody},
    Route{"POST", "/api/v1/deliveries/{id}/cancel", handle_cancel_delivery, kWriters, kBody},

    Route{"POST", "/api/v1/webhooks", handle_create_webhook, kWriters, kBody, kMakesTenants},
    Route{"GET", "/api/v1/webhooks", handle_list_webhooks, kReaders, kNone},
    Route{"GET", "/api/v1/webhooks/events", handle_list_event_types, kReaders, kNone},
    Route{"GET", "/api/v1/webhooks/events/available", handle_list_event_types, kReaders, kNone},
    Route{"POST", "/api/v1/webhooks/test", handle_test_webhook_in_body, kWriters, kBody},
    Route{"GET", "/api/v1/webhooks/{id}", handle_get_webhook, kReaders, kNone},
    Route{"PATCH", "/api/v1/webhooks/{id}", handle_change_webhook, kWriters, kBody},
    Route{"PUT", "/api/v1/webhooks/{id}", handle_change_webhook, kWriters, kBody},
    Route{"DELETE", "/api/v1/webhooks/{id}", handle_delete_webhook, kWriters, kNone},
    Route{"POST", "/api/v1/webhooks/{id}/pause", handle_pause_webhook, kWriters, kBody},
    Route{"POST", "/api/v1/webhooks/{id}/resume", handle_resume_webhook, kWriters, kBody},
    Route{"POST", "/api/v1/webhooks/{id}/disable", handle_disable_webhook, kWriters, kBody},
    Route{"POST", "/api/v1/webhooks/{id}/enable", handle_enable_webhook, kWriters, kBody},
    Route{"POST", "/api/v1/webhooks/{id}/rotate-secret", handle_rotate_secret, kWriters, kBody},
    Route{"POST", "/api/v1/webhooks/{id}/test", handle_test_webhook, kWriters, kBody},
    Route{"GET", "/api/v1/webhooks/{id}/deliveries", handle_webhook_deliveries, kReaders, kNone},

    Route{"GET", "/api/v1/webhooks/{id}/stats", handle_webhook_stats, kReaders, kNone},
    Route{"GET", "/api/v1/webhooks/{id}/logs", handle_webhook_logs, kReaders, kNone},
    Route{"GET", "/api/v1/stats", handle_stats, kReaders, kNone},
    Route{"GET", "/api/v1/health", handle_health, kEveryKey, kNone},

    Route{"GET", "/api/v1/maintenance/keys", handle_key_status, kAdmins, kNone},
    Route{"POST", "/api/v1/maintenance/keys/rotate-master", handle_rotate_master_key, kAdmins,
          kBody},
    Route{"POST", "/api/v1/maintenance/keys/rotate-tenant", handle_rotate_tenant_keys, kAdmins,
          kBody},

    Route{"POST", "/api/v1/event-types", handle_create_event_type, kAdmins, kBody},
    Route{"GET", "/api/v1/event-types", handle_list_event_types, kReaders, kNone},
    Route{"GET", "/api/v1/event-types/{name}", handle_get_event_type, kReaders, kNone},
    Route{"PATCH", "/api/v1/event-types/{name}", handle_change_event_type, kAdmins, kBody},
    Route{"DELETE", "/api/v1/event-types/{name}", handle_delete_event_type, kAdmins, kNone},

    Route{"POST", "/api/v1/tenants", handle_create_tenant, kAdmins, kBody},
    Route{"GET", "/api/v1/tenants", handle_list_tenants, kAdmins, kNone},
    Route{"GET", "/api/v1/tenants/{id}", handle_get_tenant, kReaders, kNone},
    Route{"PATCH", "/api/v1/tenants/{id}", handle_change_tenant, kAdmins, kBody},
    Route{"PUT", "/api/v1/tenants/{id}", handle_change_tenant, kAdmins, kBody},
    Route{"DELETE", "/api/v1/tenants/{id}", handle_delete_tenant, kAdmins, kNone},

    Route{"POST", "/api/v1/api-keys", handle_create_api_key, kWriters, kBody, kMakesTenants},
    Route{"GET", "/api/v1/api-keys", handle_list_api_keys, kWriters, kNone},
    Route{"DELETE", "/api/v1/api-keys/{id}", handle_revoke_api_key, kWriters, kNone},

    Route{"GET", "/api/v1/profile", handle_get_profile, kEveryKey, kNone},
    Route{"POST", "/api/v1/maintenance/cleanup", handle_cleanup, kAdmins, kBody},

    Route{"GET", "/api/v1/audit-logs", handle_list_audit_entries, kReaders, kNone},
    Route{"GET", "/api/v1/audit-logs/{id}", handle_get_audit_entry, kReaders, kNone},

    Route{"GET", "/livez", handle_livez, kAnybody, kNone},
    Route{"GET", "/readyz", handle_readyz, kAnybody, kNone},
};

// The routes above, the pages and files beside the API, and the receiver of `fanfare dev`.
constexpr std::string_view kOwnPaths[] = {"/api/v1",       "/livez", "/readyz", "/metrics",
                                          "/openapi.json", "/docs",  "/portal", "/inbox"};

}  // namespace

std::span<const Route> api_routes() {
  return kRoutes;
}

std::span<const std::string_view> own_paths() {
  return kOwnPaths;
}

}  // namespace fanfare
