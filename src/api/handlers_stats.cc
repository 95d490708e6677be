// Counts and response times over a window: of a webhook, a tenant, or the whole system.
#include "api/handlers.h"
#include "api/list_query.h"
#include "api/stats_view.h"
#include "api/webhook_edit.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

constexpr Millis kWindowDefault = 24h;
constexpr Millis kWindowMax = 24h * 366;

struct StatsQuery {
  Millis window = kWindowDefault;
  Resolution resolution = Resolution::hour;
};

Resolution suited_to(Millis window) {
  if (window <= 2h) return Resolution::minute;
  return window <= 24h * 7 ? Resolution::hour : Resolution::day;
}

Millis kept_for(Resolution resolution) {
  if (resolution == Resolution::minute) return limits::kMinuteRollupsKept;
  return resolution == Resolution::hour ? limits::kHourRollupsKept : kWindowMax;
}

Checked<StatsQuery> read_stats_query(QueryReader& query) {
  StatsQuery wanted;
  if (const auto text = query.text("window")) {
    const auto window = parse_duration(*text);
    if (!window || *window < 1min || *window > kWindowMax) {
      query.add_error("window", "invalid_window",
                      "must be a duration from 1m to 366d, such as 15m, 24h or 30d");
    } else {
      wanted.window = *window;
    }
  }
  wanted.resolution = suited_to(wanted.window);
  if (const auto text = query.text("resolution")) {
    const auto resolution = resolution_named(*text);
    if (!resolution) {
      query.add_error("resolution", "unknown_resolution", "must be minute, hour or day");
    } else if (wanted.window > kept_for(*resolution)) {
      query.add_error("resolution", "too_fine",
                      "is too fine for this window: minutes are kept for a day, hours for 30 days");
    } else {
      wanted.resolution = *resolution;
    }
  }
  if (auto problem = query.finish()) return tl::unexpected<Problem>(*std::move(problem));
  return wanted;
}

void write_window(JsonWriter& out, const StatsQuery& query, const RollupSpan& span, Timestamp now) {
  out.text("window", format_duration(query.window)).text("resolution", name_of(query.resolution));
  out.time("since", span.from).time("until", now);
}

}  // namespace

WebhookActivity activity_of(Engine& engine, WebhookId webhook) {
  WebhookActivity activity;
  activity.failure_counts = engine.failure_counts();
  if (auto known = engine.stats().webhook(webhook)) activity.stats = *std::move(known);
  return activity;
}

Result<RollupCounts> last_day_of(Engine& engine, Reader& reader, WebhookId webhook, Timestamp now) {
  TRY(const StatsSeries series,
      read_series(reader, engine.stats(), RollupKey{RollupScope::webhook, webhook.value, {}},
                  span_of(now, kWindowDefault, Resolution::hour)));
  return series.total;
}

void handle_webhook_stats(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  const auto wanted = read_stats_query(query);
  if (exchange->failed(wanted)) return;
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), named);
  if (exchange->failed(webhook)) return;
  const auto read = [&engine = context.engine, id = (*webhook)->id, wanted = *wanted,
                     now = context.now()](Reader& reader) -> Result<std::string> {
    const RollupSpan span = span_of(now, wanted.window, wanted.resolution);
    TRY(const StatsSeries series,
        read_series(reader, engine.stats(), RollupKey{RollupScope::webhook, id.value, {}}, span));
    const WebhookActivity activity = activity_of(engine, id);
    JsonWriter out;
    out.begin_object().text("webhook_id", to_string(id));
    write_window(out, wanted, span, now);
    write_counts(out, series.total);
    out.number("pending", std::max<std::int64_t>(0, activity.stats.live.open));
    write_last_attempt(out, activity);
    write_series(out, series);
    out.end_object();
    return out.take();
  };
  answer_list_from_store(context, exchange, read);
}

void handle_stats(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  const auto wanted = read_stats_query(query);
  if (exchange->failed(wanted)) return;
  std::optional<TenantId> tenant;
  if (named || !exchange->principal.is_admin()) {
    const auto found = tenant_of(exchange->principal, context.directory(), named);
    if (exchange->failed(found)) return;
    tenant = *found;
  }
  const auto read = [&engine = context.engine, tenant, wanted = *wanted,
                     now = context.now()](Reader& reader) -> Result<std::string> {
    const RollupSpan span = span_of(now, wanted.window, wanted.resolution);
    RollupKey key{
        tenant ? RollupScope::tenant : RollupScope::system, tenant ? tenant->value : Uuid{}, {}};
    TRY(const StatsSeries series, read_series(reader, engine.stats(), key, span));
    key.scope = tenant ? RollupScope::tenant_type : RollupScope::system_type;
    TRY(const StatsByType split, read_by_type(reader, engine.stats(), key, span));
    JsonWriter out;
    out.begin_object().text_or_null("tenant_id", tenant ? to_string(*tenant) : "");
    write_window(out, wanted, span, now);
    write_counts(out, series.total);
    out.number("pending", engine.stats().open_runs(tenant));
    write_series(out, series);
    write_by_type(out, split);
    out.end_object();
    return out.take();
  };
  answer_list_from_store(context, exchange, read);
}

}  // namespace fanfare
