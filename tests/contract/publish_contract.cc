// Publishing: events, duplicates by event_id, and neighbours in a batch.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class PublishContract : public StoreContract {
 protected:
  EventPlan with_event_id(const std::string& event_id, const std::string& fingerprint) {
    EventPlan plan = make_.plan(tenant_, {webhook_});
    plan.event.event_id = event_id;
    plan.fingerprint = fingerprint;
    return plan;
  }
};
RUN_ON_ALL_STORES(PublishContract);

TEST_P(PublishContract, AnAcceptedEventReadsBackWhole) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.event.event_id = "order-17";
  plan.event.metadata = R"({"source":"shop"})";
  plan.event.is_test = true;
  plan.fingerprint = "fp";

  EXPECT_EQ(publish(plan), (Published{.id = plan.event.id, .deliveries = 1}));

  const auto event = reader_->event(tenant_, plan.event.id);
  ASSERT_TRUE(event.has_value());
  EXPECT_EQ(text_of(*event), text_of(plan.event));
}

TEST_P(PublishContract, PayloadBytesComeBackAsTheyWere) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  std::string data = "{\"a\" : \"\\u0000\\\"\"}  ";
  data.push_back('\0');
  data += std::string(200'000, 'x') + "\xc3\xa9";
  plan.event.data = std::make_shared<const std::string>(data);

  publish(plan);

  EXPECT_EQ(*reader_->event(tenant_, plan.event.id)->data, data);
  EXPECT_EQ(*queued(1).rows.at(0).data, data);
}

TEST_P(PublishContract, ANewRunIsPending) {
  const EventPlan plan = published({webhook_});

  const Delivery delivery = must_have(plan.runs[0].delivery);

  EXPECT_EQ(delivery.status, DeliveryStatus::pending);
  EXPECT_EQ(delivery.event, plan.event.id);
  EXPECT_EQ(delivery.attempts, 0);
  EXPECT_EQ(delivery.attempts_max, 5);
  EXPECT_EQ(delivery.response_status, 0);
  EXPECT_EQ(delivery.response_time_ms, -1);
  EXPECT_EQ(delivery.next_attempt_at, make_.now);
  EXPECT_FALSE(delivery.completed_at);
}

TEST_P(PublishContract, ASkippedRunIsHistoryAtOnce) {
  EventPlan plan = make_.plan(tenant_, {});
  plan.skipped.push_back(make_.run(plan.event, webhook_));

  EXPECT_EQ(publish(plan).deliveries, 1);

  const Delivery delivery = must_have(plan.skipped[0].delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::skipped);
  EXPECT_EQ(delivery.error_kind, ErrorKind::webhook_disabled);
  EXPECT_EQ(delivery.last_error, "the webhook was disabled when the event arrived");
  EXPECT_EQ(delivery.completed_at, make_.now);
  EXPECT_FALSE(delivery.delivered_at);
  EXPECT_TRUE(queued().rows.empty());
}

TEST_P(PublishContract, AnEventWithoutReceiversIsStoredToo) {
  const EventPlan plan = published({});

  EXPECT_EQ(reader_->event(tenant_, plan.event.id)->deliveries, 0);
  EXPECT_TRUE(reader_->event_deliveries(tenant_, plan.event.id)->empty());
}

TEST_P(PublishContract, TheSameEventIdAndBodyAnswersTheFirstEvent) {
  const EventPlan first = with_event_id("order-17", "fp");
  const EventPlan second = with_event_id("order-17", "fp");
  publish(first);

  const Published answer = publish(second);

  EXPECT_EQ(answer, (Published{.id = first.event.id, .deliveries = 1, .is_duplicate = true}));
  EXPECT_EQ(error_of(reader_->event(tenant_, second.event.id)), Errc::not_found);
  EXPECT_EQ(error_of(delivery(second.runs[0].delivery)), Errc::not_found);
}

TEST_P(PublishContract, TheSameEventIdWithAnotherBodyIsAConflict) {
  const EventPlan first = with_event_id("order-17", "fp");
  const EventPlan second = with_event_id("order-17", "other");
  publish(first);

  const Published answer = publish(second);

  EXPECT_TRUE(answer.is_conflict);
  EXPECT_FALSE(answer.is_duplicate);
  EXPECT_EQ(answer.id, first.event.id);
  EXPECT_EQ(error_of(reader_->event(tenant_, second.event.id)), Errc::not_found);
}

TEST_P(PublishContract, AnEventIdBelongsToItsTenant) {
  publish(with_event_id("order-17", "fp"));
  EventPlan theirs = make_.plan(stranger_, {});
  theirs.event.event_id = "order-17";
  theirs.fingerprint = "fp";

  EXPECT_EQ(publish(theirs), (Published{.id = theirs.event.id}));
}

TEST_P(PublishContract, AnEventIdIsTakenUntilSevenDaysArePast) {
  publish(with_event_id("order-17", "fp"));
  make_.now += limits::kEventIdUniqueFor - 1ms;

  EXPECT_TRUE(publish(with_event_id("order-17", "fp")).is_duplicate);
}

TEST_P(PublishContract, AfterSevenDaysAnEventIdIsNewAgain) {
  publish(with_event_id("order-17", "fp"));
  make_.now += limits::kEventIdUniqueFor;
  const EventPlan again = with_event_id("order-17", "other");

  EXPECT_EQ(publish(again), (Published{.id = again.event.id, .deliveries = 1}));
  EXPECT_TRUE(publish(with_event_id("order-17", "other")).is_duplicate);
  EXPECT_EQ(publish(with_event_id("order-17", "other")).id, again.event.id);
}

TEST_P(PublishContract, MaintenanceForgetsNoEventIdEarly) {
  for (int i = 0; i < 5; ++i) publish(with_event_id("order-" + std::to_string(i), "fp"));
  make_.now += limits::kEventIdUniqueFor - 1ms;
  maintain();

  EXPECT_TRUE(publish(with_event_id("order-3", "fp")).is_duplicate);
}

TEST_P(PublishContract, MaintenanceDropsOldEventIdsAndKeepsTheirEvents) {
  const EventPlan old = with_event_id("order-17", "fp");
  publish(old);
  make_.now += limits::kEventIdUniqueFor;
  maintain();

  EXPECT_FALSE(publish(with_event_id("order-17", "fp")).is_duplicate);
  EXPECT_TRUE(reader_->event(tenant_, old.event.id).has_value());
}

TEST_P(PublishContract, TwoEqualEventsInOneRequestAreStoredOnce) {
  const EventPlan first = with_event_id("order-17", "fp");
  const EventPlan second = with_event_id("order-17", "fp");

  const auto done = commit(PublishOp{{first, second}});

  const auto& answers = value_of<std::vector<Published>>(done);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_FALSE(answers[0].is_duplicate);
  EXPECT_TRUE(answers[1].is_duplicate);
  EXPECT_EQ(answers[1].id, first.event.id);
}

TEST_P(PublishContract, TwoEqualEventsInOneBatchAreStoredOnce) {
  const EventPlan first = with_event_id("order-17", "fp");
  const EventPlan second = with_event_id("order-17", "fp");

  const auto done = commit_batch(PublishOp{{first}}, PublishOp{{second}});

  ASSERT_EQ(done.size(), 2U);
  EXPECT_TRUE(value_of<std::vector<Published>>(done[1])[0].is_duplicate);
}

TEST_P(PublishContract, EachEventOfARequestIsAcceptedByItself) {
  publish(with_event_id("order-17", "fp"));
  const EventPlan refused = with_event_id("order-17", "other");
  const EventPlan good = with_event_id("order-18", "fp");

  const auto done = commit(PublishOp{{refused, good}});

  const auto& answers = value_of<std::vector<Published>>(done);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_TRUE(answers[0].is_conflict);
  EXPECT_EQ(answers[1], (Published{.id = good.event.id, .deliveries = 1}));
  EXPECT_TRUE(delivery(good.runs[0].delivery).has_value());
}

TEST_P(PublishContract, ARefusedOperationLeavesItsNeighboursAlone) {
  const EventPlan first = make_.plan(tenant_, {webhook_});
  const EventPlan last = make_.plan(tenant_, {webhook_});

  const auto done =
      commit_batch(PublishOp{{first}}, cancel(make_.id<DeliveryId>()), PublishOp{{last}});

  ASSERT_EQ(done.size(), 3U);
  EXPECT_EQ(error_of(done[1]), Errc::not_found);
  EXPECT_TRUE(delivery(first.runs[0].delivery).has_value());
  EXPECT_TRUE(delivery(last.runs[0].delivery).has_value());
}

TEST_P(PublishContract, AnIdStoredAlreadyIsRefusedWithoutATraceOfItsOperation) {
  const EventPlan first = published({webhook_});
  EventPlan good = make_.plan(tenant_, {webhook_});
  EventPlan bad = make_.plan(tenant_, {webhook_, webhook_});
  bad.event.event_id = "order-17";
  bad.runs[1].delivery = bad.runs[0].delivery;
  const EventPlan last = make_.plan(tenant_, {webhook_});

  const auto done = commit_batch(PublishOp{{good}}, PublishOp{{bad}}, PublishOp{{last}});

  ASSERT_EQ(done.size(), 3U);
  EXPECT_EQ(error_of(done[1]), Errc::conflict);
  EXPECT_EQ(error_of(reader_->event(tenant_, bad.event.id)), Errc::not_found);
  EXPECT_EQ(error_of(delivery(bad.runs[0].delivery)), Errc::not_found);
  EXPECT_TRUE(delivery(good.runs[0].delivery).has_value());
  EXPECT_TRUE(delivery(last.runs[0].delivery).has_value());
  EXPECT_FALSE(publish(with_event_id("order-17", "fp")).is_duplicate);
}

TEST_P(PublishContract, AnEmptyBatchIsNothing) {
  const auto done = opened_.store->writer().commit({});

  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->empty());
}

TEST_P(PublishContract, NewestIdIsNilInAnEmptyStore) {
  EXPECT_TRUE(opened_.store->writer().newest_id()->is_nil());
}

TEST_P(PublishContract, NewestIdIsTheGreatestEventOrDelivery) {
  const EventPlan without_runs = published({});
  EXPECT_EQ(*opened_.store->writer().newest_id(), without_runs.event.id.value);

  const EventPlan with_run = published({webhook_});
  EXPECT_EQ(*opened_.store->writer().newest_id(), with_run.runs[0].delivery.value);

  finish(with_run.runs[0]);
  EXPECT_EQ(*opened_.store->writer().newest_id(), with_run.runs[0].delivery.value);
}

TEST_P(PublishContract, DeliveriesOfAnEventComeInTheOrderPlanned) {
  published({webhook_});
  EventPlan first = make_.plan(tenant_, {webhook_, make_.id<WebhookId>()});
  EventPlan second = make_.plan(tenant_, {webhook_, make_.id<WebhookId>(), make_.id<WebhookId>()});
  second.skipped.push_back(make_.run(second.event, make_.id<WebhookId>()));
  commit(PublishOp{{first, second}});
  published({webhook_});
  finish(second.runs[1]);
  commit(requeue(second.skipped[0].delivery));
  finish(first.runs[0]);
  commit(requeue(first.runs[0].delivery));
  maintain();

  const auto found = reader_->event_deliveries(tenant_, second.event.id);

  ASSERT_TRUE(found.has_value());
  EXPECT_EQ(ids_of(*found), (std::vector{second.runs[0].delivery, second.runs[1].delivery,
                                         second.runs[2].delivery, second.skipped[0].delivery}));
  EXPECT_EQ(found->at(1).status, DeliveryStatus::success);
  EXPECT_EQ(found->at(3).run, 2);
  EXPECT_EQ(reader_->event_deliveries(tenant_, first.event.id)->size(), 2U);
}

}  // namespace
}  // namespace fanfare::contract
