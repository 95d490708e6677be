// The engine's insides, shared by engine.cc (events and deliveries) and engine_config.cc
// (configuration and life).
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "delivery/engine_parts.h"
#include "delivery/journal.h"
#include "delivery/lane_set.h"
#include "delivery/read_pool.h"

namespace fanfare {

struct Engine::Impl {
  explicit Impl(Engine& engine, Parts given);

  Parts parts;
  Directory directory;
  Journal journal;
  ReadPool reads;
  std::vector<std::unique_ptr<LaneSet>> lanes;  // one for each reactor, in order
  std::atomic<bool> is_recovered{false};
  std::atomic<bool> is_draining{false};
  std::atomic<std::uint32_t> last_key_id{0};

  std::size_t reactor_of(WebhookId id) const { return std::hash<WebhookId>{}(id) % lanes.size(); }
  // Runs `work` on the loop that owns the webhook's lane: at once if that is `here`, else posted.
  void on_lane(WebhookId id, const Loop* here, UniqueFunction<void(LaneSet&)> work);
  void admit(PublishOp op, const std::vector<Published>& published, const Loop* here);
  // Queues a write whose completion runs on `home`; answers Errc::overloaded there if the journal
  // is full.
  void write(WriteOp op, Loop& home, UniqueFunction<void(WriteAction&, Result<OpDone>)> done);
  // The same for an operation that answers Unit; `committed` runs on `home` before the reply.
  void write_unit(WriteOp op, Loop& home, UniqueFunction<void()> committed, Reply<Unit> reply);

  Result<PutWebhookOp> sealed(const Webhook& next, std::int64_t expected_version);
  Result<Webhook> opened(const StoredWebhook& stored, bool with_secrets) const;
};

}  // namespace fanfare
