#include "storage/sqlite/lazy_index.h"

#include <algorithm>
#include <utility>

#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {

Result<Uuid> read_watermark(Connection& db) {
  TRY(auto row, db.prepare("SELECT watermark FROM index_watermark"));
  TRY(const bool found, row.next());
  if (!found) return fail(Errc::corrupt, "the watermark of the lazy indexes is missing");
  Uuid watermark;
  TRY_VOID(row.read(watermark));
  return watermark;
}

Result<void> LazyIndex::load() {
  TRY(watermark_, read_watermark(db_));
  TRY(found_end_, newest_stored_id(db_));
  return {};
}

bool LazyIndex::has_work(std::size_t waiting) const {
  return !chunk_.empty() || found_end_ > watermark_ || waiting_.size() >= waiting;
}

void LazyIndex::note_stored(const EventPlan& plan) {
  const Event& event = plan.event;
  fresh_.push_back({Table::tenant_events, event.tenant.value, event.id.value});
  for (const auto* runs : {&plan.runs, &plan.skipped}) {
    for (const QueuedRun& run : *runs) {
      fresh_.push_back({Table::webhook_deliveries, run.webhook.value, run.delivery.value});
      fresh_.push_back({Table::tenant_deliveries, run.tenant.value, run.delivery.value});
    }
  }
}

Result<void> LazyIndex::advance(std::size_t entries_min) {
  if (chunk_.empty()) TRY_VOID(begin_chunk());
  // Twice what comes in: a chunk is over before the next one is full.
  const std::size_t entries = std::max(entries_min, 2 * fresh_.size());
  const std::size_t end = std::min(chunk_.size(), reached_ + entries);
  while (reached_ < end) TRY_VOID(insert(chunk_[reached_++]));
  if (!chunk_.empty() && reached_ == chunk_.size()) {
    TRY_VOID(db_.run("UPDATE index_watermark SET watermark = ?", chunk_end_));
  }
  return {};
}

void LazyIndex::committed() {
  for (const Entry& entry : fresh_) newest_ = std::max(newest_, entry.id);
  waiting_.insert(waiting_.end(), fresh_.begin(), fresh_.end());
  fresh_.clear();
  at_ = reached_;
  if (chunk_.empty() || at_ < chunk_.size()) return;
  watermark_ = chunk_end_;
  chunk_.clear();
  at_ = reached_ = 0;
}

void LazyIndex::rolled_back() {
  fresh_.clear();
  reached_ = at_;
}

Result<void> LazyIndex::begin_chunk() {
  if (found_end_ > watermark_) {
    TRY_VOID(collect_found());
  } else {
    std::swap(chunk_, waiting_);
    chunk_end_ = newest_;
  }
  std::sort(chunk_.begin(), chunk_.end());
  return {};
}

// What an earlier process stored and did not index. It may hold what is in an index already: an
// entry goes in once, whatever happens.
Result<void> LazyIndex::collect_found() {
  TRY(auto row,
      db_.prepare("SELECT max(id) FROM (SELECT id FROM ("
                  "SELECT * FROM (SELECT delivery AS id FROM queue WHERE delivery > ?1"
                  " ORDER BY delivery LIMIT ?2) UNION ALL "
                  "SELECT * FROM (SELECT delivery FROM deliveries WHERE delivery > ?1"
                  " ORDER BY delivery LIMIT ?2) UNION ALL "
                  "SELECT * FROM (SELECT id FROM events WHERE id > ?1 ORDER BY id LIMIT ?2)"
                  ") ORDER BY id LIMIT ?2)"));
  row.bind(watermark_, chunk_size_);
  TRY_VOID(row.next());
  TRY_VOID(row.read(chunk_end_));
  chunk_end_ = std::min(chunk_end_, found_end_);
  auto collected = collect_rows();
  if (!collected) chunk_.clear();
  return collected;
}

Result<void> LazyIndex::collect_rows() {
  TRY_VOID(collect(Table::webhook_deliveries,
                   "SELECT webhook, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
                   " UNION ALL SELECT webhook, delivery FROM deliveries"
                   " WHERE delivery > ?1 AND delivery <= ?2"));
  TRY_VOID(collect(Table::tenant_deliveries,
                   "SELECT tenant, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
                   " UNION ALL SELECT tenant, delivery FROM deliveries"
                   " WHERE delivery > ?1 AND delivery <= ?2"));
  return collect(Table::tenant_events, "SELECT tenant, id FROM events WHERE id > ?1 AND id <= ?2");
}

Result<void> LazyIndex::collect(Table table, Sql rows) {
  TRY(auto row, db_.prepare(rows));
  row.bind(watermark_, chunk_end_);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return {};
    Entry& entry = chunk_.emplace_back();
    entry.table = table;
    TRY_VOID(row.read(entry.owner, entry.id));
  }
}

Result<void> LazyIndex::insert(const Entry& entry) {
  static const Sql kInserts[] = {"INSERT OR IGNORE INTO webhook_deliveries VALUES (?,?)",
                                 "INSERT OR IGNORE INTO tenant_deliveries VALUES (?,?)",
                                 "INSERT OR IGNORE INTO tenant_events VALUES (?,?)"};
  TRY_VOID(db_.run(kInserts[static_cast<std::size_t>(entry.table)], entry.owner, entry.id));
  return {};
}

}  // namespace fanfare::sqlite
