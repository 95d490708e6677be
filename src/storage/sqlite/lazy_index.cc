#include "storage/sqlite/lazy_index.h"

#include <algorithm>
#include <tuple>
#include <vector>

namespace fanfare::sqlite {
namespace {

// Counting further at start-up would only delay it: this much is indexed in the first steps anyway.
constexpr int kCountedMax = 100'000;

struct Entry {
  Uuid id;
  Uuid webhook;
  Uuid tenant;
};

// One source of unindexed ids, in id order.
struct Scan {
  std::vector<Entry> entries;
  bool is_complete = true;  // nothing of the source lies above the last entry
};

Result<Scan> scan(Statement row, const Uuid& above, std::size_t rows_max) {
  Scan result;
  row.bind(above, rows_max);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) break;
    Entry& entry = result.entries.emplace_back();
    TRY_VOID(row.read(entry.id, entry.webhook, entry.tenant));
  }
  result.is_complete = result.entries.size() < rows_max;
  return result;
}

// Both sources as one, cut where the first incomplete one ends: beyond that, ids could be missing.
Scan merge(Scan a, Scan b) {
  Scan merged;
  merged.is_complete = a.is_complete && b.is_complete;
  merged.entries.resize(a.entries.size() + b.entries.size());
  const auto by_id = [](const Entry& x, const Entry& y) { return x.id < y.id; };
  std::merge(a.entries.begin(), a.entries.end(), b.entries.begin(), b.entries.end(),
             merged.entries.begin(), by_id);
  // A delivery has a row for each finished run, and perhaps one in the queue.
  const auto same = [](const Entry& x, const Entry& y) { return x.id == y.id; };
  merged.entries.erase(std::unique(merged.entries.begin(), merged.entries.end(), same),
                       merged.entries.end());
  for (const Scan* side : {&a, &b}) {
    if (side->is_complete) continue;
    const auto end =
        std::upper_bound(merged.entries.begin(), merged.entries.end(), side->entries.back(), by_id);
    merged.entries.erase(end, merged.entries.end());
  }
  return merged;
}

Result<void> insert_all(Statement insert, const std::vector<Entry>& entries, Uuid Entry::* owner) {
  for (const Entry& entry : entries) TRY_VOID(insert.run(entry.*owner, entry.id));
  return {};
}

// Sorted by the key of the index, so that each page is touched once.
void sort_by(std::vector<Entry>& entries, Uuid Entry::* owner) {
  std::sort(entries.begin(), entries.end(), [owner](const Entry& x, const Entry& y) {
    return std::tie(x.*owner, x.id) < std::tie(y.*owner, y.id);
  });
}

Result<void> write_watermark(Connection& db, std::string_view name, const Uuid& watermark) {
  TRY_VOID(db.run("UPDATE index_watermarks SET watermark = ? WHERE name = ?", watermark, name));
  return {};
}

}  // namespace

Result<Uuid> read_watermark(Connection& db, std::string_view name) {
  TRY(auto row, db.prepare("SELECT watermark FROM index_watermarks WHERE name = ?"));
  row.bind(name);
  TRY(const bool found, row.next());
  if (!found) return fail(Errc::corrupt, "the watermark of a lazy index is missing");
  Uuid watermark;
  TRY_VOID(row.read(watermark));
  return watermark;
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

Result<bool> LazyIndex::advance_deliveries(std::size_t rows_max, Uuid& watermark) {
  TRY(auto queued, db_.prepare("SELECT delivery, webhook, tenant FROM queue WHERE delivery > ?"
                               " ORDER BY delivery LIMIT ?"));
  TRY(auto open, scan(std::move(queued), watermark, rows_max));
  TRY(auto finished, db_.prepare("SELECT delivery, webhook, tenant FROM deliveries"
                                 " WHERE delivery > ? ORDER BY delivery LIMIT ?"));
  TRY(auto history, scan(std::move(finished), watermark, rows_max));
  auto [entries, is_complete] = merge(std::move(open), std::move(history));
  if (entries.empty()) return is_complete;
  watermark = entries.back().id;
  sort_by(entries, &Entry::webhook);
  TRY(auto by_webhook, db_.prepare("INSERT INTO webhook_deliveries VALUES (?,?)"));
  TRY_VOID(insert_all(std::move(by_webhook), entries, &Entry::webhook));
  sort_by(entries, &Entry::tenant);
  TRY(auto by_tenant, db_.prepare("INSERT INTO tenant_deliveries VALUES (?,?)"));
  TRY_VOID(insert_all(std::move(by_tenant), entries, &Entry::tenant));
  TRY_VOID(write_watermark(db_, "deliveries", watermark));
  return is_complete;
}

Result<bool> LazyIndex::advance_events(std::size_t rows_max, Uuid& watermark) {
  // The owner is read into both columns: a scan has one shape.
  TRY(auto row,
      db_.prepare("SELECT id, tenant, tenant FROM events WHERE id > ? ORDER BY id LIMIT ?"));
  TRY(auto found, scan(std::move(row), watermark, rows_max));
  if (found.entries.empty()) return true;
  watermark = found.entries.back().id;
  sort_by(found.entries, &Entry::tenant);
  TRY(auto insert, db_.prepare("INSERT INTO tenant_events VALUES (?,?)"));
  TRY_VOID(insert_all(std::move(insert), found.entries, &Entry::tenant));
  TRY_VOID(write_watermark(db_, "events", watermark));
  return found.is_complete;
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
