#include <algorithm>

#include "api/handlers.h"
#include "api/list_query.h"
#include "api/profile_names.h"
#include "api/webhook_edit.h"
#include "api/webhook_input.h"
#include "base/ascii.h"

namespace fanfare {
namespace {

constexpr std::size_t kRecentDeliveries = 10;

WebhookRules rules_of(ApiContext& context, const Principal& principal) {
  WebhookRules rules{context.shared.config.policy,
                     {},
                     context.shared.config.catalogue_is_open,
                     context.shared.config.random,
                     context.now(),
                     same_tenant(principal, context.directory()),
                     std::nullopt,
                     context.shared.profile};
  rules.events_kept = context.engine.retention().events;
  for (const auto& type : context.directory().event_types())
    rules.event_types.push_back(type->name);
  return rules;
}

Answer answer_with(const Webhook& webhook, int status, const WebhookViewOptions& options) {
  Answer answer{status, view_of(webhook, options), {{"ETag", etag_of(webhook)}}};
  if (status == 201)
    answer.headers.emplace_back("Location", "/api/v1/webhooks/" + to_string(webhook.id));
  return answer;
}

Checked<Webhook> read_new(ApiContext& context, const Exchange& exchange) {
  const auto in_query = only_tenant(exchange);
  if (!in_query) return tl::unexpected<Problem>(in_query.error());
  const auto body = parse_object(exchange.request.body);
  if (!body) return tl::unexpected<Problem>(body.error());
  Webhook webhook;
  webhook.id = WebhookId::from(context.ids.next(context.now()));
  WebhookRules rules = rules_of(context, exchange.principal);
  rules.tenant = *in_query;
  WebhookBody read = apply_webhook_body(*body, rules, /*is_new=*/true, webhook);
  if (!read.errors.empty())
    return tl::unexpected<Problem>(validation_problem(std::move(read.errors)));
  const auto tenant = tenant_of(exchange.principal, context.directory(), read.tenant);
  if (!tenant) return tl::unexpected<Problem>(tenant.error());
  webhook.tenant = *tenant;
  return webhook;
}

struct WebhookFilter {
  std::optional<std::string> event, search;
  std::optional<WebhookStatus> status;

  bool admits(const Webhook& webhook) const {
    if (event && !wants(webhook.settings, *event)) return false;
    if (status && webhook.status != *status) return false;
    return !search || holds(webhook.settings.url, *search) ||
           holds(webhook.settings.name, *search) || holds(webhook.settings.description, *search) ||
           to_string(webhook.id) == *search;
  }

 private:
  static bool holds(std::string_view text, std::string_view part) {
    return lower_case(text).find(lower_case(part)) != std::string::npos;
  }
};

WebhookFilter read_filter(QueryReader& query) {
  WebhookFilter filter;
  filter.event = query.text("event");
  filter.search = query.text("search");
  if (const auto name = query.text("status")) {
    filter.status = webhook_status_named(*name);
    if (!filter.status)
      query.add_error("status", "unknown_status", "must be active, paused or disabled");
  }
  return filter;
}

// The tenant that a change names, if any, must be the webhook's own: webhooks do not move.
Checked<std::optional<std::string>> named_tenant(ApiContext& context, const Exchange& exchange,
                                                 const boost::json::object& body) {
  auto in_query = only_tenant(exchange);
  if (!in_query) return in_query;
  FieldErrors errors;
  auto named =
      ObjectReader(body, "", errors)
          .tenant(*std::move(in_query), same_tenant(exchange.principal, context.directory()));
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return named;
}

// Each row costs 25 look-ups, one for each hour that the last day touches.
Result<std::string> page_with_metrics(ApiContext& context, Reader& reader, const ListPage& page,
                                      const std::vector<WebhookPtr>& rows, Timestamp now) {
  Result<void> worked;
  const auto write = [&](JsonWriter& out, const Webhook& webhook) {
    WebhookViewOptions options{.now = now, .recent_deliveries = {}};
    options.activity = activity_of(context.engine, webhook.id);
    auto day = last_day_of(context.engine, reader, webhook.id, now);
    if (!day) worked = tl::unexpected<Error>(day.error());
    options.activity->last_day = std::move(day).value_or(RollupCounts{});
    write_webhook(out, webhook, options);
  };
  std::string body = page_by_id(context.shared.cursors, page, rows, write);
  TRY_VOID(worked);
  return body;
}

bool read_purge(QueryReader& query) {
  const auto text = query.text("purge");
  if (text && *text != "true" && *text != "false")
    query.add_error("purge", "wrong_type", "must be true or false");
  return text == "true";
}

}  // namespace

void handle_create_webhook(ApiContext& context, const ExchangePtr& exchange) {
  auto webhook = read_new(context, *exchange);
  if (exchange->failed(webhook)) return;
  const auto render = [&context](const Webhook& stored, const Warnings& warnings) {
    return answer_with(stored, 201,
                       {context.now(), true, {}, warnings, activity_of(context.engine, stored.id)});
  };
  create_webhook(context, exchange, *std::move(webhook), {render, /*shows_secret=*/true});
}

void handle_list_webhooks(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  const WebhookFilter filter = read_filter(query);
  const auto tenant = tenant_of(exchange->principal, context.directory(), named);
  if (exchange->failed(tenant)) return;
  const auto page = read_page(context, query, "webhooks", to_string(*tenant));
  if (exchange->failed(page)) return;
  std::vector<WebhookPtr> rows = context.directory().webhooks(*tenant);
  std::erase_if(rows, [&filter](const WebhookPtr& webhook) { return !filter.admits(*webhook); });
  answer_list_from_store(
      context, exchange,
      [&context, rows = std::move(rows), page = *page, now = context.now()](Reader& reader) {
        return page_with_metrics(context, reader, page, rows, now);
      });
}

void handle_get_webhook(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant(*exchange);
  if (exchange->failed(named)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), *named);
  if (exchange->failed(webhook)) return;
  answer_from_store(
      context, exchange,
      [&engine = context.engine, webhook = *webhook,
       now = context.now()](Reader& reader) -> Result<std::string> {
        DeliveryFilter filter;
        filter.webhook = webhook->id;
        TRY(const auto recent,
            reader.deliveries(webhook->tenant, filter, std::nullopt, kRecentDeliveries));
        JsonWriter out;
        out.begin_array();
        for (const Delivery& delivery : recent.rows) write_delivery(out, delivery);
        out.end_array();
        const std::string deliveries = out.take();
        return view_of(*webhook, {now, false, deliveries, {}, activity_of(engine, webhook->id)});
      },
      {{"ETag", etag_of(**webhook)}});
}

void handle_change_webhook(ApiContext& context, const ExchangePtr& exchange) {
  auto body = parse_object(exchange->request.body);
  if (exchange->failed(body)) return;
  rename_tenant(context.shared.profile, *body);
  const auto named = named_tenant(context, *exchange, *body);
  if (exchange->failed(named)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), *named);
  if (exchange->failed(webhook)) return;
  WebhookEdit edit;
  edit.id = (*webhook)->id;
  edit.tenant = (*webhook)->tenant;
  edit.change = [&context, exchange, body = *std::move(body)](Webhook& next) -> Checked<bool> {
    const Webhook before = next;
    WebhookBody read =
        apply_webhook_body(body, rules_of(context, exchange->principal), /*is_new=*/false, next);
    if (!read.errors.empty())
      return tl::unexpected<Problem>(validation_problem(std::move(read.errors)));
    const auto same_secret = [](const SigningSecret& a, const SigningSecret& b) {
      return a.number == b.number && a.text == b.text && a.expires_at == b.expires_at;
    };
    return !(before.settings == next.settings && before.status == next.status &&
             std::ranges::equal(before.secrets, next.secrets, same_secret));
  };
  const auto render = [&context](const Webhook& stored, const Warnings& warnings) {
    return answer_with(
        stored, 200, {context.now(), false, {}, warnings, activity_of(context.engine, stored.id)});
  };
  edit_webhook(context, exchange, std::move(edit), {render});
}

void handle_delete_webhook(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  const bool purges_history = read_purge(query);
  if (const auto problem = query.finish()) return exchange->fail(*problem);
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), named);
  if (exchange->failed(webhook)) return;
  WebhookEdit edit;
  edit.id = (*webhook)->id;
  edit.tenant = (*webhook)->tenant;
  edit.change = [](Webhook& next) -> Checked<bool> {
    next.is_deleted = true;
    return true;
  };
  edit.purges_history = purges_history;
  const auto render = [](const Webhook&, const Warnings&) { return Answer{204, "", {}}; };
  edit_webhook(context, exchange, std::move(edit), {render});
}

}  // namespace fanfare
