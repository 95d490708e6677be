// What waits to be sent: the reads by which lanes start and refill themselves.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class WaitingContract : public StoreContract {};
RUN_ON_ALL_STORES(WaitingContract);

TEST_P(WaitingContract, QueuedRunsComeByDueTimeAndThenById) {
  const QueuedRun first = queued_run();
  const QueuedRun second = queued_run();
  const QueuedRun late = retry_later(queued_run(), 1h);
  const QueuedRun soon = retry_later(queued_run(), 1s);
  published({make_.id<WebhookId>()});

  const Queued all = queued();

  EXPECT_EQ(ids_of(all),
            (std::vector{first.delivery, second.delivery, soon.delivery, late.delivery}));
  EXPECT_FALSE(all.has_more);
  EXPECT_EQ(text_of(all.rows.at(2).run), text_of(soon));
  EXPECT_EQ(all.rows.at(0).event_created_at, first.created_at);
  EXPECT_EQ(*all.rows.at(0).data, R"({"total": 12.50})");
}

TEST_P(WaitingContract, AReadOfQueuedRunsStopsAtItsRowsAndSaysIfMoreStandBehind) {
  const QueuedRun first = queued_run();
  const QueuedRun second = queued_run();
  const QueuedRun third = queued_run();

  const Queued two = queued(2);
  const Queued three = queued(3);

  EXPECT_EQ(ids_of(two), (std::vector{first.delivery, second.delivery}));
  EXPECT_TRUE(two.has_more);
  EXPECT_EQ(ids_of(three), (std::vector{first.delivery, second.delivery, third.delivery}));
  EXPECT_FALSE(three.has_more);
}

TEST_P(WaitingContract, AReadOfQueuedRunsStopsBeforeItsBytesAreExceeded) {
  const QueuedRun first = queued_run_of(400);
  const QueuedRun second = queued_run_of(600);
  const QueuedRun third = queued_run_of(1);

  const auto within = [&](std::size_t bytes) {
    return *reader_->queued(webhook_, {.rows_max = 9, .bytes_max = bytes});
  };

  EXPECT_EQ(ids_of(within(999)), (std::vector{first.delivery}));
  EXPECT_TRUE(within(999).has_more);
  EXPECT_EQ(ids_of(within(1000)), (std::vector{first.delivery, second.delivery}));
  EXPECT_TRUE(within(1000).has_more);
  EXPECT_EQ(ids_of(within(1001)), (std::vector{first.delivery, second.delivery, third.delivery}));
  EXPECT_FALSE(within(1001).has_more);
}

TEST_P(WaitingContract, TheFirstQueuedRunComesWhateverItsSize) {
  const QueuedRun first = queued_run_of(limits::kPayloadBytesMax);
  queued_run_of(0);

  const Queued found = *reader_->queued(webhook_, {.rows_max = 0, .bytes_max = 0});

  ASSERT_EQ(ids_of(found), (std::vector{first.delivery}));
  EXPECT_EQ(found.rows[0].data->size(), limits::kPayloadBytesMax);
  EXPECT_TRUE(found.has_more);
}

TEST_P(WaitingContract, HeldRunsArePassedOverAndCountForNothing) {
  const QueuedRun first = queued_run_of(500);
  const QueuedRun second = queued_run_of(400);
  const QueuedRun third = queued_run_of(500);
  const QueuedRun fourth = queued_run_of(100);

  const auto found = reader_->queued(
      webhook_, {.rows_max = 2, .bytes_max = 500, .held = {first.delivery, third.delivery}});

  EXPECT_EQ(ids_of(*found), (std::vector{second.delivery, fourth.delivery}));
  EXPECT_FALSE(found->has_more);
}

TEST_P(WaitingContract, HeldRunsBehindTheLastRowAreNotMore) {
  const QueuedRun first = queued_run();
  const QueuedRun second = queued_run();
  const QueuedRun third = queued_run();
  const auto one_without = [&](std::vector<DeliveryId> held) {
    return *reader_->queued(webhook_, {.rows_max = 1, .bytes_max = 1'000, .held = std::move(held)});
  };

  const Queued last = one_without({first.delivery, third.delivery});
  const Queued not_last = one_without({first.delivery});
  const Queued none = one_without({first.delivery, second.delivery, third.delivery});

  EXPECT_EQ(ids_of(last), (std::vector{second.delivery}));
  EXPECT_FALSE(last.has_more);
  EXPECT_EQ(ids_of(not_last), (std::vector{second.delivery}));
  EXPECT_TRUE(not_last.has_more);
  EXPECT_TRUE(none.rows.empty());
  EXPECT_FALSE(none.has_more);
}

TEST_P(WaitingContract, WaitingWebhooksAreListedOnceWithTheirEarliestRun) {
  const WebhookId other = make_.id<WebhookId>();
  const WebhookId done = make_.id<WebhookId>();
  const QueuedRun late = retry_later(queued_run(), 1h);
  retry_later(queued_run(), 2h);
  const EventPlan plan = published({other, done});
  finish(plan.runs[1]);

  const auto waiting = reader_->waiting_webhooks();

  ASSERT_EQ(waiting->size(), 2U);
  EXPECT_EQ(waiting->at(0).webhook, webhook_);
  EXPECT_EQ(waiting->at(0).next_attempt_at, late.next_attempt_at);
  EXPECT_EQ(waiting->at(1).webhook, other);
  EXPECT_EQ(waiting->at(1).next_attempt_at, make_.now);
}

TEST_P(WaitingContract, NothingWaitsInAnEmptyStore) {
  EXPECT_TRUE(reader_->waiting_webhooks()->empty());
  EXPECT_TRUE(queued().rows.empty());
}

}  // namespace
}  // namespace fanfare::contract
