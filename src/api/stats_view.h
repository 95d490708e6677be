// Statistics in answers: what is going on with a webhook, its last 24 hours, and series of counts.
#pragma once

#include <optional>
#include <string>

#include "api/json_writer.h"
#include "delivery/stats_series.h"
#include "domain/auto_disable.h"

namespace fanfare {

// What the answers about a webhook say of its deliveries.
struct WebhookActivity {
  WebhookStats stats;  // all zero if nothing happened yet
  FailureCounts failure_counts = FailureCounts::deliveries;
  std::optional<RollupCounts> last_day;  // in lists
};
void write_activity(JsonWriter& out, const WebhookActivity& activity);

// total, successful, failed, success_rate and the response times: members of an object.
void write_counts(JsonWriter& out, const RollupCounts& counts);
void write_last_attempt(JsonWriter& out, const WebhookActivity& activity);
void write_series(JsonWriter& out, const StatsSeries& series);
void write_by_type(JsonWriter& out, const StatsByType& split);

}  // namespace fanfare
