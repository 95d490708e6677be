// The three indexes that are filled later: deliveries by webhook, deliveries by tenant, events by
// tenant. As ordinary indexes they would touch a page for every webhook of a batch; sorted in large
// chunks they touch each page once. A chunk goes in slice by slice inside the transactions that
// store new rows: it costs no transaction of its own and no commit waits long for it.
//
// Each index holds every stored id up to the watermark and, while a chunk is on its way, some above
// it, so a list is the index and the tables above the watermark, merged (id_walk.h). Nothing is
// ever stored below the newest id (the journal assigns them so), hence no chunk misses anything.
// What was stored is remembered until it is indexed; what is not remembered, because an earlier
// process stored it or too much waits, is found in the tables. The writer's thread only.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
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
  std::size_t found_ids = 3'000;   // events and deliveries read from the tables at a time
  std::size_t remembered_max = 300'000;  // 10 MB
};

class LazyIndex {
 public:
  LazyIndex(Connection& db, const IndexPace& pace) : db_(db), pace_(pace) {}
  Result<void> load();

  // Whether an advance() is due; when idle for less.
  bool has_work(bool is_idle) const;

  // Somebody waits until all that is stored now is indexed: from here on there is work until then.
  void catch_up();
  bool is_catching_up() const { return watermark_ < wanted_; }

  // Inside the writer's transaction, which ends with committed() or rolled_back(): an event and its
  // deliveries were stored, above everything committed so far; the next entries go in,
  // `entries_min` or twice what was stored if that is more.
  void note_stored(const EventPlan& plan);
  // What was stored below these ids is gone and must not be indexed any more.
  void note_expired(const Expired& done);
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
  struct Chunk {
    std::vector<Entry> entries;  // sorted
    Uuid end;                    // the watermark once all are in
    std::size_t committed = 0;   // entries that are in
    std::size_t reached = 0;     // the same in this transaction
  };

  struct Floors {
    Uuid events;
    Uuid deliveries;
  };
  void note(Table table, const Uuid& owner, const Uuid& id);
  Result<Chunk> next_chunk();
  Result<Chunk> find_chunk();
  Result<Uuid> end_of_found();
  Result<void> insert(const Entry& entry);

  Connection& db_;
  const IndexPace pace_;
  Uuid watermark_;                 // committed
  Uuid found_end_;                 // up to here the tables say what is to be indexed
  Uuid newest_;                    // id that is committed
  Floors gone_below_;              // committed
  Floors fresh_gone_below_;        // with this transaction
  Uuid wanted_;                    // the watermark that somebody waits for
  std::vector<Entry> fresh_;       // of this transaction
  std::vector<Entry> remembered_;  // committed, above found_end_, in no chunk yet
  std::optional<Chunk> chunk_;
};

// The committed watermark, as a reader's snapshot sees it.
Result<Uuid> read_watermark(Connection& db);

}  // namespace fanfare::sqlite
