// LaneSet: all lanes of one reactor, and the work between them. It decides which lane sends next,
// makes the attempt through the sender, hands the outcome to the journal, and settles what a
// disabled or deleted webhook leaves behind.
//
// A webhook belongs to one lane set (hash of its id), so nothing here is locked: everything runs on
// the loop's thread. Completions of the journal and of reads come back by post().
//
// Nobody waits for somebody else's receiver: a lane that has no free slot waits alone. Only when
// the node's slots are used up do lanes park, and they come back one attempt at a time in the order
// in which they parked.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/limits.h"
#include "base/loop.h"
#include "base/random.h"
#include "delivery/directory.h"
#include "delivery/held_run.h"
#include "delivery/journal.h"
#include "delivery/lane.h"
#include "delivery/read_pool.h"
#include "domain/health.h"
#include "egress/sender.h"
#include "signing/signer.h"

namespace fanfare {

struct TestResult;

class LaneSet {
 public:
  struct Doors {
    Loop& loop;
    Sender& sender;
    Journal& journal;
    ReadPool& reads;
    const Directory& directory;
    Random& random;
    std::function<void(WebhookPtr)> on_gone;           // a receiver answered 410
    std::function<void(const AttemptOp&)> on_attempt;  // one attempt is over; for the log
  };
  LaneSet(Doors doors, std::size_t in_flight_max, std::size_t bytes_max);
  ~LaneSet();

  // ---- from the engine, on the loop's thread ----
  void admit(HeldRun held);  // its row has just been committed
  void recover(std::vector<WaitingWebhook> waiting);
  void webhook_changed(const WebhookPtr& webhook);
  void webhook_removed(WebhookId id);  // with its tenant: nothing of it is sent or settled any more
  void run_requeued(const QueuedRun& run);
  void run_ended(WebhookId webhook, DeliveryId delivery);
  void wake_all();
  // Of one tenant's webhooks or all: a look at every lane.
  QueueAge queue_age(std::optional<TenantId> tenant) const;
  // Sends at once, beside the lane and its slots and whatever the webhook's status. The engine
  // bounds them.
  void send_test(HeldRun held, WebhookPtr webhook, UniqueFunction<void(TestResult)> done);

  // No new attempt from now on; `done` once none is in flight.
  void drain(UniqueFunction<void()> done);

  std::size_t in_flight() const {
    return in_flight_.load(std::memory_order_relaxed);
  }  // any thread

 private:
  struct Entry;
  struct Flight;  // one attempt under way

  Entry* entry_of(WebhookId id);
  template <class Work>
  auto with_bytes(Lane& lane, Work work);
  // Room for the largest run there can be, so that a refill that was asked for can hold something.
  bool has_room() const { return held_bytes_ + kRunBytesMax <= bytes_max_; }
  Timestamp now() const { return doors_.loop.clock().wall_now(); }

  void pump(Entry& entry);
  bool may_start() const;
  void park(Entry& entry);
  void unpark();
  void arm_timer(Entry& entry);
  void refill(Entry& entry);

  void start(Entry& entry, HeldRun held);
  void launch(std::unique_ptr<Flight> flight, const Signer& signer);
  void answered(std::unique_ptr<Flight> flight, HttpOutcome outcome);
  void recorded(std::unique_ptr<Flight> flight, AttemptOp& op, const Result<OpDone>& done);
  void settle_held(Entry& entry, HeldRun held, const AttemptOp& op, const Result<OpDone>& done);
  void landed();
  void tell_if_drained();
  Result<const Signer*> signer_of(Entry& entry);

  void settle(Entry& entry, std::int64_t below_version);
  void settle_step(WebhookId id);
  void step_settled(WebhookId id, std::int64_t below_version, const Result<OpDone>& done);
  void recover_some();

  Doors doors_;
  static constexpr std::size_t kRunBytesMax = limits::kPayloadBytesMax + 1024;

  const std::size_t in_flight_max_;
  const std::size_t bytes_max_;
  std::unordered_map<WebhookId, std::unique_ptr<Entry>> lanes_;
  std::deque<WebhookId> parked_;
  std::deque<WaitingWebhook> recovering_;
  std::atomic<std::size_t> in_flight_{0};  // written by the loop's thread only
  std::size_t tests_in_flight_ = 0;
  std::size_t held_bytes_ = 0;
  bool is_draining_ = false;
  UniqueFunction<void()> on_drained_;
};

}  // namespace fanfare
