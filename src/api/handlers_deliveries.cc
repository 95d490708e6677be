#include "api/attempt_list.h"
#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/list_query.h"
#include "api/object_place.h"
#include "api/webhook_edit.h"

namespace fanfare {
namespace {

DeliveryFilter read_filter(QueryReader& query) {
  DeliveryFilter filter;
  if (const auto name = query.text("status")) {
    filter.status = delivery_status_named(*name);
    if (!filter.status) {
      query.add_error("status", "unknown_status",
                      "must be pending, retrying, success, failed, cancelled or skipped");
    }
  }
  filter.event_type = query.text({"event_type", "event", "type"}).value_or("");
  filter.since = query.time("since");
  filter.until = query.time("until");
  filter.code = query.integer("code", 100, 599);
  return filter;
}

void answer_list(ApiContext& context, const ExchangePtr& exchange, TenantId tenant,
                 DeliveryFilter filter, ListPage page) {
  answer_list_from_store(
      context, exchange,
      [&cursors = context.shared.cursors, tenant, filter = std::move(filter),
       page = std::move(page)](Reader& reader) -> Result<std::string> {
        TRY(const auto rows,
            reader.deliveries(tenant, filter, id_at<DeliveryId>(page.after), page.limit));
        return page_of_rows(cursors, page, rows, write_delivery);
      });
}

using DeliveryPlace = Place<DeliveryTag>;

Result<std::string> read_detail(Engine& engine, Reader& reader, DeliveryPlace place) {
  TRY(const Delivery delivery, reader.delivery(place.tenant, place.id));
  // A delivery that is retried by hand has no bound of its own, so its answer has.
  TRY(auto attempts, reader.attempts(place.tenant, place.id, limits::kAttemptsShownMax + 1));
  const bool has_more = attempts.size() > limits::kAttemptsShownMax;
  if (has_more) attempts.erase(attempts.begin());
  TRY(const Event event, event_or_remains(reader, delivery));
  AttemptList list(engine, reader);
  JsonWriter out;
  out.begin_object();
  write_delivery_members(out, delivery);
  out.key("attempt_log").begin_array();
  for (const Attempt& attempt : attempts)
    TRY_VOID(list.write(out, {delivery, event, false}, attempt));
  out.end_array().flag("has_more_attempts", has_more).end_object();
  return out.take();
}

std::string view_of(const QueuedRun& run) {
  JsonWriter out;
  write_delivery(out, delivery_of(run));
  return out.take();
}

void cancel(ApiContext& context, const ExchangePtr& exchange, DeliveryPlace place) {
  JsonWriter out;
  out.begin_object()
      .text("id", to_string(place.id))
      .text("status", name_of(DeliveryStatus::cancelled));
  out.end_object();
  std::string body = out.take();
  exchange->audit(context, delivery_action("delivery.cancelled", place.tenant, place.id));
  auto write = exchange->write_context(
      context.now(), [body](const OpDone&) { return StoredAnswer{200, body, false}; });
  context.engine.cancel(place.tenant, place.id, std::move(write), context.home,
                        reply_to<Unit>(exchange, [exchange, body = std::move(body)](Unit) mutable {
                          exchange->answer({200, std::move(body), {}});
                        }));
}

// An id as it stands, since a deleted webhook's history is still there; or a legacy_id of one that
// is not deleted.
std::optional<WebhookId> webhook_id_of(const Directory& directory, TenantId tenant,
                                       const std::string& text, QueryReader& query) {
  const auto id = parse_id<WebhookTag>(text);
  if (id) return *id;
  if (const WebhookPtr webhook = directory.webhook_named(tenant, text)) return webhook->id;
  query.add_error("webhook_id", "invalid_id", id.error().message);
  return std::nullopt;
}

}  // namespace

void handle_list_deliveries(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  DeliveryFilter filter = read_filter(query);
  const auto webhook = query.text("webhook_id");
  const auto tenant = tenant_of(exchange->principal, context.directory(), named);
  if (exchange->failed(tenant)) return;
  if (webhook) filter.webhook = webhook_id_of(context.directory(), *tenant, *webhook, query);
  auto page = read_page(context, query, "deliveries", to_string(*tenant));
  if (exchange->failed(page)) return;
  answer_list(context, exchange, *tenant, std::move(filter), *std::move(page));
}

void handle_webhook_deliveries(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  DeliveryFilter filter = read_filter(query);
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), named);
  if (exchange->failed(webhook)) return;
  filter.webhook = (*webhook)->id;
  const TenantId tenant = (*webhook)->tenant;
  auto page =
      read_page(context, query, "deliveries of " + to_string((*webhook)->id), to_string(tenant));
  if (exchange->failed(page)) return;
  answer_list(context, exchange, tenant, std::move(filter), *std::move(page));
}

void handle_get_delivery(ApiContext& context, const ExchangePtr& exchange) {
  at_place<DeliveryTag>(
      context, exchange, only_tenant(*exchange), [&context, exchange](DeliveryPlace place) {
        answer_from_store(context, exchange, [&engine = context.engine, place](Reader& reader) {
          return read_detail(engine, reader, place);
        });
      });
}

void handle_retry_delivery(ApiContext& context, const ExchangePtr& exchange) {
  at_place<DeliveryTag>(
      context, exchange, only_tenant_in_body(context, *exchange),
      [&context, exchange](DeliveryPlace place) {
        exchange->audit(context, delivery_action("delivery.retried", place.tenant, place.id));
        auto write = exchange->write_context(context.now(), [](const OpDone& done) {
          return StoredAnswer{202, view_of(std::get<Requeued>(done).run), false};
        });
        context.engine.retry(place.tenant, place.id, std::move(write), context.home,
                             reply_to<Requeued>(exchange, [exchange](const Requeued& done) {
                               exchange->answer({202, view_of(done.run), {}});
                             }));
      });
}

void handle_cancel_delivery(ApiContext& context, const ExchangePtr& exchange) {
  at_place<DeliveryTag>(
      context, exchange, only_tenant_in_body(context, *exchange),
      [&context, exchange](DeliveryPlace place) { cancel(context, exchange, place); });
}

void handle_retry_due(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant_in_body(context, *exchange);
  if (exchange->failed(named)) return;
  if (*named) {
    return exchange->fail(validation_problem(
        {{"/tenant_id", "unknown_field",
          "is not taken here: this brings every tenant's deliveries forward", ""}}));
  }
  context.engine.retry_due();
  exchange->audit(context, all_retried());
  answer_and_keep(context, exchange, {202, R"({"status":"accepted"})", {}});
}

}  // namespace fanfare
