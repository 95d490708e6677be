// Reads of statistics: one look-up for each bucket, never a scan.
#include "storage/sqlite/reader.h"

namespace fanfare::sqlite {
namespace {

struct TimesColumns {
  std::int64_t answered = 0;
  std::int64_t response_ms = 0;
  std::string histogram;

  Result<ResponseTimes> times() const {
    return ResponseTimes::from_parts(answered, response_ms, histogram);
  }
};

Result<RollupRow> read_rollup(Statement& row) {
  RollupRow rollup;
  RollupCounts& counts = rollup.counts;
  TimesColumns times;
  TRY_VOID(row.read(rollup.start, rollup.event_type, counts.accepted, counts.succeeded,
                    counts.failed, counts.cancelled, counts.skipped, counts.attempts,
                    counts.failed_attempts, times.answered, times.response_ms, times.histogram,
                    rollup.covered));
  TRY(counts.times, times.times());
  return rollup;
}

Result<WebhookStats> read_stats(Statement& row) {
  WebhookStats stats;
  LiveState& live = stats.live;
  RollupCounts& totals = stats.totals;
  TimesColumns times;
  std::optional<int> p95;
  std::int64_t deliveries_excused_ms = 0;
  std::int64_t attempts_excused_ms = 0;
  TRY_VOID(row.read(stats.webhook, stats.tenant, live.open, totals.accepted, totals.succeeded,
                    totals.failed, totals.cancelled, totals.skipped, totals.attempts,
                    totals.failed_attempts, times.answered, times.response_ms, times.histogram, p95,
                    live.deliveries.count, live.deliveries.excused, live.deliveries.first_at,
                    live.deliveries.last_at, deliveries_excused_ms, live.attempts.count,
                    live.attempts.excused, live.attempts.first_at, live.attempts.last_at,
                    attempts_excused_ms, live.last.at, live.last_success_at, live.last.is_success,
                    live.last.response_status, live.last.error, stats.covered));
  live.deliveries.excused_for = Millis{deliveries_excused_ms};
  live.attempts.excused_for = Millis{attempts_excused_ms};
  TRY(totals.times, times.times());
  return stats;
}

}  // namespace

Result<RollupsAtStart> SqliteReader::load_rollups() {
  return in_unhurried_snapshot([&]() -> Result<RollupsAtStart> {
    RollupsAtStart start;
    TRY(auto stats, db_->prepare("SELECT * FROM webhook_stats"));
    while (true) {
      TRY(const bool found, stats.next());
      if (!found) break;
      TRY(start.webhooks.emplace_back(), read_stats(stats));
    }
    TRY(auto tail, db_->prepare("SELECT seq, counted FROM rollup_tail ORDER BY seq"));
    while (true) {
      TRY(const bool found, tail.next());
      if (!found) return start;
      TailRow& row = start.tail.emplace_back();
      TRY_VOID(tail.read(row.seq, row.bytes));
    }
  });
}

Result<std::int64_t> SqliteReader::rollup_covered(const RollupKey& key, Timestamp when) {
  return in_unhurried_snapshot([&]() -> Result<std::int64_t> {
    TRY(auto row, db_->prepare("SELECT covered FROM rollups WHERE resolution = ? AND start = ?"
                               " AND scope = ? AND owner = ? AND event_type = ?"));
    row.bind(Resolution::day, floor_to(when, Resolution::day), key.scope, key.owner,
             key.event_type);
    std::int64_t covered = 0;
    TRY(const bool found, row.next());
    if (found) TRY_VOID(row.read(covered));
    return covered;
  });
}

Result<std::vector<RollupRow>> SqliteReader::rollups(const RollupKey& key, const RollupSpan& span) {
  return in_snapshot([&]() -> Result<std::vector<RollupRow>> {
    std::vector<RollupRow> rows;
    const Millis step = length_of(span.resolution);
    for (Timestamp start = span.from; start < span.to; start += step) {
      TRY(auto row, db_->prepare("SELECT start, event_type, accepted, succeeded, failed, cancelled,"
                                 " skipped, attempts, failed_attempts, answered, response_ms,"
                                 " histogram, covered FROM rollups WHERE resolution = ?"
                                 " AND start = ? AND scope = ? AND owner = ? AND event_type = ?"));
      row.bind(span.resolution, start, key.scope, key.owner, key.event_type);
      TRY(const bool found, row.next());
      if (!found) continue;
      TRY(rows.emplace_back(), read_rollup(row));
    }
    return rows;
  });
}

Result<Rows<RollupRow>> SqliteReader::rollups_by_type(const RollupKey& key, const RollupSpan& span,
                                                      std::size_t rows_max) {
  return in_snapshot([&]() -> Result<Rows<RollupRow>> {
    Rows<RollupRow> page;
    const Millis step = length_of(span.resolution);
    for (Timestamp start = span.to - step; start >= span.from; start -= step) {
      TRY(auto row, db_->prepare("SELECT start, event_type, accepted, succeeded, failed, cancelled,"
                                 " skipped, attempts, failed_attempts, answered, response_ms,"
                                 " histogram, covered FROM rollups WHERE resolution = ?"
                                 " AND start = ? AND scope = ? AND owner = ?"
                                 " ORDER BY event_type DESC"));
      row.bind(span.resolution, start, key.scope, key.owner);
      while (true) {
        TRY(const bool found, row.next());
        if (!found) break;
        page.has_more = page.rows.size() == rows_max;
        if (page.has_more) return page;
        TRY(page.rows.emplace_back(), read_rollup(row));
      }
    }
    return page;
  });
}

}  // namespace fanfare::sqlite
