// The engine's insides, shared by engine.cc (events and deliveries) and engine_config.cc
// (configuration and life).
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "delivery/broadcaster.h"
#include "delivery/cleaner.h"
#include "delivery/engine_parts.h"
#include "delivery/journal.h"
#include "delivery/key_work.h"
#include "delivery/lane_set.h"
#include "delivery/purger.h"
#include "delivery/read_pool.h"
#include "delivery/stats_book.h"

namespace fanfare {

struct Engine::Impl {
  explicit Impl(Engine& of, Parts given);

  Engine& engine;
  Parts parts;
  Directory directory;
  StatsBook stats;
  Journal journal;
  ReadPool reads;
  Cleaner cleaner;                              // on the first reactor's loop
  std::vector<std::unique_ptr<LaneSet>> lanes;  // one for each reactor, in order
  std::atomic<bool> is_recovered{false};
  std::atomic<bool> is_draining{false};
  std::atomic<std::uint32_t> last_key_id{0};
  std::atomic<std::size_t> tests_under_way{0};
  KeyWork keys;
  Purger purger;            // on the first reactor's loop
  Broadcaster broadcaster;  // likewise

  std::size_t reactor_of(WebhookId id) const { return std::hash<WebhookId>{}(id) % lanes.size(); }
  // Runs `work` on the loop that owns the webhook's lane: at once if that is `here`, else posted.
  void on_lane(WebhookId id, const Loop* here, UniqueFunction<void(LaneSet&)> work);
  void admit(PublishOp op, const std::vector<Published>& published, const Loop* here);
  using WriteDone = UniqueFunction<void(WriteAction&, Result<OpDone>)>;
  // Queues a write. Once it is stored `committed` (may be null) runs on the journal's thread, so
  // that the directory changes in commit order whatever loops are involved; then `done` runs on
  // `home`.
  void write(WriteOp op, Loop& home, UniqueFunction<void()> committed, WriteDone done);
  // The same for an operation that answers Unit.
  void write_unit(WriteOp op, Loop& home, UniqueFunction<void()> committed, Reply<Unit> reply);
  // Any thread: expands what is stored.
  void expand(std::vector<Broadcast> broadcasts);
  // Any thread: has what was begun taken away.
  void purge(std::vector<Purge> purges);
  void launch_test(WebhookPtr webhook, HeldRun held, Loop& home, Reply<TestResult> answer);

  // ---- engine_stats.cc ----
  void start_stats();
  void count(const RollupTail& tail);        // the journal's thread
  void decide(const FailedWebhook& failed);  // the same; at start a loop's
  void warn(const WebhookPtr& webhook, const DisableDecision& decision);
  void check_outage();
  void flush_later();  // this and the next ones: the first reactor's loop
  void flush_stats();
  void write_flush(WriteAction action);
  void trim_tail();
  // At the end, so that who looks into the file afterwards finds everything counted: what is not
  // flushed yet is, then `done`. The first reactor's loop.
  void end_stats(UniqueFunction<void()> done);
  bool is_flushing = false;
  int last_rounds = 1;  // after the one that was under way at the end, which had begun before it
  UniqueFunction<void()> on_stats_ended;
  std::atomic<bool> is_own_outage{false};
  std::atomic<bool> has_failures{false};  // since the last look for an outage
  std::atomic<std::int64_t> outage_checked_at_ms{0};
  std::int64_t trimmed_up_to = 0;

  Result<PutWebhookOp> sealed(const Webhook& next, std::int64_t expected_version);
  Result<Webhook> opened(const StoredWebhook& stored, bool with_secrets) const;
};

}  // namespace fanfare
