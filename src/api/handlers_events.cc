#include "api/handlers.h"
#include "api/list_query.h"
#include "api/object_place.h"
#include "api/trace.h"

namespace fanfare {
namespace {

using EventPlace = Place<EventTag>;

void write_line(JsonWriter& out, const TraceLine& line) {
  out.begin_object().text("webhook_id", to_string(line.webhook)).text("url", line.url);
  out.text("decision", line.decision)
      .text_or_null("reason", line.reason)
      .text("detail", line.detail);
  out.text_or_null("delivery_id", line.delivery ? to_string(*line.delivery) : "");
  out.text_or_null("status", line.status ? name_of(*line.status) : "").end_object();
}

Result<std::string> read_trace(Reader& reader, EventPlace place,
                               const std::vector<WebhookPtr>& webhooks_now) {
  TRY(const Event event, reader.event(place.tenant, place.id));
  TRY(const auto deliveries, reader.event_deliveries(place.tenant, place.id));
  TRY(auto stored, reader.webhooks_at(place.tenant, event.created_at));
  std::vector<Webhook> then;
  then.reserve(stored.size());
  for (StoredWebhook& row : stored) then.push_back(std::move(row.webhook));
  JsonWriter out;
  out.begin_object().text("event_id", to_string(event.id)).text("event_type", event.type);
  out.time("created_at", event.created_at).number("deliveries", event.deliveries);
  out.key("webhooks").begin_array();
  for (const TraceLine& line : trace({event, deliveries, then, webhooks_now}))
    write_line(out, line);
  out.end_array().end_object();
  return out.take();
}

}  // namespace

void handle_list_events(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  EventFilter filter;
  filter.type = query.text({"event_type", "type", "event"}).value_or("");
  filter.event_id = query.text("event_id").value_or("");
  filter.since = query.time("since");
  filter.until = query.time("until");
  const auto tenant = tenant_of(exchange->principal, context.directory(), named);
  if (exchange->failed(tenant)) return;
  const auto page = read_page(context, query, "events", to_string(*tenant));
  if (exchange->failed(page)) return;
  answer_list_from_store(
      context, exchange,
      [&cursors = context.shared.cursors, tenant = *tenant, filter,
       page = *page](Reader& reader) -> Result<std::string> {
        TRY(const auto rows, reader.events(tenant, filter, id_at<EventId>(page.after), page.limit));
        return page_of_rows(cursors, page, rows, [](JsonWriter& out, const Event& event) {
          write_event(out, event, EventDetail::summary);
        });
      });
}

void handle_get_event(ApiContext& context, const ExchangePtr& exchange) {
  at_place<EventTag>(
      context, exchange, only_tenant(*exchange), [&context, exchange](EventPlace place) {
        answer_from_store(context, exchange, [place](Reader& reader) -> Result<std::string> {
          TRY(const Event event, reader.event(place.tenant, place.id));
          JsonWriter out;
          write_event(out, event, EventDetail::full);
          return out.take();
        });
      });
}

void handle_event_deliveries(ApiContext& context, const ExchangePtr& exchange) {
  at_place<EventTag>(
      context, exchange, only_tenant(*exchange), [&context, exchange](EventPlace place) {
        answer_from_store(context, exchange, [place](Reader& reader) -> Result<std::string> {
          TRY_VOID(reader.event(place.tenant, place.id));
          TRY(const auto deliveries, reader.event_deliveries(place.tenant, place.id));
          JsonWriter out;
          for (const Delivery& delivery : deliveries) write_delivery(out, delivery);
          return list_of(out.take(), std::nullopt);
        });
      });
}

void handle_event_trace(ApiContext& context, const ExchangePtr& exchange) {
  at_place<EventTag>(
      context, exchange, only_tenant(*exchange), [&context, exchange](EventPlace place) {
        answer_list_from_store(context, exchange,
                               [place, now = context.directory().webhooks(place.tenant)](
                                   Reader& reader) { return read_trace(reader, place, now); });
      });
}

}  // namespace fanfare
