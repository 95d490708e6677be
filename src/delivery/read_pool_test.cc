#include "delivery/read_pool.h"

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "storage/memory/memory_store.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

class ReadPoolTest : public ::testing::Test {
 protected:
  ~ReadPoolTest() override { stop(); }

  void start(std::size_t threads) {
    for (std::size_t i = 0; i < threads; ++i) {
      readers.push_back(*store->open_reader());
      workers.emplace_back([this, reader = readers.back().get()](const std::stop_token& token) {
        pool.run(*reader, token);
      });
    }
  }
  void stop() {
    for (std::jthread& worker : workers) worker.request_stop();
    workers.clear();
  }

  std::unique_ptr<Store> store = make_memory_store();
  ReadPool pool{2};
  std::vector<std::unique_ptr<Reader>> readers;
  std::vector<std::jthread> workers;
};

TEST_F(ReadPoolTest, ScansNeverTakeTheLastThread) {
  std::promise<void> is_scanning;
  std::promise<void> release;
  std::shared_future<void> released = release.get_future().share();
  std::promise<void> answered;
  pool.submit(ReadKind::scan, [&](Reader*) {
    is_scanning.set_value();
    released.wait();
  });
  pool.submit(ReadKind::scan, [released](Reader*) { released.wait(); });
  start(2);
  is_scanning.get_future().wait();

  pool.submit(ReadKind::point, [&answered](Reader*) { answered.set_value(); });

  EXPECT_EQ(answered.get_future().wait_for(20s), std::future_status::ready) << "both threads scan";
  release.set_value();
  stop();  // before what the scans use goes
}

TEST_F(ReadPoolTest, RefillsGoBeforePointsAndPointsBeforeScans) {
  std::string order;
  std::promise<void> done;
  pool.submit(ReadKind::scan, [&](Reader*) {
    order += "s";
    done.set_value();
  });
  pool.submit(ReadKind::point, [&](Reader*) { order += "p"; });
  pool.submit(ReadKind::refill, [&](Reader*) { order += "r"; });

  start(1);
  done.get_future().wait();

  EXPECT_EQ(order, "rps");
}

TEST_F(ReadPoolTest, AFullQueueSaysSoAtOnce) {
  for (std::size_t i = 0; i < limits::kReadQueueMax; ++i)
    pool.submit(ReadKind::point, [](Reader*) {});
  bool is_refused = false;

  pool.submit(ReadKind::point, [&is_refused](Reader* reader) { is_refused = reader == nullptr; });

  EXPECT_TRUE(is_refused);
}

TEST_F(ReadPoolTest, WhatStillWaitsAtTheEndIsTold) {
  int told = 0;
  for (const ReadKind kind : {ReadKind::scan, ReadKind::point, ReadKind::refill}) {
    pool.submit(kind, [&told](Reader* reader) { told += reader == nullptr ? 1 : 0; });
  }
  std::stop_source stopped;
  stopped.request_stop();
  const std::unique_ptr<Reader> reader = *store->open_reader();

  pool.run(*reader, stopped.get_token());

  EXPECT_EQ(told, 3);
}

}  // namespace
}  // namespace fanfare
