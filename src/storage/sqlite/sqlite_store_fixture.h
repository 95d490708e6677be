// For tests: a SqliteStore in a directory of its own, and events to store in it.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/random.h"
#include "storage/sqlite/sqlite_store.h"

namespace fanfare {

class SqliteStoreTest : public testing::Test {
 protected:
  SqliteStoreTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    path_ = directory_ / "fanfare.db";
  }
  ~SqliteStoreTest() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Store> open(const SqliteTuning& tuning = {}) {
    auto store = SqliteStore::open(path_, clock_, tuning);
    EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().message);
    return store ? std::move(*store) : nullptr;
  }
  Error open_error() {
    auto store = SqliteStore::open(path_, clock_);
    EXPECT_FALSE(store.has_value());
    return store ? Error{} : store.error();
  }
  // The database without a store around it, to prepare what a store must refuse.
  void change_file(const std::string& sql) {
    auto db = sqlite::Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    ASSERT_TRUE(db.has_value());
    auto done = (*db)->execute(sql);
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  EventPlan plan(std::size_t payload_bytes = 20) {
    EventPlan plan;
    plan.event.id = EventId{ids_.next(clock_.wall_now())};
    plan.event.tenant = tenant_;
    plan.event.type = "invoice.paid";
    plan.event.data = std::make_shared<const std::string>(payload_bytes, 'x');
    plan.event.created_at = clock_.wall_now();
    QueuedRun run;
    run.delivery = DeliveryId{ids_.next(clock_.wall_now())};
    run.event = plan.event.id;
    run.tenant = tenant_;
    run.webhook = webhook_;
    run.created_at = clock_.wall_now();
    plan.runs.push_back(run);
    return plan;
  }
  static Result<std::vector<Result<OpDone>>> commit(Store& store, std::vector<EventPlan> plans) {
    std::vector<WriteOp> ops;
    for (EventPlan& plan : plans) {
      PublishOp op;
      op.events.push_back(std::move(plan));
      ops.push_back(WriteOp{.action = std::move(op), .claim = std::nullopt});
    }
    return store.writer().commit(ops);
  }
  std::vector<EventPlan> plans(int count, std::size_t payload_bytes = 20) {
    std::vector<EventPlan> made;
    for (int i = 0; i < count; ++i) made.push_back(plan(payload_bytes));
    return made;
  }
  std::size_t count_deliveries(Store& store) {
    auto reader = store.open_reader();
    return (*reader)->deliveries(tenant_, {}, std::nullopt, 100'000)->rows.size();
  }

  std::filesystem::path directory_;
  std::filesystem::path path_;
  SimClock clock_{timestamp_of_ms(1'772'366'400'000)};
  SeededRandom random_{1};
  Uuid7Sequence ids_{random_};
  TenantId tenant_{ids_.next(clock_.wall_now())};
  WebhookId webhook_{ids_.next(clock_.wall_now())};
};

}  // namespace fanfare
