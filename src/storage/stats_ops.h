// What StatsBook (delivery/stats_book.h) asks a store to write: sums it has made in memory of what
// the tail says, a bounded number of rows at a time.
#pragma once

#include <cstdint>
#include <vector>

#include "domain/ids.h"
#include "domain/rollup.h"

namespace fanfare {

// What one owner counted since it was flushed last, by minute.
struct RollupUnit {
  struct Minute {
    Timestamp start;
    RollupCounts counts;
  };
  RollupKey key;
  std::vector<Minute> minutes;
};
// A webhook's state and all it ever counted.
struct WebhookStats {
  WebhookId webhook;
  TenantId tenant;
  LiveState live;
  RollupCounts totals;
  std::int64_t covered = 0;  // the newest row of the tail that is in it
};
// Adds each unit to its owner's rows of minute, hour and day, which from then on cover the tail up
// to `covered`; a unit whose rows cover that already is passed over, so the same operation may be
// given twice. Replaces the rows of `webhooks`.
struct FlushRollupsOp {
  std::int64_t covered = 0;
  std::vector<RollupUnit> units;
  std::vector<WebhookStats> webhooks;
};
// Removes up to `rows_max` of the oldest rows of the tail that are not above `up_to`. The newest
// row stays whatever its number: the next one follows it.
struct TrimRollupTailOp {
  std::int64_t up_to = 0;
  std::size_t rows_max = 0;
};
struct Trimmed {
  bool has_more = false;
  bool operator==(const Trimmed&) const = default;
};

}  // namespace fanfare
