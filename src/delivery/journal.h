// Journal: the only writer. Whatever arrived while the last commit was running becomes the next
// batch and is committed as one transaction (group commit): there is no timer, so an idle server
// adds no latency and a loaded one makes large batches by itself. Batches are bounded in rows and
// bytes.
//
// Ids are made here, while a batch is assembled, so id order is commit order.
//
// submit() from any thread; run() on the journal's own thread, which also calls every completion,
// in commit order. A completion must not block: it posts to a loop.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/function.h"
#include "base/random.h"
#include "storage/rollup_batch.h"
#include "storage/store.h"

namespace fanfare {

class Journal {
 public:
  // Gets the operation back, with the ids it was given, and what the store answered.
  using Completion = UniqueFunction<void(WriteAction&, Result<OpDone>)>;

  Journal(Writer& writer, const Clock& clock, Random& random);

  // Reads the newest stored id, so that new ids follow it even if the clock went back. Before
  // run().
  Result<void> recover();
  // Ids and times for entries that are committed past the journal. Before run().
  void stamp(std::vector<AuditEntry>& entries) { stamp(entries, clock_.wall_now()); }

  // Told what each commit counts as, on the journal's thread, before any completion of it. Set
  // before run().
  void set_on_tail(std::function<void(const RollupTail&)> on_tail) {
    on_tail_ = std::move(on_tail);
  }

  // Queues one operation. When the queue is full or the journal has stopped, `done` gets
  // Errc::overloaded at once, on the caller's thread. If the store refuses the batch, it gets
  // Errc::unavailable and nothing is stored.
  void submit(WriteOp op, Completion done);
  // Queues the outcome of an attempt. It is never refused, and given to the store again until it is
  // stored: nothing is decided twice. The caller bounds these: an attempt holds its slot
  // until it is stored.
  void submit_outcome(AttemptOp op, Completion done);

  // The text of the last commit's error; empty when it worked.
  std::string last_error() const;

  // Commits until `stop` is requested and everything queued is stored or, if the store refuses,
  // given up.
  void run(const std::stop_token& stop);

 private:
  struct Entry {
    WriteOp op;
    Completion done;
    std::size_t rows = 0;
    std::size_t bytes = 0;
    bool is_outcome = false;
  };
  void push(Entry entry);
  std::vector<Entry> take_batch(const std::stop_token& stop);
  void assign_ids(std::vector<Entry>& batch);
  void stamp(std::vector<AuditEntry>& entries, Timestamp now);
  void assign_ids(PublishOp& op, Timestamp now);
  bool commit(std::vector<Entry>& batch);
  void refuse(std::vector<Entry>& batch, const Error& error);
  void give_up();
  void set_last_error(std::string text);

  Writer& writer_;
  const Clock& clock_;
  std::function<void(const RollupTail&)> on_tail_;
  Uuid7Sequence ids_;        // journal thread only
  bool is_failing_ = false;  // journal thread only: the last commit was refused

  mutable std::mutex mu_;  // everything below
  std::condition_variable_any wake_;
  std::deque<Entry> queue_;
  std::size_t queued_rows_ = 0;
  std::size_t queued_bytes_ = 0;
  bool is_stopped_ = false;
  std::string last_error_;
};

}  // namespace fanfare
