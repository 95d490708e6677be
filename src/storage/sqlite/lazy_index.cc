#include "storage/sqlite/lazy_index.h"

#include <algorithm>

namespace fanfare::sqlite {
namespace {

// Counting further at start-up would only delay it: this much is indexed in the first steps anyway.
constexpr int kCountedMax = 100'000;

Result<std::optional<Uuid>> first_id(Statement row) {
  TRY(const bool found, row.next());
  std::optional<Uuid> id;
  if (found) TRY_VOID(row.read(id));
  return id;
}

Result<void> write_watermark(Connection& db, std::string_view name, const Uuid& watermark) {
  TRY_VOID(db.run("UPDATE index_watermarks SET watermark = ? WHERE name = ?", watermark, name));
  return {};
}

// The id at which `rows_max` rows above the watermark are reached, in whichever table that comes
// first; none if both end before.
Result<std::optional<Uuid>> end_of_deliveries(Connection& db, const Uuid& above,
                                              std::size_t rows_max) {
  TRY(auto row, db.prepare("SELECT min(delivery) FROM ("
                           "SELECT * FROM (SELECT delivery FROM queue WHERE delivery > ?1"
                           " ORDER BY delivery LIMIT 1 OFFSET ?2)"
                           " UNION ALL SELECT * FROM (SELECT delivery FROM deliveries"
                           " WHERE delivery > ?1 ORDER BY delivery LIMIT 1 OFFSET ?2))"));
  row.bind(above, rows_max - 1);
  return first_id(std::move(row));
}

Result<std::optional<Uuid>> last_delivery(Connection& db) {
  TRY(auto row,
      db.prepare("SELECT max(delivery) FROM ("
                 "SELECT * FROM (SELECT delivery FROM queue ORDER BY delivery DESC LIMIT 1)"
                 " UNION ALL SELECT * FROM (SELECT delivery FROM deliveries"
                 " ORDER BY delivery DESC LIMIT 1))"));
  return first_id(std::move(row));
}

Result<std::optional<Uuid>> end_of_events(Connection& db, const Uuid& above, std::size_t rows_max) {
  TRY(auto row, db.prepare("SELECT id FROM events WHERE id > ? ORDER BY id LIMIT 1 OFFSET ?"));
  row.bind(above, rows_max - 1);
  return first_id(std::move(row));
}

Result<std::optional<Uuid>> last_event(Connection& db) {
  TRY(auto row, db.prepare("SELECT id FROM events ORDER BY id DESC LIMIT 1"));
  return first_id(std::move(row));
}

}  // namespace

Result<Uuid> read_watermark(Connection& db, std::string_view name) {
  TRY(auto row, db.prepare("SELECT watermark FROM index_watermarks WHERE name = ?"));
  row.bind(name);
  TRY(const auto watermark, first_id(std::move(row)));
  if (watermark) return *watermark;
  return fail(Errc::corrupt, "the watermark of a lazy index is missing");
}

Result<void> LazyIndex::load() {
  TRY(deliveries_, read_watermark(db_, "deliveries"));
  TRY(events_, read_watermark(db_, "events"));
  TRY(auto row,
      db_.prepare(
          "SELECT (SELECT count(*) FROM (SELECT 1 FROM queue WHERE delivery > ?1 LIMIT ?3))"
          " + (SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE delivery > ?1 LIMIT ?3))"
          " + (SELECT count(*) FROM (SELECT 1 FROM events WHERE id > ?2 LIMIT ?3))"));
  row.bind(deliveries_, events_, kCountedMax);
  TRY_VOID(row.next());
  std::int64_t count = 0;
  TRY_VOID(row.read(count));
  waiting_ = static_cast<std::size_t>(count);
  return {};
}

// UNION sorts by the key of the index, so that each of its pages is touched once, and takes a
// delivery once that has several runs.
Result<bool> LazyIndex::advance_deliveries(std::size_t rows_max, Uuid& watermark) {
  TRY(const auto cut, end_of_deliveries(db_, watermark, rows_max));
  TRY(const auto last, last_delivery(db_));
  const std::optional<Uuid> end = cut ? cut : last;
  if (!end || *end <= watermark) return true;
  TRY_VOID(
      db_.run("INSERT INTO webhook_deliveries"
              " SELECT webhook, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
              " UNION SELECT webhook, delivery FROM deliveries"
              " WHERE delivery > ?1 AND delivery <= ?2 ORDER BY webhook, delivery",
              watermark, *end));
  TRY_VOID(
      db_.run("INSERT INTO tenant_deliveries"
              " SELECT tenant, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
              " UNION SELECT tenant, delivery FROM deliveries"
              " WHERE delivery > ?1 AND delivery <= ?2 ORDER BY tenant, delivery",
              watermark, *end));
  watermark = *end;
  TRY_VOID(write_watermark(db_, "deliveries", watermark));
  return !cut;
}

Result<bool> LazyIndex::advance_events(std::size_t rows_max, Uuid& watermark) {
  TRY(const auto cut, end_of_events(db_, watermark, rows_max));
  TRY(const auto last, last_event(db_));
  const std::optional<Uuid> end = cut ? cut : last;
  if (!end || *end <= watermark) return true;
  TRY_VOID(
      db_.run("INSERT INTO tenant_events SELECT tenant, id FROM events"
              " WHERE id > ?1 AND id <= ?2 ORDER BY tenant, id",
              watermark, *end));
  watermark = *end;
  TRY_VOID(write_watermark(db_, "events", watermark));
  return !cut;
}

Result<void> LazyIndex::advance_in_transaction(std::size_t rows_max) {
  Uuid deliveries = deliveries_;
  Uuid events = events_;
  TRY_VOID(db_.run("BEGIN IMMEDIATE"));
  TRY(const bool deliveries_done, advance_deliveries(rows_max, deliveries));
  TRY(const bool events_done, advance_events(rows_max, events));
  TRY_VOID(db_.run("COMMIT"));
  deliveries_ = deliveries;
  events_ = events;
  const bool is_done = deliveries_done && events_done;
  waiting_ = is_done ? 0 : waiting_ - std::min(waiting_, rows_max);
  return {};
}

Result<void> LazyIndex::advance(std::size_t rows_max) {
  auto advanced = advance_in_transaction(rows_max);
  if (!advanced) db_.roll_back();
  return advanced;
}

}  // namespace fanfare::sqlite
