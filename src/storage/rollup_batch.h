// RollupBatch: what one commit counts as. The stores' operations report here what became of runs,
// each fact once and only if it is stored; the sums go into the commit as one row of the tail, and
// to the statistics in memory. What a number means stands in domain/rollup.h.
//
// Sums by webhook, event type and minute: a commit of a thousand deliveries for one webhook is one
// entry. It is made for every commit, so it keeps its memory. One thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "domain/rollup.h"
#include "storage/delivery_view.h"

namespace fanfare {

class RollupBatch {
 public:
  // What happened to a webhook, in order.
  struct Live {
    WebhookId webhook;
    TenantId tenant;
    LiveState change;
  };
  struct Count {
    std::uint32_t live = 0;  // position of its webhook in lives()
    Timestamp minute{};
    std::string event_type;
    RollupCounts counts;
  };

  // ---- facts ----
  void accepted(const QueuedRun& run);
  void reopened(const QueuedRun& run);  // a finished delivery starts its next run
  // An attempt is stored; with `ends_run` its run ended with op.final_status.
  void attempted(const AttemptOp& op, bool ends_run);
  void ended(const FinishedRun& finished);           // without an attempt; also skipped on arrival
  void enabled(WebhookId webhook, TenantId tenant);  // its failures are forgotten

  void add(const RollupBatch& other);
  void clear();

  bool empty() const { return live_count_ == 0; }
  std::span<const Live> lives() const { return {lives_.data(), live_count_}; }
  std::span<const Count> counts() const { return {counts_.data(), count_count_}; }

  // The bytes of a row of the tail. Errc::corrupt for other bytes.
  std::string encode() const;
  static Result<RollupBatch> decode(std::string_view bytes);

 private:
  // Positions by hash, in open addressing; 0 is free.
  struct Index {
    std::vector<std::uint32_t> slots;
    void clear() { std::fill(slots.begin(), slots.end(), 0U); }
  };
  std::uint32_t live_of(WebhookId webhook, TenantId tenant);
  RollupCounts& counts_of(std::uint32_t live, std::string_view event_type, Timestamp at);
  RollupCounts& counts_of(const QueuedRun& run, Timestamp at) {
    return counts_of(live_of(run.webhook, run.tenant), run.event_type, at);
  }

  // Entries beyond the counts are left from earlier commits and will be used again.
  std::vector<Live> lives_;
  std::vector<Count> counts_;
  std::size_t live_count_ = 0;
  std::size_t count_count_ = 0;
  Index live_index_;
  Index count_index_;
};

// What the last commit counted as, and the number of its row in the tail. 0: it counted as nothing,
// and there is no row.
struct RollupTail {
  std::int64_t seq = 0;
  RollupBatch batch;
};

}  // namespace fanfare
