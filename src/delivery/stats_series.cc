#include "delivery/stats_series.h"

#include "base/limits.h"

namespace fanfare {
namespace {

std::size_t index_of(const RollupSpan& span, Timestamp start) {
  return static_cast<std::size_t>((start - span.from) / length_of(span.resolution));
}

bool holds(const RollupSpan& span, Timestamp start) {
  return start >= span.from && start < span.to;
}

}  // namespace

RollupSpan span_of(Timestamp now, Millis window, Resolution resolution) {
  return RollupSpan{.resolution = resolution,
                    .from = floor_to(now - window, resolution),
                    .to = floor_to(now, resolution) + length_of(resolution)};
}

std::size_t buckets_of(const RollupSpan& span) {
  return index_of(span, span.to);
}

// The book first: a flush between the two reads then shows in the row, which covers the piece. The
// other way round it would be missed.
Result<StatsSeries> read_series(Reader& reader, const StatsBook& book, const RollupKey& key,
                                const RollupSpan& span) {
  const std::vector<RollupPiece> pieces = book.unflushed(key);
  TRY(const std::vector<RollupRow> rows, reader.rollups(key, span));
  StatsSeries series{.span = span, .buckets = {}, .total = {}};
  series.buckets.resize(buckets_of(span));
  std::vector<std::int64_t> covered(series.buckets.size());
  for (const RollupRow& row : rows) {
    series.buckets[index_of(span, row.start)] = row.counts;
    covered[index_of(span, row.start)] = row.covered;
  }
  for (const RollupPiece& piece : pieces) {
    const Timestamp start = floor_to(piece.minute, span.resolution);
    if (!holds(span, start)) continue;
    const std::size_t at = index_of(span, start);
    if (piece.newest_seq > covered[at]) series.buckets[at].add(piece.counts);
  }
  for (const RollupCounts& bucket : series.buckets) series.total.add(bucket);
  return series;
}

Result<StatsByType> read_by_type(Reader& reader, const StatsBook& book, const RollupKey& key,
                                 const RollupSpan& span) {
  const std::vector<RollupPiece> pieces = book.unflushed_types(key);
  TRY(const Rows<RollupRow> rows, reader.rollups_by_type(key, span, limits::kRollupTypeRowsMax));
  StatsByType split;
  split.is_truncated = rows.has_more;
  std::map<std::pair<std::string, Timestamp>, std::int64_t> covered;
  for (const RollupRow& row : rows.rows) {
    split.types[row.event_type].add(row.counts);
    covered[{row.event_type, row.start}] = row.covered;
  }
  for (const RollupPiece& piece : pieces) {
    const Timestamp start = floor_to(piece.minute, span.resolution);
    if (!holds(span, start)) continue;
    const auto row = covered.find({piece.event_type, start});
    if (row == covered.end() || piece.newest_seq > row->second)
      split.types[piece.event_type].add(piece.counts);
  }
  return split;
}

}  // namespace fanfare
