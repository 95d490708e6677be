#include "delivery/journal.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

// A writer that keeps the sizes of its batches and can be told to refuse or to hold a commit.
class ScriptedWriter final : public Writer {
 public:
  Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) override {
    std::unique_lock lock(mu);
    is_committing = true;
    changed.notify_all();
    changed.wait(lock, [this] { return !is_held; });
    is_committing = false;
    if (refusals > 0) {
      --refusals;
      return fail(Errc::unavailable, "the disk is full");
    }
    batches.push_back(ops.size());
    std::vector<Result<OpDone>> results;
    for (WriteOp& op : ops) {
      if (auto* publish = std::get_if<PublishOp>(&op.action)) {
        std::vector<Published> published;
        for (const EventPlan& plan : publish->events) {
          published.push_back(Published{.id = plan.event.id, .deliveries = plan.event.deliveries});
          stored_ids.push_back(plan.event.id.value);
          for (const QueuedRun& run : plan.runs) stored_ids.push_back(run.delivery.value);
        }
        results.emplace_back(OpDone{std::move(published)});
      } else {
        results.emplace_back(OpDone{AttemptApplied{true}});
      }
      for (const AuditEntry& entry : op.audit) {
        stored_ids.push_back(entry.id.value);
        audited_at.push_back(entry.at);
      }
    }
    return results;
  }
  Result<bool> maintain(Timestamp, bool is_idle) override {
    const std::lock_guard lock(mu);
    ++(is_idle ? idle_maintenance : busy_maintenance);
    changed.notify_all();
    return false;
  }
  const RollupTail& last_tail() const override { return tail; }
  Result<Uuid> newest_id() override { return newest; }
  Result<void> seal_audit_log(AuditSealer) override { return {}; }

  void hold() {
    const std::lock_guard lock(mu);
    is_held = true;
  }
  void let_go() {
    const std::lock_guard lock(mu);
    is_held = false;
    changed.notify_all();
  }
  void wait_until_committing() {
    std::unique_lock lock(mu);
    changed.wait(lock, [this] { return is_committing; });
  }
  void wait_until_idle_maintenance() {
    std::unique_lock lock(mu);
    changed.wait(lock, [this] { return idle_maintenance > 0; });
  }

  std::mutex mu;
  std::condition_variable changed;
  std::vector<std::size_t> batches;
  std::vector<Uuid> stored_ids;
  std::vector<Timestamp> audited_at;
  Uuid newest;
  RollupTail tail;
  int refusals = 0;
  int idle_maintenance = 0;
  int busy_maintenance = 0;
  bool is_held = false;
  bool is_committing = false;
};

class JournalTest : public ::testing::Test {
 protected:
  ~JournalTest() override { stop(); }

  void start() {
    thread = std::jthread([this](const std::stop_token& token) { journal.run(token); });
  }
  void stop() {
    writer.let_go();
    if (!thread.joinable()) return;
    thread.request_stop();
    thread.join();
  }
  static WriteOp publish_op(std::size_t data_bytes = 8) {
    EventPlan plan;
    plan.event.tenant = id_of<TenantId>(1);
    plan.event.data = payload(std::string(data_bytes, 'x'));
    plan.event.deliveries = 1;
    plan.runs.push_back(run_of(1, webhook_of(1)));
    PublishOp op;
    op.events.push_back(std::move(plan));
    return WriteOp{std::move(op), std::nullopt};
  }
  Journal::Completion counted() {
    return [this](WriteAction&, Result<OpDone> done) { ++(done ? stored : refused); };
  }

  SimClock clock{kStart};
  SeededRandom random{1};
  ScriptedWriter writer;
  Journal journal{writer, clock, random};
  std::atomic<int> stored{0};
  std::atomic<int> refused{0};
  std::jthread thread;
};

TEST_F(JournalTest, WhatArrivesDuringACommitIsTheNextBatch) {
  writer.hold();
  journal.submit(publish_op(), counted());
  start();
  writer.wait_until_committing();
  for (int i = 0; i < 50; ++i) journal.submit(publish_op(), counted());

  stop();

  EXPECT_EQ(writer.batches, (std::vector<std::size_t>{1, 50}));
  EXPECT_EQ(stored, 51);
}

TEST_F(JournalTest, AuditEntriesGetTheirIdsAndTimeInCommitOrder) {
  for (int i = 0; i < 3; ++i) {
    WriteOp op = publish_op();
    op.audit.resize(2);
    journal.submit(std::move(op), counted());
  }

  start();
  stop();

  ASSERT_EQ(writer.stored_ids.size(), 12u);
  EXPECT_TRUE(std::is_sorted(writer.stored_ids.begin(), writer.stored_ids.end()));
  EXPECT_EQ(writer.audited_at, std::vector<Timestamp>(6, kStart));
}

TEST_F(JournalTest, ABatchIsBoundedInBytes) {
  const std::size_t big = limits::kJournalBatchBytesMax / 2 + 1;
  for (int i = 0; i < 3; ++i) journal.submit(publish_op(big), counted());

  start();
  stop();

  EXPECT_EQ(writer.batches, (std::vector<std::size_t>{1, 1, 1}));
}

TEST_F(JournalTest, ABatchIsBoundedInRows) {
  const std::size_t count = limits::kJournalBatchRowsMax;  // three rows each
  for (std::size_t i = 0; i < count; ++i) journal.submit(publish_op(), counted());

  start();
  stop();

  for (const std::size_t ops : writer.batches) EXPECT_LE(ops * 2, limits::kJournalBatchRowsMax);
  EXPECT_EQ(stored, static_cast<int>(count));
}

TEST_F(JournalTest, AFullQueueRefusesAndSaysSo) {
  std::size_t taken = 0;
  while (refused == 0) {
    journal.submit(publish_op(), counted());
    ++taken;
  }

  EXPECT_LE(taken * 2, limits::kJournalQueueRowsMax);
  EXPECT_GE(taken * 3, limits::kJournalQueueRowsMax - 3);
}

TEST_F(JournalTest, IdsFollowTheOrderOfCommitEachEventBeforeItsDeliveries) {
  for (int i = 0; i < 20; ++i) journal.submit(publish_op(), counted());

  start();
  stop();

  ASSERT_EQ(writer.stored_ids.size(), 40u);
  EXPECT_TRUE(std::is_sorted(writer.stored_ids.begin(), writer.stored_ids.end()));
}

TEST_F(JournalTest, NewIdsFollowTheNewestStoredOneEvenIfTheClockWentBack) {
  writer.newest = uuid7_floor(kStart + std::chrono::hours{1});
  ASSERT_TRUE(journal.recover());
  journal.submit(publish_op(), counted());

  start();
  stop();

  EXPECT_GT(writer.stored_ids.front(), writer.newest);
}

TEST_F(JournalTest, ARefusedBatchIsAnsweredAndNotTriedAgain) {
  writer.refusals = 1;
  journal.submit(publish_op(), counted());

  start();
  stop();

  EXPECT_EQ(refused, 1);
  EXPECT_EQ(stored, 0);
}

TEST_F(JournalTest, AnOutcomeIsGivenToTheStoreUntilItIsStored) {
  writer.refusals = 3;
  std::promise<void> done;
  AttemptOp op;
  op.run = run_of(1, webhook_of(1));
  journal.submit_outcome(op, [&](WriteAction&, Result<OpDone> result) {
    ++(result ? stored : refused);
    done.set_value();
  });

  start();
  done.get_future().wait();

  EXPECT_EQ(stored, 1);
  EXPECT_EQ(refused, 0);
}

TEST_F(JournalTest, ItSaysWhyTheStoreRefusesUntilItWorksAgain) {
  writer.refusals = 1;
  std::promise<std::string> during;
  journal.submit(publish_op(), [&](WriteAction&, const Result<OpDone>&) {
    during.set_value(journal.last_error());
  });
  start();
  EXPECT_EQ(during.get_future().get(), "the disk is full");

  std::promise<std::string> after;
  journal.submit(publish_op(), counted());
  stop();

  EXPECT_EQ(journal.last_error(), "");
}

TEST_F(JournalTest, StopsOnlyWhenEverythingQueuedIsStoredAndThenRefuses) {
  for (int i = 0; i < 100; ++i) journal.submit(publish_op(), counted());

  start();
  stop();

  EXPECT_EQ(stored, 100);
  journal.submit(publish_op(), counted());
  EXPECT_EQ(refused, 1);
}

TEST_F(JournalTest, AStoreThatNeverTakesAnythingDoesNotKeepTheServerFromStopping) {
  writer.refusals = 1'000'000;
  AttemptOp op;
  op.run = run_of(1, webhook_of(1));
  journal.submit_outcome(op, counted());
  journal.submit(publish_op(), counted());

  start();
  stop();

  EXPECT_EQ(refused, 1);
  EXPECT_EQ(stored, 0);
}

TEST_F(JournalTest, WorkThatCouldWaitIsDoneWhenNothingComes) {
  start();

  writer.wait_until_idle_maintenance();

  EXPECT_EQ(writer.busy_maintenance, 0);
}

}  // namespace
}  // namespace fanfare
