#include "api/handlers.h"
#include "api/list_query.h"
#include "api/object_place.h"
#include "api/trace.h"

namespace fanfare {
namespace {

using EventPlace = Place<EventTag>;

constexpr std::string_view kNoSuchWebhook =
    "This tenant has no webhook with this id. A webhook of another tenant (organization) never "
    "gets the events of this one.";

void write_line(JsonWriter& out, const TraceLine& line) {
  out.begin_object().text("webhook_id", to_string(line.webhook)).text("url", line.url);
  out.text("decision", line.decision)
      .text_or_null("reason", line.reason)
      .text("detail", line.detail);
  out.text_or_null("delivery_id", line.delivery ? to_string(*line.delivery) : "");
  out.text_or_null("status", line.status ? name_of(*line.status) : "").end_object();
}

struct TraceQuestion {
  EventPlace place;
  std::string tenant_name;
  std::vector<WebhookPtr> webhooks_now;
  std::optional<WebhookId> only;  // one webhook was asked about
  WebhookPtr stranger;            // it is another tenant's, and the principal may see both
};

// `webhook` is what the query says of one.
Checked<TraceQuestion> trace_question_of(ApiContext& context, const Principal& principal,
                                         EventPlace place,
                                         const std::optional<std::string>& webhook) {
  const Directory& directory = context.directory();
  TraceQuestion question{place, "", directory.webhooks(place.tenant), std::nullopt, nullptr};
  if (const auto tenant = directory.tenant(place.tenant)) question.tenant_name = tenant->name;
  if (!webhook) return question;
  const auto only = parse_id<WebhookTag>(*webhook);
  if (!only) return refuse(ProblemKind::not_found, std::string(kNoSuchWebhook));
  question.only = *only;
  const WebhookPtr asked = directory.webhook(*only);
  if (asked && asked->tenant != place.tenant && principal.is_admin()) question.stranger = asked;
  return question;
}

// The lines of every webhook of the tenant, or the one that was asked about.
Result<std::vector<TraceLine>> lines_of(const TraceQuestion& question, const TraceFacts& facts) {
  if (question.stranger) return std::vector<TraceLine>{trace_of_stranger(*question.stranger)};
  std::vector<TraceLine> lines = trace(facts);
  if (!question.only) return lines;
  std::erase_if(lines, [&](const TraceLine& line) { return line.webhook != *question.only; });
  if (lines.empty()) return fail(Errc::not_found, std::string(kNoSuchWebhook));
  return lines;
}

Result<std::string> read_trace(Reader& reader, const TraceQuestion& question) {
  const EventPlace& place = question.place;
  TRY(const Event event, reader.event(place.tenant, place.id));
  TRY(const auto deliveries, reader.event_deliveries(place.tenant, place.id));
  TRY(auto stored, reader.webhooks_at(place.tenant, event.created_at));
  std::vector<Webhook> then;
  then.reserve(stored.size());
  for (StoredWebhook& row : stored) then.push_back(std::move(row.webhook));
  TRY(const auto lines, lines_of(question, {event, deliveries, then, question.webhooks_now}));
  JsonWriter out;
  out.begin_object().text("event_id", to_string(event.id)).text("event_type", event.type);
  out.text("tenant_id", to_string(event.tenant)).time("created_at", event.created_at);
  out.number("deliveries", event.deliveries);
  if (!question.only) out.text("summary", trace_summary(lines, question.tenant_name));
  out.key("webhooks").begin_array();
  for (const TraceLine& line : lines) write_line(out, line);
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
  QueryReader query(exchange->request.query);
  Checked<std::optional<std::string>> named = tenant_in(query);
  const auto webhook = query.text("webhook_id");
  if (auto problem = query.finish()) named = tl::unexpected<Problem>(*std::move(problem));
  at_place<EventTag>(context, exchange, named, [&context, exchange, webhook](EventPlace place) {
    auto question = trace_question_of(context, exchange->principal, place, webhook);
    if (exchange->failed(question)) return;
    answer_list_from_store(context, exchange, [question = *std::move(question)](Reader& reader) {
      return read_trace(reader, question);
    });
  });
}

}  // namespace fanfare
