#include "storage/sqlite/reader.h"

#include <algorithm>

#include "base/limits.h"
#include "domain/webhook_codec.h"
#include "storage/sqlite/old_versions.h"

namespace fanfare::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr int kStepsBetweenLooks = 10'000;  // of SQLite's machine: well below a millisecond

// The time inside an id is when the journal made it; created_at is when the request came, a little
// earlier. Only if the clock is set back do ids run ahead, and then by as much. A filter by time
// narrows the walk with this much room.
constexpr Millis kIdClockSlack = 24h;
constexpr std::int64_t kIdTimeMax = (std::int64_t{1} << 48) - 1;

Uuid floor_id(Timestamp t) {
  return uuid7_floor(timestamp_of_ms(std::clamp<std::int64_t>(ms_of(t), 0, kIdTimeMax)));
}

// Adding to a time from a request may not overflow, whatever year it names.
Timestamp plus_slack(Timestamp t) {
  return timestamp_of_ms(std::min(ms_of(t), kIdTimeMax)) + kIdClockSlack;
}
Timestamp minus_slack(Timestamp t) {
  return timestamp_of_ms(std::max<std::int64_t>(ms_of(t), 0)) - kIdClockSlack;
}

}  // namespace

WalkRange walk_range(const Uuid& owner, const Uuid& watermark, const WalkBounds& bounds) {
  WalkRange range{.owner = owner, .low = {}, .below = {}, .watermark = watermark};
  range.below.bytes.fill(0xff);
  if (bounds.since) range.low = floor_id(minus_slack(*bounds.since));
  if (bounds.until) range.below = floor_id(plus_slack(*bounds.until));
  if (bounds.before) range.below = std::min(range.below, *bounds.before);
  return range;
}

SqliteReader::SqliteReader(std::unique_ptr<Connection> db, const Clock& clock, Millis timeout)
    : db_(std::move(db)), clock_(clock), timeout_(timeout) {
  sqlite3_progress_handler(db_->handle(), kStepsBetweenLooks, &SqliteReader::on_progress, this);
}

int SqliteReader::on_progress(void* self) {
  return static_cast<const SqliteReader*>(self)->is_late() ? 1 : 0;
}

Result<void> SqliteReader::check_deadline() const {
  if (!is_late()) return {};
  return fail(Errc::unavailable, "the query took too long and was stopped; narrow it");
}

Result<void> SqliteReader::ping() {
  return in_snapshot([&]() -> Result<void> {
    TRY(auto row, db_->prepare("SELECT 1 FROM schema_migrations LIMIT 1"));
    TRY_VOID(row.next());
    return {};
  });
}

Result<RetentionCounts> SqliteReader::count_expired(const RetentionCutoffs& cutoffs,
                                                    std::size_t count_max) {
  const auto count = [&](Sql sql, const auto& end) -> Result<std::size_t> {
    TRY(auto row, db_->prepare(sql));
    row.bind(end, count_max + 1);
    TRY_VOID(row.next());
    std::int64_t rows = 0;
    TRY_VOID(row.read(rows));
    return static_cast<std::size_t>(rows);
  };
  return in_snapshot([&]() -> Result<RetentionCounts> {
    RetentionCounts counts;
    const Uuid events_end = expired_end(cutoffs.events);
    TRY(counts.runs_ended,
        count("SELECT count(*) FROM (SELECT 1 FROM queue WHERE delivery < ?1 LIMIT ?2)",
              events_end));
    TRY(counts.events,
        count("SELECT count(*) FROM (SELECT 1 FROM events WHERE id < ?1 LIMIT ?2)", events_end));
    TRY(counts.attempts,
        count("SELECT count(*) FROM (SELECT 1 FROM attempts WHERE delivery < ?1 LIMIT ?2)",
              expired_end(cutoffs.attempts)));
    TRY(counts.deliveries,
        count("SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE delivery < ?1 LIMIT ?2)",
              expired_end(deliveries_cutoff(cutoffs))));
    TRY(counts.broadcasts, count("SELECT count(*) FROM (SELECT 1 FROM broadcasts"
                                 " WHERE id < ?1 AND is_done = 1 LIMIT ?2)",
                                 events_end));
    TRY(counts.webhook_versions, count_old_versions(*db_, versions_cutoff(cutoffs), count_max));
    TRY(counts.audit_entries,
        count("SELECT count(*) FROM (SELECT 1 FROM audit_log WHERE id < ?1 LIMIT ?2)",
              expired_end(cutoffs.audit)));
    return counts;
  });
}

Result<std::optional<KeptAnswer>> SqliteReader::kept_answer(const std::string& scope,
                                                            const std::string& key, Timestamp now) {
  return in_snapshot([&]() -> Result<std::optional<KeptAnswer>> {
    TRY(auto row,
        db_->prepare("SELECT fingerprint, status, body, is_sealed, created_at, headers FROM answers"
                     " WHERE scope = ? AND key = ?"));
    row.bind(scope, key);
    TRY(const bool found, row.next());
    if (!found) return std::nullopt;
    KeptAnswer kept;
    Timestamp then;
    std::string headers;
    TRY_VOID(row.read(kept.fingerprint, kept.answer.status, kept.answer.body, kept.answer.is_sealed,
                      then, headers));
    if (!is_kept(then, now, limits::kIdempotencyKeyKept)) return std::nullopt;
    TRY(kept.answer.headers, unpack_headers(headers));
    return kept;
  });
}

}  // namespace fanfare::sqlite
