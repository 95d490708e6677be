// The three indexes that are filled later: deliveries by webhook, deliveries by tenant, events by
// tenant. As ordinary indexes they would touch a page for every webhook of a batch; sorted in large
// chunks they touch each page once. A chunk goes in slice by slice inside the transactions that
// store new rows: it costs no transaction of its own and no commit waits long for it.
//
// Each index holds every stored id up to the watermark and, while a chunk is on its way, some above
// it, so a list is the index and the tables above the watermark, merged (id_walk.h). Ids are stored
// in increasing order (the journal assigns them so), which is why nothing can appear below the
// watermark later. The writer's thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "storage/sqlite/connection.h"
#include "storage/write_ops.h"

namespace fanfare::sqlite {

// In entries: an event makes one, a delivery two.
struct IndexPace {
  std::size_t chunk = 30'000;      // so many are sorted together while rows are being stored
  std::size_t slice = 64;          // the least of a chunk that goes in with a commit
  std::size_t idle_chunk = 1'500;  // so many are worth it when nothing else is to do
  std::size_t idle_slice = 3'000;  // of a chunk in a transaction of its own: some milliseconds
};

class LazyIndex {
 public:
  // `chunk`: how many entries of what is found at start are taken at a time.
  LazyIndex(Connection& db, std::size_t chunk) : db_(db), chunk_size_(chunk) {}
  // Reads the watermark and what lies above it.
  Result<void> load();

  // What is stored next must lie above it.
  const Uuid& watermark() const { return watermark_; }
  // A chunk is on its way, rows were found at start, or at least `waiting` entries wait.
  bool has_work(std::size_t waiting) const;

  // Inside the writer's transaction, which ends with committed() or rolled_back(): an event and its
  // deliveries were stored; the next entries, `entries_min` or twice what was stored if that is
  // more, go into their index.
  void note_stored(const EventPlan& plan);
  Result<void> advance(std::size_t entries_min);
  void committed();
  void rolled_back();

 private:
  enum class Table : std::uint8_t { webhook_deliveries, tenant_deliveries, tenant_events };
  struct Entry {
    Table table;
    Uuid owner;
    Uuid id;
    auto operator<=>(const Entry&) const = default;
  };

  Result<void> begin_chunk();
  Result<void> collect_found();
  Result<void> collect_rows();
  Result<void> collect(Table table, Sql rows);
  Result<void> insert(const Entry& entry);

  Connection& db_;
  std::size_t chunk_size_;
  Uuid watermark_;              // committed
  Uuid found_end_;              // the newest id at start: `waiting_` holds none up to it
  Uuid newest_;                 // of those in `waiting_`
  std::vector<Entry> fresh_;    // of this transaction
  std::vector<Entry> waiting_;  // stored since the start, in no chunk yet
  std::vector<Entry> chunk_;    // sorted
  Uuid chunk_end_;              // the watermark once the chunk is in
  std::size_t at_ = 0;          // entries of the chunk that are in, committed
  std::size_t reached_ = 0;     // the same in this transaction
};

// The committed watermark, as a reader's snapshot sees it.
Result<Uuid> read_watermark(Connection& db);

}  // namespace fanfare::sqlite
