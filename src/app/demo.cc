#include "app/demo.h"

#include <array>
#include <utility>

#include "api/audit_entries.h"
#include "app/wait.h"
#include "auth/api_key.h"
#include "signing/signer.h"

namespace fanfare {

namespace {

using namespace std::chrono_literals;

constexpr const char* kExternalId = "demo";
constexpr const char* kKeyName = "fanfare dev";

struct DemoEventType {
  const char* name;
  const char* description;
  const char* sample;
};
constexpr std::array kEventTypes = {
    DemoEventType{kDemoEventType, "A customer placed an order.",
                  R"({"order":17,"total":"49.00","currency":"EUR"})"},
    DemoEventType{"order.shipped", "An order left the warehouse.",
                  R"({"order":17,"carrier":"post","parcel":"A-1"})"},
    DemoEventType{"order.cancelled", "An order was cancelled.",
                  R"({"order":17,"reason":"changed their mind"})"},
};

// Short delays, so that a person who watches sees the retries happen.
RetryPolicy demo_retry() {
  RetryPolicy policy;
  policy.schedule = {5s, 30s, 5min};
  policy.attempts = 4;
  return policy;
}

}  // namespace

template <class IdType>
IdType DemoMaker::new_id() {
  Uuid7Sequence ids(server_.random());
  return IdType::from(ids.next(server_.clock().wall_now()));
}

Result<TenantId> DemoMaker::make_tenant() {
  if (const auto known = server_.engine().directory().tenant_by_external_id(kExternalId))
    return known->id;
  Tenant tenant;
  tenant.id = new_id<TenantId>();
  tenant.external_id = kExternalId;
  tenant.name = "Demo";
  tenant.created_at = server_.clock().wall_now();
  TRY_VOID(wait_for<Unit>([&](Reply<Unit> reply) {
    server_.engine().create_tenant(tenant, audit_entry(nullptr, &tenant), server_.loop(),
                                   std::move(reply));
  }));
  return tenant.id;
}

Result<void> DemoMaker::make_event_types() {
  for (const DemoEventType& demo : kEventTypes) {
    if (server_.engine().directory().event_type(demo.name)) continue;
    EventType type{.name = demo.name,
                   .description = demo.description,
                   .category = "Orders",
                   .sample = demo.sample,
                   .schema = {},
                   .created_at = server_.clock().wall_now()};
    TRY_VOID(wait_for<Unit>([&](Reply<Unit> reply) {
      server_.engine().put_event_type(type, true, audit_entry(nullptr, &type), server_.loop(),
                                      std::move(reply));
    }));
  }
  return {};
}

Result<Secret> DemoMaker::make_api_key(TenantId tenant, std::string& prefix) {
  const auto put = [&](const ApiKey* before, const ApiKey& key) {
    return wait_for<Unit>([&](Reply<Unit> reply) {
      server_.engine().put_api_key(key, audit_entry(before, &key), server_.loop(),
                                   std::move(reply));
    });
  };
  for (const auto& known : server_.engine().directory().api_keys(tenant)) {
    if (known->name != kKeyName || known->revoked_at) continue;
    ApiKey revoked = *known;
    revoked.revoked_at = server_.clock().wall_now();
    TRY_VOID(put(known.get(), revoked));
  }
  NewApiKey made = generate_api_key(server_.random(), /*is_live=*/false);
  prefix = made.prefix;
  ApiKey key;
  key.id = new_id<ApiKeyId>();
  key.tenant = tenant;
  key.role = Role::tenant;
  key.name = kKeyName;
  key.prefix = made.prefix;
  key.sha256 = made.sha256;
  key.created_at = server_.clock().wall_now();
  TRY_VOID(put(nullptr, key));
  return std::move(made.text);
}

Result<void> DemoMaker::make_webhook(TenantId tenant, const std::string& name,
                                     const std::string& url) {
  WebhookChange change;
  for (const WebhookPtr& known : server_.engine().directory().webhooks(tenant)) {
    if (known->settings.name != name) continue;
    if (known->settings.url == url) return {};
    change.next = *known;  // the server listens elsewhere today
    change.expected_version = known->version;
  }
  Webhook& next = change.next;
  if (change.expected_version == 0) {
    next.id = new_id<WebhookId>();
    next.tenant = tenant;
    next.settings.name = name;
    next.settings.events = {"*"};
    next.settings.retry = demo_retry();
    next.secrets.push_back(SigningSecret{.number = 1,
                                         .text = generate_secret(server_.random()),
                                         .created_at = server_.clock().wall_now(),
                                         .expires_at = std::nullopt});
  }
  next.settings.url = url;
  AuditEntry entry = audit_entry(server_.engine().directory().webhook(next.id).get(), next);
  TRY_VOID(wait_for<WebhookPtr>([&](Reply<WebhookPtr> reply) {
    server_.engine().put_webhook(std::move(change), std::move(entry), server_.loop(),
                                 std::move(reply));
  }));
  return {};
}

Result<Published> DemoMaker::publish(TenantId tenant) {
  PublishRequest request;
  request.tenant = tenant;
  request.event_type = kDemoEventType;
  request.data = std::make_shared<const std::string>(kEventTypes[0].sample);
  TRY(const std::vector<Published> published, wait_for<std::vector<Published>>([&](auto reply) {
        std::vector<PublishRequest> requests;
        requests.push_back(std::move(request));
        server_.engine().publish(std::move(requests), std::nullopt, server_.loop(),
                                 std::move(reply));
      }));
  return published.front();
}

Result<Demo> DemoMaker::make(TenantId tenant) {
  Demo demo;
  demo.tenant = tenant;
  demo.works_url = base_url_ + "/inbox/works";
  demo.flaky_url = base_url_ + "/inbox/flaky";
  demo.down_url = "http://127.0.0.1:1/nobody-listens-here";
  TRY_VOID(make_event_types());
  TRY_VOID(make_webhook(tenant, "works", demo.works_url));
  TRY_VOID(make_webhook(tenant, "flaky", demo.flaky_url));
  TRY_VOID(make_webhook(tenant, "down", demo.down_url));
  TRY(demo.api_key, make_api_key(tenant, demo.key_prefix));
  TRY(const Published first, publish(tenant));
  demo.first_event = first.id;
  demo.first_event_deliveries = first.deliveries;
  return demo;
}

}  // namespace fanfare
