// What every store promises, as tests that run on each of them. A test file includes this header,
// writes its claims as TEST_P(StoreContract, …) on a suite of its own derived from StoreContract,
// and names the suite to RUN_ON_ALL_STORES.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/limits.h"
#include "storage/store.h"

namespace fanfare::contract {

using namespace std::chrono_literals;

// A store and what it stands on; the store goes first.
struct OpenedStore {
  std::shared_ptr<void> ground;
  std::unique_ptr<Store> store;
};
struct StoreKind {
  std::string name;
  std::function<OpenedStore()> open;
};
// Memory, SQLite as it comes, and SQLite whose lazy indexes move after every few rows.
std::vector<StoreKind> all_stores();
inline std::string kind_name(const testing::TestParamInfo<StoreKind>& info) {
  return info.param.name;
}

// Makes the values that tests store: ids in increasing order, all times from one clock.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), ids_(random_) {}

  Timestamp now = timestamp_of_ms(1'772'366'400'000);

  Uuid uuid() { return ids_.next(now); }
  template <class IdType>
  IdType id() {
    return IdType{uuid()};
  }
  double uniform01() { return random_.uniform01(); }
  std::size_t below(std::size_t bound) {
    return static_cast<std::size_t>(uniform01() * static_cast<double>(bound));
  }

  // An event with a run for each webhook.
  EventPlan plan(TenantId tenant, const std::vector<WebhookId>& webhooks);
  QueuedRun run(const Event& event, WebhookId webhook);
  StoredWebhook webhook(TenantId tenant);
  // The next attempt of a run, answered with `status`.
  AttemptOp attempt(const QueuedRun& run, int status);

 private:
  SeededRandom random_;
  Uuid7Sequence ids_;
};

class StoreContract : public testing::TestWithParam<StoreKind> {
 protected:
  StoreContract();

  // Commits one operation as a batch of its own.
  Result<OpDone> commit(WriteAction action, std::optional<IdempotencyClaim> claim = std::nullopt);
  // Several operations as one batch.
  template <class... Actions>
  std::vector<Result<OpDone>> commit_batch(Actions... actions) {
    std::vector<WriteOp> ops;
    (ops.push_back(WriteOp{.action = std::move(actions), .claim = std::nullopt}), ...);
    auto results = opened_.store->writer().commit(ops);
    EXPECT_TRUE(results.has_value()) << (results ? "" : results.error().message);
    return results ? std::move(*results) : std::vector<Result<OpDone>>();
  }
  // Publishes one event and answers what the store said of it.
  Published publish(const EventPlan& plan);
  // A new event for the webhooks, stored.
  EventPlan published(const std::vector<WebhookId>& webhooks);
  // A new event for `webhook_`, stored; its one run.
  QueuedRun queued_run();
  // The same with a payload of so many bytes.
  QueuedRun queued_run_of(std::size_t payload_bytes);
  // The first queued runs of `webhook_`, whatever their size.
  Queued queued(std::size_t rows_max = 10);
  AttemptApplied record(const AttemptOp& op);
  // The run's next attempt succeeds or fails for good, or waits for another.
  void finish(const QueuedRun& run, int status = 200);
  QueuedRun retry_later(const QueuedRun& run, Millis delay);
  Result<Delivery> delivery(DeliveryId id) { return reader_->delivery(tenant_, id); }
  Delivery must_have(DeliveryId id);
  RequeueOp requeue(DeliveryId id) const;
  EndRunOp cancel(DeliveryId id) const;
  void put(const StoredWebhook& row, std::int64_t expected_version);
  void maintain();

  OpenedStore opened_;
  std::unique_ptr<Reader> reader_;
  Maker make_{1};
  TenantId tenant_;
  TenantId stranger_;
  WebhookId webhook_;  // of tenant_
};

template <class T>
const T& value_of(const Result<OpDone>& done) {
  static const T nothing{};
  EXPECT_TRUE(done.has_value()) << (done ? "" : done.error().message);
  const T* value = done ? std::get_if<T>(&*done) : nullptr;
  EXPECT_NE(value, nullptr);
  return value ? *value : nothing;
}

template <class T>
Errc error_of(const Result<T>& result) {
  EXPECT_FALSE(result.has_value());
  return result ? Errc::internal : result.error().code;
}

// Whole values as text, so that a comparison shows what differs.
std::string text_of(const Event& event);
std::string text_of(const QueuedRun& run);
std::string text_of(const Delivery& delivery);
std::string text_of(const Attempt& attempt);
std::string text_of(const StoredWebhook& stored);
template <class T>
std::vector<std::string> texts_of(const std::vector<T>& values) {
  std::vector<std::string> texts;
  for (const T& value : values) texts.push_back(text_of(value));
  return texts;
}
std::vector<DeliveryId> ids_of(const std::vector<Delivery>& deliveries);
std::vector<DeliveryId> ids_of(const Queued& queued);
std::vector<EventId> ids_of(const std::vector<Event>& events);

}  // namespace fanfare::contract

#define RUN_ON_ALL_STORES(Suite)                                                                 \
  INSTANTIATE_TEST_SUITE_P(AllStores, Suite, testing::ValuesIn(fanfare::contract::all_stores()), \
                           fanfare::contract::kind_name)
