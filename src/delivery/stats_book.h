// StatsBook: the statistics that are in memory. Every webhook's live state, and the sums that have
// not been flushed into the store yet.
//
// The journal's thread adds what each commit counts as (one row of the tail). Every few seconds the
// engine takes the sums out, some owners at a time, and writes them through the journal
// (engine_stats.cc); all of one owner goes in one operation, and its rows remember the newest row
// of the tail they cover. So a row of the tail counts exactly once whatever happens in between: at
// start it is added only to owners whose rows do not cover it yet, and a read that sees both this
// book and the store adds a piece only to rows that do not cover it.
//
// Any thread, under one mutex that is held for memory work only.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "storage/rollup_batch.h"

namespace fanfare {

// What one owner counted in one minute, and the newest row of the tail that is in it.
struct RollupPiece {
  Timestamp minute;
  RollupCounts counts;
  std::int64_t newest_seq = 0;
  std::string event_type;
};

// A webhook that has failed, as it was before and after one commit.
struct FailedWebhook {
  WebhookId webhook;
  LiveState before, after;
};

// Of the webhooks that were tried lately, those that had only failures.
struct FailureShare {
  std::size_t tried = 0;
  std::size_t failing = 0;
};

class StatsBook {
 public:
  // ---- the journal's thread ----
  // Adds what a commit counts as; answers the webhooks that failed in it. `is_excused`: most
  // webhooks fail, so these failures count towards no decision.
  std::vector<FailedWebhook> add(const RollupTail& tail, bool is_excused);

  // ---- any thread ----
  // What is known of webhooks that are gone for good.
  void forget(const Purge& purge);

  // ---- at start, before any thread ----
  // Adds what the store holds and, of the tail, what the store's rows do not cover.
  // What the store has of a webhook that is not `is_known` any more, because it was purged, is left
  // alone.
  using IsKnown = std::function<bool(WebhookId)>;
  Result<void> recover(Reader& reader, const IsKnown& is_known);

  // ---- reading ----
  std::optional<WebhookStats> webhook(WebhookId id) const;
  std::vector<WebhookStats> failing() const;  // whose last attempt failed
  std::vector<RollupPiece> unflushed(const RollupKey& key) const;
  // The pieces of every event type of a scope that is split by them.
  std::vector<RollupPiece> unflushed_types(const RollupKey& key) const;
  // Runs that are queued, of one tenant or of all.
  std::int64_t open_runs(std::optional<TenantId> tenant) const;
  FailureShare failure_share(Timestamp now, Millis window) const;

  // ---- flushing: one loop, one operation at a time ----
  // The next sums to write; none once everything that was there when the round began is out. The
  // operation is this thread's until flushed() says that it is stored.
  std::optional<FlushRollupsOp> next_flush();
  void flushed();
  // After a round: rows of the tail up to here are covered by the store.
  std::int64_t covered() const;

 private:
  struct Unit {
    std::vector<RollupPiece> fresh;
    std::vector<RollupPiece> flushing;
  };
  struct KeyHash {
    std::size_t operator()(const RollupKey& key) const noexcept {
      return std::hash<Uuid>{}(key.owner) ^ std::hash<std::string>{}(key.event_type) ^
             (static_cast<std::size_t>(key.scope) * 0x9E3779B97F4A7C15ULL);
    }
  };
  struct Entry {
    WebhookStats stats;
    bool is_dirty = false;
  };
  using Covers = std::map<std::pair<RollupKey, Timestamp>, std::int64_t>;

  void add_live(const RollupBatch::Live& live, std::int64_t seq, bool is_excused,
                std::vector<FailedWebhook>& failed);
  void add_counts(RollupKey key, const RollupBatch::Count& count, std::int64_t seq);
  Unit& unit_of(RollupKey& key);
  void begin_round();
  Result<void> replay(Reader& reader, const IsKnown& is_known, Covers& covers, const TailRow& row);

  mutable std::mutex mu_;
  std::int64_t seq_ = 0;      // the newest row of the tail that was added
  std::int64_t covered_ = 0;  // all up to here is in the store
  std::unordered_map<WebhookId, Entry> webhooks_;
  std::vector<WebhookId> dirty_;
  std::unordered_map<RollupKey, Unit, KeyHash> units_;
  std::unordered_map<Uuid, std::unordered_set<std::string>> types_;  // known, of each owner

  // Of the round under way.
  std::vector<RollupKey> round_keys_;
  std::vector<WebhookId> round_webhooks_;
  std::vector<RollupKey> in_operation_;
  std::int64_t round_seq_ = 0;
  bool is_in_round_ = false;
};

}  // namespace fanfare
