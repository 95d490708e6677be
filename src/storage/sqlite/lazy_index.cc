#include "storage/sqlite/lazy_index.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
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
  TRY(newest_, newest_stored_id(db_));
  found_end_ = newest_;
  return {};
}

bool LazyIndex::has_work(bool is_idle) const {
  return chunk_ || found_end_ > watermark_ || is_catching_up() ||
         remembered_.size() >= (is_idle ? pace_.idle_chunk : pace_.chunk);
}

void LazyIndex::catch_up() {
  if (!is_catching_up()) wanted_ = newest_;
}

// ---- what was stored ----

void LazyIndex::note_stored(const EventPlan& plan) {
  const Event& event = plan.event;
  note(Table::tenant_events, event.tenant.value, event.id.value);
  for (const auto* runs : {&plan.runs, &plan.skipped}) {
    for (const QueuedRun& run : *runs) {
      note(Table::webhook_deliveries, run.webhook.value, run.delivery.value);
      note(Table::tenant_deliveries, run.tenant.value, run.delivery.value);
    }
  }
}

void LazyIndex::note_expired(const Expired& done) {
  Floors& floors = fresh_gone_below_;
  floors.events = std::max(floors.events, done.events_below.value);
  floors.deliveries = std::max(floors.deliveries, done.deliveries_below.value);
}

void LazyIndex::note(Table table, const Uuid& owner, const Uuid& id) {
  // Below it lists would miss this id for ever.
  FANFARE_ASSERT(id > newest_);
  fresh_.push_back({table, owner, id});
}

void LazyIndex::committed() {
  for (const Entry& entry : fresh_) newest_ = std::max(newest_, entry.id);
  remembered_.insert(remembered_.end(), fresh_.begin(), fresh_.end());
  fresh_.clear();
  gone_below_ = fresh_gone_below_;
  if (chunk_) {
    chunk_->committed = chunk_->reached;
    if (chunk_->committed == chunk_->entries.size()) {
      watermark_ = chunk_->end;
      chunk_.reset();
    }
  }
  if (remembered_.size() > pace_.remembered_max) {
    remembered_.clear();
    chunk_.reset();
    found_end_ = newest_;
  }
}

void LazyIndex::rolled_back() {
  fresh_.clear();
  fresh_gone_below_ = gone_below_;
  if (chunk_) chunk_->reached = chunk_->committed;
}

// ---- chunks ----

Result<void> LazyIndex::advance(std::size_t entries_min) {
  if (!chunk_) {
    TRY(chunk_, next_chunk());
    std::sort(chunk_->entries.begin(), chunk_->entries.end());
  }
  // Twice what comes in: a chunk is over before the next one is full.
  const std::size_t count = std::max(entries_min, 2 * fresh_.size());
  const std::size_t end = std::min(chunk_->entries.size(), chunk_->reached + count);
  while (chunk_->reached < end) TRY_VOID(insert(chunk_->entries[chunk_->reached++]));
  if (end < chunk_->entries.size()) return {};
  TRY_VOID(db_.run("UPDATE index_watermark SET watermark = ?", chunk_->end));
  return {};
}

Result<LazyIndex::Chunk> LazyIndex::next_chunk() {
  if (found_end_ > watermark_) return find_chunk();
  return Chunk{.entries = std::exchange(remembered_, {}), .end = newest_};
}

// The id at which `found_ids` more rows are reached in whichever table reaches them first.
Result<Uuid> LazyIndex::end_of_found() {
  TRY(auto row, db_.prepare("SELECT min(id) FROM ("
                            "SELECT * FROM (SELECT delivery AS id FROM queue WHERE delivery > ?1"
                            " ORDER BY delivery LIMIT 1 OFFSET ?2) UNION ALL "
                            "SELECT * FROM (SELECT delivery FROM deliveries WHERE delivery > ?1"
                            " ORDER BY delivery LIMIT 1 OFFSET ?2) UNION ALL "
                            "SELECT * FROM (SELECT id FROM events WHERE id > ?1"
                            " ORDER BY id LIMIT 1 OFFSET ?2))"));
  row.bind(watermark_, pace_.found_ids - 1);
  TRY_VOID(row.next());
  std::optional<Uuid> end;
  TRY_VOID(row.read(end));
  return std::min(end.value_or(found_end_), found_end_);
}

// It may hold what is in an index already: an entry goes in once, whatever happens.
Result<LazyIndex::Chunk> LazyIndex::find_chunk() {
  Chunk chunk;
  TRY(chunk.end, end_of_found());
  const auto collect = [&](Table table, Sql rows) -> Result<void> {
    TRY(auto row, db_.prepare(rows));
    row.bind(watermark_, chunk.end);
    while (true) {
      TRY(const bool found, row.next());
      if (!found) return {};
      Entry& entry = chunk.entries.emplace_back();
      entry.table = table;
      TRY_VOID(row.read(entry.owner, entry.id));
    }
  };
  TRY_VOID(collect(Table::webhook_deliveries,
                   "SELECT webhook, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
                   " UNION ALL SELECT webhook, delivery FROM deliveries"
                   " WHERE delivery > ?1 AND delivery <= ?2"));
  TRY_VOID(collect(Table::tenant_deliveries,
                   "SELECT tenant, delivery FROM queue WHERE delivery > ?1 AND delivery <= ?2"
                   " UNION ALL SELECT tenant, delivery FROM deliveries"
                   " WHERE delivery > ?1 AND delivery <= ?2"));
  TRY_VOID(
      collect(Table::tenant_events, "SELECT tenant, id FROM events WHERE id > ?1 AND id <= ?2"));
  return chunk;
}

Result<void> LazyIndex::insert(const Entry& entry) {
  static const Sql kInserts[] = {"INSERT OR IGNORE INTO webhook_deliveries VALUES (?,?)",
                                 "INSERT OR IGNORE INTO tenant_deliveries VALUES (?,?)",
                                 "INSERT OR IGNORE INTO tenant_events VALUES (?,?)"};
  const bool is_event = entry.table == Table::tenant_events;
  if (entry.id < (is_event ? fresh_gone_below_.events : fresh_gone_below_.deliveries)) return {};
  TRY_VOID(db_.run(kInserts[static_cast<std::size_t>(entry.table)], entry.owner, entry.id));
  return {};
}

}  // namespace fanfare::sqlite
