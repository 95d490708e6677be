// The handlers of all routes, by resource. Each reads its input, asks the engine or the directory,
// and answers the exchange exactly once, now or in a callback. Loop thread only.
#pragma once

#include "api/exchange.h"
#include "api/stats_view.h"

namespace fanfare {

// handlers_system.cc
void handle_livez(ApiContext& context, const ExchangePtr& exchange);
void handle_readyz(ApiContext& context, const ExchangePtr& exchange);
void handle_get_profile(ApiContext& context, const ExchangePtr& exchange);

// handlers_keys.cc
void handle_key_status(ApiContext& context, const ExchangePtr& exchange);
void handle_rotate_master_key(ApiContext& context, const ExchangePtr& exchange);
void handle_rotate_tenant_keys(ApiContext& context, const ExchangePtr& exchange);

// handlers_maintenance.cc
void handle_cleanup(ApiContext& context, const ExchangePtr& exchange);

// handlers_tenants.cc
void handle_create_tenant(ApiContext& context, const ExchangePtr& exchange);
void handle_list_tenants(ApiContext& context, const ExchangePtr& exchange);
void handle_get_tenant(ApiContext& context, const ExchangePtr& exchange);
void handle_change_tenant(ApiContext& context, const ExchangePtr& exchange);
void handle_delete_tenant(ApiContext& context, const ExchangePtr& exchange);

// handlers_api_keys.cc
void handle_create_api_key(ApiContext& context, const ExchangePtr& exchange);
void handle_list_api_keys(ApiContext& context, const ExchangePtr& exchange);
void handle_revoke_api_key(ApiContext& context, const ExchangePtr& exchange);

// handlers_audit.cc
void handle_list_audit_entries(ApiContext& context, const ExchangePtr& exchange);
void handle_get_audit_entry(ApiContext& context, const ExchangePtr& exchange);

// handlers_event_types.cc
void handle_create_event_type(ApiContext& context, const ExchangePtr& exchange);
void handle_list_event_types(ApiContext& context, const ExchangePtr& exchange);
void handle_get_event_type(ApiContext& context, const ExchangePtr& exchange);
void handle_change_event_type(ApiContext& context, const ExchangePtr& exchange);
void handle_delete_event_type(ApiContext& context, const ExchangePtr& exchange);

// handlers_webhooks.cc
void handle_create_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_list_webhooks(ApiContext& context, const ExchangePtr& exchange);
void handle_get_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_change_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_delete_webhook(ApiContext& context, const ExchangePtr& exchange);

// handlers_logs.cc
void handle_webhook_logs(ApiContext& context, const ExchangePtr& exchange);

// handlers_health.cc
void handle_health(ApiContext& context, const ExchangePtr& exchange);

// handlers_stats.cc
void handle_webhook_stats(ApiContext& context, const ExchangePtr& exchange);
void handle_stats(ApiContext& context, const ExchangePtr& exchange);
// What answers about a webhook say of its deliveries, from memory.
WebhookActivity activity_of(Engine& engine, WebhookId webhook);
// What it counted in the last 24 hours.
Result<RollupCounts> last_day_of(Engine& engine, Reader& reader, WebhookId webhook, Timestamp now);

// handlers_webhook_actions.cc
void handle_pause_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_resume_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_disable_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_enable_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_rotate_secret(ApiContext& context, const ExchangePtr& exchange);
void handle_test_webhook(ApiContext& context, const ExchangePtr& exchange);
void handle_test_webhook_in_body(ApiContext& context, const ExchangePtr& exchange);

// handlers_publish.cc
void handle_publish(ApiContext& context, const ExchangePtr& exchange);
void handle_get_broadcast(ApiContext& context, const ExchangePtr& exchange);
void handle_publish_batch(ApiContext& context, const ExchangePtr& exchange);

// handlers_events.cc
void handle_list_events(ApiContext& context, const ExchangePtr& exchange);
void handle_get_event(ApiContext& context, const ExchangePtr& exchange);
void handle_event_deliveries(ApiContext& context, const ExchangePtr& exchange);
void handle_event_trace(ApiContext& context, const ExchangePtr& exchange);

// handlers_deliveries.cc
void handle_list_deliveries(ApiContext& context, const ExchangePtr& exchange);
void handle_webhook_deliveries(ApiContext& context, const ExchangePtr& exchange);
void handle_get_delivery(ApiContext& context, const ExchangePtr& exchange);
void handle_retry_delivery(ApiContext& context, const ExchangePtr& exchange);
void handle_cancel_delivery(ApiContext& context, const ExchangePtr& exchange);
void handle_retry_due(ApiContext& context, const ExchangePtr& exchange);

}  // namespace fanfare
