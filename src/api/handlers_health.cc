// How it is going: of the whole server for an admin, of its own webhooks for a tenant.
#include "api/handlers.h"
#include "api/list_query.h"
#include "domain/health.h"
#include "domain/retention.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

struct HealthScope {
  std::optional<TenantId> tenant;  // none = the whole server
  std::string last_cleanup;        // JSON; empty = there was none
};

WebhookNumbers webhook_numbers(Directory& directory, std::optional<TenantId> tenant) {
  std::vector<TenantId> tenants;
  if (tenant) {
    tenants.push_back(*tenant);
  } else {
    for (const auto& one : directory.tenants()) tenants.push_back(one->id);
  }
  WebhookNumbers numbers;
  for (const TenantId id : tenants) {
    for (const WebhookPtr& webhook : directory.webhooks(id)) {
      if (webhook->status == WebhookStatus::active) ++numbers.active;
      if (webhook->status == WebhookStatus::paused) ++numbers.paused;
      if (webhook->status != WebhookStatus::disabled) continue;
      ++numbers.disabled;
      if (webhook->disabled_reason == "failures") ++numbers.disabled_by_failures;
    }
  }
  return numbers;
}

void write_reasons(JsonWriter& out, const Health& health) {
  out.key("reasons").begin_array();
  for (const HealthReason& reason : health.reasons) {
    out.begin_object().text("code", reason.code).text("detail", reason.detail).end_object();
  }
  out.end_array();
}

void write_queue(JsonWriter& out, const HealthFacts& facts, std::int64_t pending) {
  std::optional<std::int64_t> seconds;
  if (facts.queue.oldest_due) seconds = (facts.now - *facts.queue.oldest_due) / 1s;
  out.key("queue").begin_object().number("pending", pending);
  out.time_or_null("oldest_due_at", facts.queue.oldest_due);
  out.number_or_null("oldest_due_seconds", seconds);
  out.number("webhooks_behind", static_cast<std::int64_t>(facts.queue.webhooks_behind));
  out.end_object();
}

void write_webhooks(JsonWriter& out, const WebhookNumbers& numbers) {
  const auto count = [](std::size_t value) { return static_cast<std::int64_t>(value); };
  out.key("webhooks").begin_object().number("active", count(numbers.active));
  out.number("paused", count(numbers.paused)).number("disabled", count(numbers.disabled));
  out.number("disabled_by_failures", count(numbers.disabled_by_failures)).end_object();
}

// What is the operator's alone.
void write_server(JsonWriter& out, const HealthFacts& facts, const std::string& last_cleanup) {
  out.key("database").begin_object();
  out.text("writes", facts.write_error.empty() ? "ok" : "refused");
  out.text_or_null("error", facts.write_error).end_object();
  if (facts.disk) {
    out.key("disk").begin_object();
    out.number("free_bytes", static_cast<std::int64_t>(facts.disk->free_bytes));
    out.number("total_bytes", static_cast<std::int64_t>(facts.disk->total_bytes));
    out.real("free_share", facts.disk->free_share()).end_object();
  } else {
    out.nothing("disk");
  }
  out.raw("last_cleanup", last_cleanup.empty() ? "null" : last_cleanup);
}

std::string body_of(const HealthFacts& facts, const HealthScope& scope, std::int64_t pending) {
  const Health health = judge(facts);
  JsonWriter out;
  out.begin_object().text("status", name_of(health.status));
  out.text_or_null("tenant_id", scope.tenant ? to_string(*scope.tenant) : "");
  out.time("checked_at", facts.now);
  write_reasons(out, health);
  out.key("checks").begin_object();
  write_queue(out, facts, pending);
  out.key("last_hour").begin_object();
  write_counts(out, facts.last_hour);
  out.end_object();
  write_webhooks(out, facts.webhooks);
  if (!scope.tenant) write_server(out, facts, scope.last_cleanup);
  out.end_object().end_object();
  return out.take();
}

}  // namespace

void handle_health(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant(*exchange);
  if (exchange->failed(named)) return;
  HealthScope scope;
  if (*named || !exchange->principal.is_admin()) {
    const auto tenant = tenant_of(exchange->principal, context.directory(), *named);
    if (exchange->failed(tenant)) return;
    scope.tenant = *tenant;
  } else {
    scope.last_cleanup = context.engine.last_cleanup();
  }
  const auto go_on = [&context, exchange, scope](const QueueAge& age) {
    const auto read = [&context, scope, age,
                       now = context.now()](Reader& reader) -> Result<std::string> {
      HealthFacts facts{.now = now, .queue = age};
      const RollupKey key{scope.tenant ? RollupScope::tenant : RollupScope::system,
                          scope.tenant ? scope.tenant->value : Uuid{},
                          {}};
      TRY(const StatsSeries hour,
          read_series(reader, context.engine.stats(), key, span_of(now, 1h, Resolution::minute)));
      facts.last_hour = hour.total;
      facts.webhooks = webhook_numbers(context.directory(), scope.tenant);
      facts.is_own_outage = !scope.tenant && context.engine.is_own_outage();
      if (!scope.tenant) {
        facts.write_error = context.engine.write_error();
        const auto& disk_space = context.shared.config.disk_space;
        if (disk_space) facts.disk = disk_space();
        facts.last_cleanup = began_at(scope.last_cleanup);
      }
      return body_of(facts, scope, context.engine.stats().open_runs(scope.tenant));
    };
    answer_from_store(context, exchange, read);
  };
  context.engine.queue_age(scope.tenant, context.home, reply_to<QueueAge>(exchange, go_on));
}

}  // namespace fanfare
