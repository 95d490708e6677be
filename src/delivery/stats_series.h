// What an owner counted in a span of time: the store's rows and what the book has not flushed yet,
// each fact once. On a reader's thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "delivery/stats_book.h"

namespace fanfare {

struct StatsSeries {
  RollupSpan span;
  std::vector<RollupCounts> buckets;  // one for each bucket of the span, in order
  RollupCounts total;
};

// The buckets that cover the last `window` up to and with the one that holds `now`.
RollupSpan span_of(Timestamp now, Millis window, Resolution resolution);
std::size_t buckets_of(const RollupSpan& span);

Result<StatsSeries> read_series(Reader& reader, const StatsBook& book, const RollupKey& key,
                                const RollupSpan& span);

struct StatsByType {
  std::map<std::string, RollupCounts> types;
  bool is_truncated = false;  // some buckets were left out: too many types
};
// Of a tenant or the system. `key` names the scope that is split by type.
Result<StatsByType> read_by_type(Reader& reader, const StatsBook& book, const RollupKey& key,
                                 const RollupSpan& span);

}  // namespace fanfare
