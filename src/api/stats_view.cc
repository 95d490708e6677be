#include "api/stats_view.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace fanfare {
namespace {

std::optional<Timestamp> known(Timestamp t) {
  return t == Timestamp{} ? std::nullopt : std::optional(t);
}

void write_rate(JsonWriter& out, std::optional<double> rate) {
  if (!rate) {
    out.nothing("success_rate");
    return;
  }
  out.real("success_rate", std::round(*rate * 10'000) / 10'000);
}

void write_quantile(JsonWriter& out, std::string_view name, const ResponseTimes& times, double q) {
  out.number_or_null(name, times.quantile_ms(q));
}

void write_short_counts(JsonWriter& out, const RollupCounts& counts) {
  out.number("total", counts.accepted).number("successful", counts.succeeded);
  out.number("failed", counts.failed);
  write_rate(out, counts.success_rate());
  out.number_or_null("average_response_time_ms", counts.times.average_ms());
  write_quantile(out, "p95_response_time_ms", counts.times, 0.95);
}

}  // namespace

void write_last_attempt(JsonWriter& out, const WebhookActivity& activity) {
  const LiveState& live = activity.stats.live;
  const LastAttemptMade& last = live.last;
  const bool is_known = last.at != Timestamp{};
  out.time_or_null("last_triggered_at", known(last.at));
  out.text_or_null("last_status", !is_known ? "" : last.is_success ? "success" : "failed");
  out.text_or_null("last_error", last.error);
  out.number("consecutive_failures", activity.failure_counts == FailureCounts::deliveries
                                         ? live.deliveries.count
                                         : live.attempts.count);
}

void write_activity(JsonWriter& out, const WebhookActivity& activity) {
  write_last_attempt(out, activity);
  const RollupCounts& totals = activity.stats.totals;
  out.number("total_deliveries", totals.accepted);
  out.number("successful_deliveries", totals.succeeded);
  out.number("failed_deliveries", totals.failed);
  if (!activity.last_day) return;
  out.key("metrics").begin_object();
  write_short_counts(out, *activity.last_day);
  out.end_object();
}

void write_counts(JsonWriter& out, const RollupCounts& counts) {
  write_short_counts(out, counts);
  write_quantile(out, "p50_response_time_ms", counts.times, 0.5);
  write_quantile(out, "p99_response_time_ms", counts.times, 0.99);
  out.number("cancelled", counts.cancelled).number("skipped", counts.skipped);
  out.number("attempts", counts.attempts).number("failed_attempts", counts.failed_attempts);
}

void write_series(JsonWriter& out, const StatsSeries& series) {
  out.key("series").begin_array();
  Timestamp start = series.span.from;
  for (const RollupCounts& bucket : series.buckets) {
    out.begin_object().time("start", start).number("total", bucket.accepted);
    out.number("successful", bucket.succeeded).number("failed", bucket.failed);
    out.number_or_null("average_ms", bucket.times.average_ms());
    write_quantile(out, "p95_ms", bucket.times, 0.95);
    out.end_object();
    start += length_of(series.span.resolution);
  }
  out.end_array();
}

void write_by_type(JsonWriter& out, const StatsByType& split) {
  std::vector<std::pair<std::string, RollupCounts>> types(split.types.begin(), split.types.end());
  std::stable_sort(types.begin(), types.end(), [](const auto& a, const auto& b) {
    return a.second.accepted > b.second.accepted;
  });
  out.key("by_event_type").begin_array();
  for (const auto& [type, counts] : types) {
    out.begin_object().text("event_type", type);
    write_short_counts(out, counts);
    out.end_object();
  }
  out.end_array();
  if (split.is_truncated) out.flag("by_event_type_truncated", true);
}

}  // namespace fanfare
