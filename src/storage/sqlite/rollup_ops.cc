// Statistics: sums from memory go into their rows. Rows are clustered by time first, so what is
// flushed together lies together.
#include <array>
#include <map>

#include "base/limits.h"
#include "storage/sqlite/ops.h"

namespace fanfare::sqlite {
namespace {

constexpr std::array kResolutions = {Resolution::minute, Resolution::hour, Resolution::day};

struct Bucket {
  Resolution resolution = Resolution::minute;
  Timestamp start;
  auto operator<=>(const Bucket&) const = default;
};

struct Known {
  ResponseTimes times;
  std::int64_t covered = 0;
};

Result<Known> find_known(Connection& db, const Bucket& bucket, const RollupKey& key) {
  TRY(auto row, db.prepare("SELECT answered, response_ms, histogram, covered FROM rollups"
                           " WHERE resolution = ? AND start = ? AND scope = ? AND owner = ?"
                           " AND event_type = ?"));
  row.bind(bucket.resolution, bucket.start, key.scope, key.owner, key.event_type);
  TRY(const bool found, row.next());
  Known known;
  if (!found) return known;
  std::int64_t answered = 0;
  std::int64_t response_ms = 0;
  std::string histogram;
  TRY_VOID(row.read(answered, response_ms, histogram, known.covered));
  TRY(known.times, ResponseTimes::from_parts(answered, response_ms, histogram));
  return known;
}

Result<void> put(Connection& db, const Bucket& bucket, const RollupKey& key,
                 const RollupCounts& counts, const ResponseTimes& times, std::int64_t covered) {
  std::string histogram;
  times.append_buckets(histogram);
  TRY(auto insert,
      db.prepare("INSERT INTO rollups VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT DO"
                 " UPDATE SET accepted = accepted + excluded.accepted,"
                 " succeeded = succeeded + excluded.succeeded, failed = failed + excluded.failed,"
                 " cancelled = cancelled + excluded.cancelled,"
                 " skipped = skipped + excluded.skipped, attempts = attempts + excluded.attempts,"
                 " failed_attempts = failed_attempts + excluded.failed_attempts,"
                 " answered = excluded.answered, response_ms = excluded.response_ms,"
                 " histogram = excluded.histogram, covered = excluded.covered"));
  return insert.run(bucket.resolution, bucket.start, key.scope, key.owner, key.event_type,
                    counts.accepted, counts.succeeded, counts.failed, counts.cancelled,
                    counts.skipped, counts.attempts, counts.failed_attempts, times.count(),
                    times.sum_ms(), Blob{histogram}, covered);
}

Result<void> flush(Connection& db, const RollupUnit& unit, std::int64_t covered) {
  std::map<Bucket, RollupCounts> buckets;
  for (const RollupUnit::Minute& minute : unit.minutes) {
    for (const Resolution resolution : kResolutions)
      buckets[{resolution, floor_to(minute.start, resolution)}].add(minute.counts);
  }
  for (const auto& [bucket, counts] : buckets) {
    TRY(Known known, find_known(db, bucket, unit.key));
    if (known.covered >= covered) continue;
    known.times.add(counts.times);
    TRY_VOID(put(db, bucket, unit.key, counts, known.times, covered));
  }
  return {};
}

// Nothing for a webhook that was purged meanwhile: nobody would take the row away again.
Result<void> put(Connection& db, const WebhookStats& stats) {
  const LiveState& live = stats.live;
  const RollupCounts& totals = stats.totals;
  std::string histogram;
  totals.times.append_buckets(histogram);
  TRY(auto insert, db.prepare("INSERT OR REPLACE INTO webhook_stats SELECT ?,?,?,?,?,?,?,?,?,?,?,"
                              "?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?"
                              " WHERE EXISTS (SELECT 1 FROM webhooks WHERE id = ?1)"));
  return insert.run(
      stats.webhook, stats.tenant, live.open, totals.accepted, totals.succeeded, totals.failed,
      totals.cancelled, totals.skipped, totals.attempts, totals.failed_attempts,
      totals.times.count(), totals.times.sum_ms(), Blob{histogram}, totals.times.quantile_ms(0.95),
      live.deliveries.count, live.deliveries.excused, live.deliveries.first_at,
      live.deliveries.last_at, live.deliveries.excused_for.count(), live.attempts.count,
      live.attempts.excused, live.attempts.first_at, live.attempts.last_at,
      live.attempts.excused_for.count(), live.last.at, live.last_success_at, live.last.is_success,
      live.last.response_status, live.last.error, stats.covered);
}

}  // namespace

Result<OpDone> apply(Connection& db, const FlushRollupsOp& op) {
  for (const RollupUnit& unit : op.units) TRY_VOID(flush(db, unit, op.covered));
  for (const WebhookStats& stats : op.webhooks) TRY_VOID(put(db, stats));
  return Unit{};
}

Result<OpDone> apply(Connection& db, const TrimRollupTailOp& op) {
  TRY(const auto removed,
      db.run("DELETE FROM rollup_tail WHERE seq IN (SELECT seq FROM rollup_tail WHERE seq <= ?1"
             " AND seq < (SELECT max(seq) FROM rollup_tail) ORDER BY seq LIMIT ?2)",
             op.up_to, op.rows_max));
  return Trimmed{.has_more = removed == static_cast<std::int64_t>(op.rows_max)};
}

// The oldest rows of a resolution lie together at its front.
Result<bool> drop_old_rollups(Connection& db, Timestamp now, int rows_max) {
  constexpr std::array kKept = {limits::kMinuteRollupsKept, limits::kHourRollupsKept,
                                limits::kDayRollupsKept};
  bool has_more = false;
  for (std::size_t i = 0; i < kResolutions.size(); ++i) {
    TRY(const auto removed,
        db.run("DELETE FROM rollups WHERE (resolution, start, scope, owner, event_type) IN"
               " (SELECT resolution, start, scope, owner, event_type FROM rollups"
               " WHERE resolution = ?1 AND start < ?2 LIMIT ?3)",
               kResolutions[i], now - kKept[i] - length_of(kResolutions[i]), rows_max));
    has_more = has_more || removed == rows_max;
  }
  return has_more;
}

}  // namespace fanfare::sqlite
