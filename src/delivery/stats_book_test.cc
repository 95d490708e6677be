#include "delivery/stats_book.h"

#include <array>

#include <gtest/gtest.h>

#include "base/limits.h"
#include "delivery/stats_series.h"
#include "storage/memory/memory_store.h"
#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

const Webhook kHooks[] = {webhook_of(1), webhook_of(2), webhook_of(3, {"*"}, 2)};

// A store, and the book that stands on it; commits are counted, and the process may die after any
// of them.
class StatsBookTest : public ::testing::Test {
 protected:
  StatsBookTest() {
    begin_anew();
    restart();
  }
  // An empty store with the webhooks.
  void begin_anew() {
    store_ = make_memory_store();
    reader_ = *store_->open_reader();
    for (const Webhook& webhook : kHooks) store_webhook(webhook);
  }
  void store_webhook(const Webhook& webhook) {
    StoredWebhook row;
    row.webhook = webhook;
    row.webhook.secrets.clear();
    WriteOp op{PutWebhookOp{.row = std::move(row)}};
    const auto done = store_->writer().commit(std::span(&op, 1));
    ASSERT_TRUE(done && done->front());
  }

  void restart(const StatsBook::IsKnown& is_known = [](WebhookId) { return true; }) {
    book_ = std::make_unique<StatsBook>();
    const auto recovered = book_->recover(*reader_, is_known);
    ASSERT_TRUE(recovered) << recovered.error().message;
  }
  // True if the process died with this commit: nothing in memory heard of it.
  bool commit(WriteAction action) {
    WriteOp op{std::move(action), std::nullopt};
    const auto done = store_->writer().commit(std::span(&op, 1));
    EXPECT_TRUE(done && done->front());
    ++commits_;
    if (commits_ != dies_after_) {
      if (store_->writer().last_tail().seq != 0) {
        for (FailedWebhook& one : book_->add(store_->writer().last_tail(), is_excused_))
          failed_.push_back(std::move(one));
      }
      return false;
    }
    restart();
    return true;
  }
  // One delivery: stored, tried and over.
  void deliver(const Webhook& webhook, int status, std::string type = "user.created") {
    EventPlan plan;
    plan.event.id = id_of<EventId>(++last_id_);
    plan.event.tenant = webhook.tenant;
    plan.event.type = type;
    QueuedRun run = run_of(++last_id_, webhook);
    run.event = plan.event.id;
    run.event_type = type;
    run.created_at = now_;
    plan.runs.push_back(run);
    commit(PublishOp{{plan}});
    AttemptOp op{
        .run = run, .attempt = {}, .retry_at = {}, .final_status = {}, .finished_at = now_};
    op.attempt.delivery = run.delivery;
    op.attempt.webhook = webhook.id;
    op.attempt.tenant = webhook.tenant;
    op.attempt.started_at = now_;
    op.attempt.outcome = answered(status);
    op.attempt.kind = status == 200 ? ErrorKind::none : ErrorKind::http_status;
    op.final_status = status == 200 ? DeliveryStatus::success : DeliveryStatus::failed;
    commit(op);
  }
  // Writes everything out, as the engine does; starts again if the process dies.
  void flush() {
    while (const auto op = book_->next_flush()) {
      if (!commit(*op)) book_->flushed();
    }
    commit(TrimRollupTailOp{.up_to = book_->covered(), .rows_max = 1000});
  }
  RollupCounts total(RollupScope scope, Uuid owner = {}, std::string type = {},
                     Resolution resolution = Resolution::hour) {
    const auto series = read_series(*reader_, *book_, RollupKey{scope, owner, std::move(type)},
                                    span_of(now_, 12h, resolution));
    EXPECT_TRUE(series);
    return series ? series->total : RollupCounts{};
  }
  std::size_t tail_rows() { return reader_->load_rollups()->tail.size(); }

  std::unique_ptr<Store> store_;
  std::unique_ptr<Reader> reader_;
  std::unique_ptr<StatsBook> book_;
  Timestamp now_ = kStart + 3h;
  std::vector<FailedWebhook> failed_;
  bool is_excused_ = false;
  int last_id_ = 0;
  int commits_ = 0;
  int dies_after_ = 0;
};

TEST_F(StatsBookTest, ADeliveryCountsForItsWebhookItsTenantAndTheSystem) {
  deliver(kHooks[0], 200);
  deliver(kHooks[2], 500, "invoice.paid");

  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value).succeeded, 1);
  EXPECT_EQ(total(RollupScope::tenant, kHooks[0].tenant.value).accepted, 1);
  EXPECT_EQ(total(RollupScope::system).accepted, 2);
  EXPECT_EQ(total(RollupScope::system).failed, 1);
  EXPECT_EQ(total(RollupScope::tenant_type, kHooks[2].tenant.value, "invoice.paid").failed, 1);
  EXPECT_EQ(total(RollupScope::system_type, {}, "user.created").succeeded, 1);
}

TEST_F(StatsBookTest, AReadSeesTheSameBeforeAndAfterAFlush) {
  deliver(kHooks[0], 200);
  const RollupCounts before = total(RollupScope::webhook, kHooks[0].id.value);

  const auto op = book_->next_flush();
  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value), before);
  commit(*op);  // the rows are there, and the book has not heard of it
  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value), before);
  book_->flushed();

  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value), before);
  EXPECT_EQ(before.accepted, 1);
}

TEST_F(StatsBookTest, WhatComesDuringAFlushIsNeitherLostNorDoubled) {
  deliver(kHooks[0], 200);
  const auto op = book_->next_flush();
  deliver(kHooks[0], 500);
  commit(*op);
  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value).accepted, 2);
  book_->flushed();
  deliver(kHooks[0], 200);

  flush();

  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value).accepted, 3);
  EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value).succeeded, 2);
}

TEST_F(StatsBookTest, AFlushedBookHoldsNothingAndItsTailIsGone) {
  for (int i = 0; i < 20; ++i) deliver(kHooks[i % 3], 200);

  flush();

  EXPECT_TRUE(book_->unflushed({RollupScope::system, {}, {}}).empty());
  EXPECT_FALSE(book_->next_flush());
  EXPECT_EQ(tail_rows(), 1U);
}

// The store may die between any two commits, be it of deliveries, of a flush or of the tail's trim.
TEST_F(StatsBookTest, WhereverTheProcessDiesEverythingCountsOnce) {
  int commits = 0;
  for (int dies_after = 0; dies_after <= commits; ++dies_after) {
    SCOPED_TRACE(dies_after);
    begin_anew();
    restart();
    commits_ = 0;
    now_ = kStart + 3h;
    dies_after_ = dies_after;
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 4; ++i) {
        deliver(kHooks[i % 3], i % 2 == 0 ? 200 : 500);
        now_ += 40s;
      }
      flush();
      deliver(kHooks[round % 3], 500);
    }
    commits = commits_;
    restart();

    EXPECT_EQ(total(RollupScope::system).accepted, 20);
    EXPECT_EQ(total(RollupScope::system, {}, {}, Resolution::minute).accepted, 20);
    EXPECT_EQ(total(RollupScope::system, {}, {}, Resolution::day).attempts, 20);
    EXPECT_EQ(total(RollupScope::system).succeeded, 8);
    EXPECT_EQ(total(RollupScope::system).times.count(), 20);
    EXPECT_EQ(total(RollupScope::tenant, id_of<TenantId>(1).value).accepted, 15);
    EXPECT_EQ(total(RollupScope::webhook, kHooks[0].id.value).accepted, 10);
    EXPECT_EQ(total(RollupScope::system_type, {}, "user.created").failed, 12);
    EXPECT_EQ(book_->webhook(kHooks[0].id)->totals.accepted, 10);
    EXPECT_EQ(book_->webhook(kHooks[0].id)->live.deliveries.count, 2);
    EXPECT_EQ(book_->webhook(kHooks[1].id)->live.deliveries.count, 5);
    EXPECT_EQ(book_->webhook(kHooks[2].id)->live.deliveries.count, 0);
    EXPECT_EQ(book_->open_runs(std::nullopt), 0);
  }
  EXPECT_GT(commits, 40);
}

TEST_F(StatsBookTest, MoreOwnersThanOneOperationTakesAreWrittenInSeveral) {
  for (int i = 0; i < 300; ++i) {
    store_webhook(webhook_of(10 + i));
    deliver(webhook_of(10 + i), 200);
  }
  std::size_t operations = 0;
  while (const auto op = book_->next_flush()) {
    EXPECT_LE(op->units.size(), limits::kRollupFlushKeysMax);
    EXPECT_LE(op->webhooks.size(), limits::kRollupFlushKeysMax);
    commit(*op);
    book_->flushed();
    ++operations;
  }

  EXPECT_EQ(operations, 3U);
  EXPECT_EQ(reader_->load_rollups()->webhooks.size(), 300U);
}

TEST_F(StatsBookTest, TypesBeyondTheBoundShareOneRow) {
  const int types = static_cast<int>(limits::kRollupTypesMax) + 5;
  for (int i = 0; i < types; ++i) deliver(kHooks[0], 200, "made.up." + std::to_string(i));

  EXPECT_EQ(
      total(RollupScope::tenant_type, kHooks[0].tenant.value, std::string(kOtherTypes)).accepted,
      5);
  EXPECT_EQ(total(RollupScope::tenant_type, kHooks[0].tenant.value, "made.up.0").accepted, 1);
  EXPECT_EQ(total(RollupScope::tenant, kHooks[0].tenant.value).accepted, types);
}

TEST_F(StatsBookTest, TheSplitByTypeSumsRowsAndWhatIsNotFlushed) {
  deliver(kHooks[0], 200, "a");
  flush();
  deliver(kHooks[0], 500, "a");
  deliver(kHooks[1], 200, "b");

  const auto split =
      read_by_type(*reader_, *book_, {RollupScope::tenant_type, id_of<TenantId>(1).value, {}},
                   span_of(now_, 1h, Resolution::hour));

  ASSERT_TRUE(split);
  EXPECT_EQ(split->types.size(), 2U);
  EXPECT_EQ(split->types.at("a").accepted, 2);
  EXPECT_EQ(split->types.at("a").failed, 1);
  EXPECT_EQ(split->types.at("b").accepted, 1);
}

TEST_F(StatsBookTest, RunsThatWaitAreCountedWithoutACount) {
  EventPlan plan;
  plan.event.id = id_of<EventId>(900);
  plan.event.tenant = kHooks[0].tenant;
  plan.event.type = "user.created";
  for (int i = 0; i < 3; ++i) plan.runs.push_back(run_of(901 + i, kHooks[i]));
  commit(PublishOp{{plan}});

  EXPECT_EQ(book_->open_runs(std::nullopt), 3);
  EXPECT_EQ(book_->open_runs(id_of<TenantId>(1)), 2);
}

// ---- failures ----

TEST_F(StatsBookTest, AFailureTellsHowItWasBeforeAndIsAfter) {
  deliver(kHooks[0], 500);
  deliver(kHooks[0], 500);
  deliver(kHooks[0], 200);

  ASSERT_EQ(failed_.size(), 2U);
  EXPECT_EQ(failed_[1].before.deliveries.count, 1);
  EXPECT_EQ(failed_[1].after.deliveries.count, 2);
  EXPECT_EQ(book_->webhook(kHooks[0].id)->live.deliveries.count, 0);
}

TEST_F(StatsBookTest, ExcusedFailuresShowAndAreMarked) {
  deliver(kHooks[0], 500);
  is_excused_ = true;
  deliver(kHooks[0], 500);

  EXPECT_EQ(failed_[1].after.deliveries.count, 2);
  EXPECT_EQ(failed_[1].after.deliveries.excused, 1);
}

TEST_F(StatsBookTest, OnlyWebhooksTriedLatelyAreInTheFailureShare) {
  deliver(kHooks[0], 500);
  now_ += 1h;
  deliver(kHooks[1], 200);
  deliver(kHooks[2], 500);

  const FailureShare share = book_->failure_share(now_, 10min);

  EXPECT_EQ(share.tried, 2U);
  EXPECT_EQ(share.failing, 1U);
}

// The newest row of the tail is never dropped, so it may be of a webhook that was purged since.
TEST_F(StatsBookTest, APurgedWebhookDoesNotComeBackWithTheTail) {
  deliver(kHooks[0], 500);

  restart([](WebhookId id) { return id != kHooks[0].id; });

  EXPECT_FALSE(book_->webhook(kHooks[0].id));
  EXPECT_TRUE(book_->failing().empty());
}

}  // namespace
}  // namespace fanfare
