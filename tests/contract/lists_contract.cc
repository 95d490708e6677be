// Lists: filters, pages, order, and the lazy indexes that nobody may notice.
#include <algorithm>

#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class ListsContract : public StoreContract {
 protected:
  Rows<Delivery> list(const DeliveryFilter& filter, std::optional<DeliveryId> before = std::nullopt,
                      std::size_t limit = 100) {
    auto page = reader_->deliveries(tenant_, filter, before, limit);
    EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
    return page ? *page : Rows<Delivery>{};
  }
  Rows<Event> list_events(const EventFilter& filter, std::optional<EventId> before = std::nullopt,
                          std::size_t limit = 100) {
    auto page = reader_->events(tenant_, filter, before, limit);
    EXPECT_TRUE(page.has_value()) << (page ? "" : page.error().message);
    return page ? *page : Rows<Event>{};
  }
  EventPlan published_as(const std::string& type, const std::string& event_id = {}) {
    EventPlan plan = make_.plan(tenant_, {webhook_});
    plan.event.type = type;
    plan.event.event_id = event_id;
    plan.runs[0].event_type = type;
    publish(plan);
    return plan;
  }
  // Newest first.
  std::vector<DeliveryId> publish_many(int count) {
    std::vector<DeliveryId> ids;
    for (int i = 0; i < count; ++i) ids.push_back(queued_run().delivery);
    std::reverse(ids.begin(), ids.end());
    return ids;
  }
};
RUN_ON_ALL_STORES(ListsContract);

TEST_P(ListsContract, AnEmptyStoreHasEmptyLists) {
  EXPECT_TRUE(list({}).rows.empty());
  EXPECT_FALSE(list({}).has_more);
  EXPECT_TRUE(list_events({}).rows.empty());
  EXPECT_FALSE(list_events({}).has_more);
}

TEST_P(ListsContract, DeliveriesComeNewestFirst) {
  const auto expected = publish_many(5);

  EXPECT_EQ(ids_of(list({}).rows), expected);
  EXPECT_EQ(ids_of(list({.webhook = webhook_}).rows), expected);
}

TEST_P(ListsContract, APageEndsAtItsLimitAndSaysWhetherMoreFollow) {
  const auto all = publish_many(5);

  const auto four = list({}, std::nullopt, 4);
  const auto five = list({}, std::nullopt, 5);

  EXPECT_EQ(ids_of(four.rows), (std::vector(all.begin(), all.begin() + 4)));
  EXPECT_TRUE(four.has_more);
  EXPECT_EQ(five.rows.size(), 5U);
  EXPECT_FALSE(five.has_more);
}

TEST_P(ListsContract, APageStartsBelowTheGivenId) {
  const auto all = publish_many(5);

  EXPECT_EQ(ids_of(list({}, all[1]).rows), (std::vector(all.begin() + 2, all.end())));
  EXPECT_TRUE(list({}, all[4]).rows.empty());
}

TEST_P(ListsContract, PagesCoverEverythingOnceWhileRowsArriveAndIndexesMove) {
  const auto all = publish_many(12);
  std::vector<DeliveryId> seen;
  std::optional<DeliveryId> before;

  for (bool has_more = true; has_more;) {
    const auto page = list({.webhook = webhook_}, before, 5);
    for (const Delivery& delivery : page.rows) seen.push_back(delivery.id);
    before = seen.back();
    has_more = page.has_more;
    publish_many(3);
    maintain();
  }

  EXPECT_EQ(seen, all);
}

TEST_P(ListsContract, PagesGoAcrossTheWatermark) {
  auto expected = publish_many(6);
  maintain();
  const auto tail = publish_many(3);
  expected.insert(expected.begin(), tail.begin(), tail.end());

  EXPECT_EQ(ids_of(list({}).rows), expected);
  EXPECT_EQ(ids_of(list({}, expected[1], 4).rows),
            (std::vector(expected.begin() + 2, expected.begin() + 6)));
  EXPECT_EQ(ids_of(list({.webhook = webhook_}, expected[4]).rows),
            (std::vector(expected.begin() + 5, expected.end())));
}

TEST_P(ListsContract, ADeliveryWithSeveralRunsIsListedOnce) {
  const QueuedRun over = queued_run();
  finish(over, 404);
  finish(value_of<Requeued>(commit(requeue(over.delivery))).run, 404);
  const QueuedRun open = queued_run();
  finish(open, 404);
  commit(requeue(open.delivery));

  for (int pass = 0; pass < 2; ++pass) {
    const auto page = list({});
    EXPECT_EQ(ids_of(page.rows), (std::vector{open.delivery, over.delivery}));
    EXPECT_EQ(page.rows.at(0).status, DeliveryStatus::pending);
    EXPECT_EQ(page.rows.at(1).run, 2);
    maintain();
  }
}

TEST_P(ListsContract, AListShowsTheSameAsTheSingleRead) {
  const QueuedRun retrying = retry_later(queued_run(), 1h);
  const QueuedRun over = queued_run();
  finish(over);

  const auto page = list({});

  EXPECT_EQ(texts_of(page.rows),
            texts_of(std::vector{must_have(over.delivery), must_have(retrying.delivery)}));
}

TEST_P(ListsContract, DeliveriesAreFilteredByWebhook) {
  const WebhookId other = make_.id<WebhookId>();
  const EventPlan plan = published({webhook_, other});
  maintain();
  const EventPlan later = published({webhook_, other});

  EXPECT_EQ(ids_of(list({.webhook = other}).rows),
            (std::vector{later.runs[1].delivery, plan.runs[1].delivery}));
  EXPECT_TRUE(list({.webhook = make_.id<WebhookId>()}).rows.empty());
}

TEST_P(ListsContract, DeliveriesAreFilteredByStatus) {
  const QueuedRun pending = queued_run();
  const QueuedRun retrying = retry_later(queued_run(), 1h);
  const QueuedRun success = queued_run();
  finish(success);
  const QueuedRun failed = queued_run();
  finish(failed, 404);
  const QueuedRun cancelled = queued_run();
  commit(cancel(cancelled.delivery));
  EventPlan skipped = make_.plan(tenant_, {});
  skipped.skipped.push_back(make_.run(skipped.event, webhook_));
  publish(skipped);
  const std::vector<std::pair<DeliveryStatus, DeliveryId>> cases{
      {DeliveryStatus::pending, pending.delivery},
      {DeliveryStatus::retrying, retrying.delivery},
      {DeliveryStatus::success, success.delivery},
      {DeliveryStatus::failed, failed.delivery},
      {DeliveryStatus::cancelled, cancelled.delivery},
      {DeliveryStatus::skipped, skipped.skipped[0].delivery}};

  for (const auto& [status, id] : cases) {
    EXPECT_EQ(ids_of(list({.status = status}).rows), std::vector{id}) << name_of(status);
    EXPECT_EQ(ids_of(list({.webhook = webhook_, .status = status}).rows), std::vector{id});
  }
}

TEST_P(ListsContract, DeliveriesAreFilteredByEventType) {
  published_as("invoice.paid");
  const EventPlan other = published_as("user.created");

  EXPECT_EQ(ids_of(list({.event_type = "user.created"}).rows), std::vector{other.runs[0].delivery});
  EXPECT_TRUE(list({.event_type = "user"}).rows.empty());
}

TEST_P(ListsContract, DeliveriesAreFilteredByTheCodeOfTheLastAttempt) {
  const QueuedRun gone = queued_run();
  finish(retry_later(gone, 0s), 410);
  const QueuedRun waiting = retry_later(queued_run(), 1h);
  const QueuedRun untried = queued_run();

  EXPECT_EQ(ids_of(list({.code = 410}).rows), std::vector{gone.delivery});
  EXPECT_EQ(ids_of(list({.code = 500}).rows), std::vector{waiting.delivery});
  EXPECT_EQ(ids_of(list({.code = 0}).rows), std::vector{untried.delivery});
}

TEST_P(ListsContract, DeliveriesAreFilteredByTimeWithAnOpenEnd) {
  queued_run();
  make_.now += 1s;
  const Timestamp since = make_.now;
  const QueuedRun inside = queued_run();
  make_.now += 1s;
  const Timestamp until = make_.now;
  queued_run();

  EXPECT_EQ(ids_of(list({.since = since, .until = until}).rows), std::vector{inside.delivery});
  EXPECT_EQ(list({.since = since}).rows.size(), 2U);
  EXPECT_EQ(list({.until = until}).rows.size(), 2U);
}

TEST_P(ListsContract, TimesFarOutsideAnyIdAreFine) {
  queued_run();

  const Timestamp ancient = timestamp_of_ms(-62'135'596'800'000);
  const Timestamp distant = timestamp_of_ms(253'402'300'799'999);

  EXPECT_EQ(list({.since = ancient, .until = distant}).rows.size(), 1U);
  EXPECT_TRUE(list({.since = distant}).rows.empty());
  EXPECT_TRUE(list({.until = ancient}).rows.empty());
  EXPECT_EQ(list_events({.since = ancient, .until = distant}).rows.size(), 1U);
  const Timestamp last{Millis::max()};
  const Timestamp first{Millis::min()};
  EXPECT_EQ(list({.since = first, .until = last}).rows.size(), 1U);
}

TEST_P(ListsContract, ADayIsFilteredOutOfAWeek) {
  std::vector<DeliveryId> ids;
  for (int day = 0; day < 7; ++day) {
    ids.push_back(queued_run().delivery);
    make_.now += 24h;
  }
  const Timestamp third_day = make_.now - 5 * 24h;
  maintain();

  EXPECT_EQ(ids_of(list({.since = third_day, .until = third_day + 24h}).rows), std::vector{ids[2]});
}

TEST_P(ListsContract, FiltersAreTakenTogether) {
  const EventPlan paid = published_as("invoice.paid");
  finish(paid.runs[0], 404);
  finish(published_as("user.created").runs[0], 404);
  finish(published_as("invoice.paid").runs[0], 200);

  const auto page = list({.webhook = webhook_,
                          .status = DeliveryStatus::failed,
                          .event_type = "invoice.paid",
                          .since = make_.now,
                          .until = make_.now + 1ms,
                          .code = 404});

  EXPECT_EQ(ids_of(page.rows), std::vector{paid.runs[0].delivery});
}

TEST_P(ListsContract, TestDeliveriesAreListedToo) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.event.is_test = true;
  plan.runs[0].is_test = true;
  plan.runs[0].trigger = Trigger::test;
  publish(plan);
  maintain();

  const auto page = list({.webhook = webhook_});

  ASSERT_EQ(page.rows.size(), 1U);
  EXPECT_TRUE(page.rows[0].is_test);
  EXPECT_EQ(page.rows[0].trigger, Trigger::test);
}

TEST_P(ListsContract, EventsComeNewestFirstInPages) {
  std::vector<EventId> all;
  for (int i = 0; i < 4; ++i) all.push_back(published({}).event.id);
  maintain();
  for (int i = 0; i < 3; ++i) all.push_back(published({webhook_}).event.id);
  std::reverse(all.begin(), all.end());

  const auto first = list_events({}, std::nullopt, 4);
  const auto second = list_events({}, first.rows.back().id, 4);

  EXPECT_EQ(ids_of(first.rows), (std::vector(all.begin(), all.begin() + 4)));
  EXPECT_TRUE(first.has_more);
  EXPECT_EQ(ids_of(second.rows), (std::vector(all.begin() + 4, all.end())));
  EXPECT_FALSE(second.has_more);
}

TEST_P(ListsContract, EventsAreFilteredByTypeIdAndTime) {
  const EventPlan paid = published_as("invoice.paid", "order-17");
  make_.now += 1s;
  const Timestamp later = make_.now;
  const EventPlan created = published_as("user.created", "user-1");

  EXPECT_EQ(ids_of(list_events({.type = "invoice.paid"}).rows), std::vector{paid.event.id});
  EXPECT_EQ(ids_of(list_events({.event_id = "user-1"}).rows), std::vector{created.event.id});
  EXPECT_EQ(ids_of(list_events({.until = later}).rows), std::vector{paid.event.id});
  EXPECT_EQ(ids_of(list_events({.since = later}).rows), std::vector{created.event.id});
  EXPECT_TRUE(list_events({.type = "invoice.paid", .event_id = "user-1"}).rows.empty());
}

TEST_P(ListsContract, AReaderSeesWhatWasCommittedBeforeItAsks) {
  auto second = opened_.store->open_reader();
  ASSERT_TRUE(second.has_value());
  const QueuedRun run = queued_run();

  EXPECT_EQ((*second)->deliveries(tenant_, {}, std::nullopt, 10)->rows.size(), 1U);
  finish(run);
  EXPECT_EQ((*second)->delivery(tenant_, run.delivery)->status, DeliveryStatus::success);
  EXPECT_TRUE((*second)->ping().has_value());
}

TEST_P(ListsContract, AnEventAndADeliveryNameTheirOwner) {
  const EventPlan plan = published({webhook_, webhook_});
  const QueuedRun& waiting = plan.runs.front();
  finish(plan.runs.back());

  EXPECT_EQ(reader_->owner(plan.event.id).value(), tenant_);
  EXPECT_EQ(reader_->owner(waiting.delivery).value(), tenant_);
  EXPECT_EQ(reader_->owner(plan.runs.back().delivery).value(), tenant_);
  EXPECT_EQ(error_of(reader_->owner(make_.id<EventId>())), Errc::not_found);
  EXPECT_EQ(error_of(reader_->owner(make_.id<DeliveryId>())), Errc::not_found);
}

}  // namespace
}  // namespace fanfare::contract
