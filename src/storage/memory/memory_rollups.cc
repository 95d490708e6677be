// The statistics of a MemoryStore.
#include "storage/memory/memory_writer.h"

namespace fanfare::memory {

Result<OpDone> MemoryWriter::apply(const FlushRollupsOp& op) {
  for (const RollupUnit& unit : op.units) {
    std::map<std::pair<Resolution, Timestamp>, RollupCounts> buckets;
    for (const RollupUnit::Minute& minute : unit.minutes) {
      for (const Resolution r : {Resolution::minute, Resolution::hour, Resolution::day})
        buckets[{r, floor_to(minute.start, r)}].add(minute.counts);
    }
    for (const auto& [bucket, counts] : buckets) {
      RollupRow& row = state_.rollups[{bucket.first, bucket.second, unit.key}];
      row.start = bucket.second;
      row.event_type = unit.key.event_type;
      if (row.covered >= op.covered) continue;
      row.counts.add(counts);
      row.covered = op.covered;
    }
  }
  for (const WebhookStats& stats : op.webhooks) {
    if (state_.webhooks.contains(stats.webhook)) state_.webhook_stats[stats.webhook] = stats;
  }
  return Unit{};
}

Result<OpDone> MemoryWriter::apply(const TrimRollupTailOp& op) {
  std::size_t removed = 0;
  while (state_.tail.size() > 1 && state_.tail.begin()->first <= op.up_to) {
    if (removed == op.rows_max) return Trimmed{.has_more = true};
    state_.tail.erase(state_.tail.begin());
    ++removed;
  }
  return Trimmed{.has_more = false};
}

}  // namespace fanfare::memory
