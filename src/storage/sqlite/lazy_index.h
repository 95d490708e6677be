// The three indexes that are filled later: deliveries by webhook, deliveries by tenant, events by
// tenant. Each holds every stored id up to its watermark and none above; index_watermarks moves in
// the same transaction, so any reader sees index and watermark agree. Ids are stored in increasing
// order (the journal assigns them so), which is why nothing can appear below a watermark later. The
// writer's thread only.
#pragma once

#include <cstddef>

#include "storage/sqlite/connection.h"
#include "storage/write_ops.h"

namespace fanfare::sqlite {

class LazyIndex {
 public:
  explicit LazyIndex(Connection& db) : db_(db) {}
  // Reads the watermarks and counts what lies above them (up to a bound).
  Result<void> load();

  // How many deliveries and events are not indexed, roughly.
  std::size_t waiting() const { return waiting_; }
  void note_stored(std::size_t rows) { waiting_ += rows; }
  // The greatest id that an index holds; what is stored next must lie above it.
  const Uuid& watermark() const { return deliveries_ > events_ ? deliveries_ : events_; }

  // Indexes the next `rows_max` deliveries and as many events, as one transaction.
  Result<void> advance(std::size_t rows_max);

 private:
  Result<bool> advance_deliveries(std::size_t rows_max, Uuid& watermark);
  Result<bool> advance_events(std::size_t rows_max, Uuid& watermark);
  Result<void> advance_in_transaction(std::size_t rows_max);

  Connection& db_;
  Uuid deliveries_;
  Uuid events_;
  std::size_t waiting_ = 0;
};

// Committed watermarks, as a reader's snapshot sees them.
Result<Uuid> read_watermark(Connection& db, std::string_view name);

}  // namespace fanfare::sqlite
