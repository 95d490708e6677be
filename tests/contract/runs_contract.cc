// Attempts, runs that end, settled runs and requeued ones: what state a delivery is in.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class RunsContract : public StoreContract {
 protected:
  // The webhook disabled or deleted at version 2: runs planned at version 1 are over.
  void settle_webhook(bool is_deleted) {
    StoredWebhook row = make_.webhook(tenant_);
    row.webhook.id = webhook_;
    put(row, 0);
    make_.now += 1s;
    row.webhook.version = 2;
    row.webhook.settled_below = 2;
    row.webhook.is_deleted = is_deleted;
    row.webhook.status = WebhookStatus::disabled;
    row.webhook.updated_at = make_.now;
    put(row, 1);
  }
  SettleOp settle(std::size_t rows_max) const {
    return SettleOp{.webhook = webhook_,
                    .below_version = 2,
                    .status = DeliveryStatus::failed,
                    .kind = ErrorKind::webhook_disabled,
                    .error = "the webhook was disabled",
                    .rows_max = rows_max,
                    .now = make_.now};
  }
};
RUN_ON_ALL_STORES(RunsContract);

// ---- attempts ----

TEST_P(RunsContract, AnAttemptReadsBackWhole) {
  const QueuedRun run = queued_run();
  AttemptOp op = make_.attempt(run, 503);
  HttpOutcome& outcome = op.attempt.outcome;
  outcome.headers = {{"Server", "nginx"}, {"X-Odd", std::string("a\0b: c\r\n", 8)}, {"", ""}};
  outcome.headers.emplace_back("X-Long", std::string(300, 'v'));
  outcome.body = std::string("\0\xff{}", 4);
  outcome.is_truncated = true;
  outcome.timing = {.dns_ms = 1, .connect_ms = 2, .tls_ms = {}, .first_byte_ms = 0, .total_ms = 9};
  outcome.peer = "203.0.113.9:443";
  outcome.tls = "TLSv1.3 TLS_AES_256_GCM_SHA384";
  outcome.error = ErrorKind::bad_response;
  outcome.error_text = "the head was too long";

  record(op);

  const auto attempts = reader_->attempts(tenant_, run.delivery);
  ASSERT_TRUE(attempts.has_value());
  EXPECT_EQ(texts_of(*attempts), texts_of(std::vector{op.attempt}));
}

TEST_P(RunsContract, AFailedAttemptWithRetryKeepsTheRunQueued) {
  const QueuedRun run = queued_run();

  retry_later(run, 5s);

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::retrying);
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(delivery.next_attempt_at, make_.now + 5s);
  EXPECT_EQ(delivery.response_status, 500);
  EXPECT_EQ(delivery.response_time_ms, 7);
  EXPECT_EQ(delivery.response_body, "answer 500");
  EXPECT_EQ(delivery.error_kind, ErrorKind::http_status);
  EXPECT_EQ(delivery.last_error, "the receiver answered 500");
}

TEST_P(RunsContract, ASuccessfulAttemptEndsTheRun) {
  const QueuedRun run = queued_run();
  make_.now += 1s;

  finish(retry_later(run, 0s));

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::success);
  EXPECT_EQ(delivery.attempts, 2);
  EXPECT_EQ(delivery.response_status, 200);
  EXPECT_EQ(delivery.error_kind, ErrorKind::none);
  EXPECT_EQ(delivery.last_error, "");
  EXPECT_EQ(delivery.created_at, run.created_at);
  EXPECT_EQ(delivery.delivered_at, make_.now);
  EXPECT_EQ(delivery.completed_at, make_.now);
  EXPECT_FALSE(delivery.next_attempt_at);
  EXPECT_TRUE(queued().rows.empty());
}

TEST_P(RunsContract, TheLastFailedAttemptEndsTheRunAsFailed) {
  const QueuedRun run = queued_run();

  finish(run, 404);

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::failed);
  EXPECT_EQ(delivery.error_kind, ErrorKind::http_status);
  EXPECT_EQ(delivery.last_error, "the receiver answered 404");
  EXPECT_EQ(delivery.completed_at, make_.now);
  EXPECT_FALSE(delivery.delivered_at);
}

TEST_P(RunsContract, AnAttemptOfAnEndedRunIsRecordedAndCountedAndDecidesNothing) {
  const QueuedRun run = queued_run();
  commit(cancel(run.delivery));

  EXPECT_FALSE(record(make_.attempt(run, 200)).was_current);

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::cancelled);
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(delivery.response_status, 200);
  EXPECT_EQ(reader_->attempts(tenant_, run.delivery)->size(), 1U);
}

TEST_P(RunsContract, AnAttemptThatIsNotTheNextOneChangesNothing) {
  const QueuedRun run = queued_run();
  const QueuedRun later = retry_later(run, 5s);
  AttemptOp early = make_.attempt(later, 200);
  early.attempt.number = 3;

  EXPECT_FALSE(record(early).was_current);
  EXPECT_EQ(must_have(run.delivery).attempts, 1);
}

TEST_P(RunsContract, AnAttemptOfAnEarlierRunChangesNothing) {
  const QueuedRun run = queued_run();
  commit(cancel(run.delivery));
  commit(requeue(run.delivery));

  EXPECT_FALSE(record(make_.attempt(run, 200)).was_current);
  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::pending);
}

TEST_P(RunsContract, TheFirstRecordUnderANumberStays) {
  const QueuedRun run = queued_run();
  retry_later(run, 5s);

  EXPECT_FALSE(record(make_.attempt(run, 200)).was_current);

  const auto attempts = reader_->attempts(tenant_, run.delivery);
  ASSERT_EQ(attempts->size(), 1U);
  EXPECT_EQ(attempts->at(0).outcome.status, 500);
}

TEST_P(RunsContract, PublishAndAttemptMayShareABatch) {
  const QueuedRun first = queued_run();
  const EventPlan second = make_.plan(tenant_, {webhook_});

  const auto done = commit_batch(PublishOp{{second}}, make_.attempt(first, 200),
                                 make_.attempt(second.runs[0], 200));

  ASSERT_EQ(done.size(), 3U);
  EXPECT_TRUE(value_of<AttemptApplied>(done[1]).was_current);
  EXPECT_TRUE(value_of<AttemptApplied>(done[2]).was_current);
  EXPECT_EQ(must_have(second.runs[0].delivery).status, DeliveryStatus::success);
}

// ---- runs ----

TEST_P(RunsContract, AFinishedDeliveryIsRequeuedAsItsNextRun) {
  const QueuedRun run = queued_run();
  finish(run, 404);
  make_.now += 1h;

  const Requeued requeued = value_of<Requeued>(commit(requeue(run.delivery)));

  EXPECT_TRUE(requeued.is_new_run);
  QueuedRun expected = run;
  expected.run = 2;
  expected.attempts_max = 3;
  expected.next_attempt_at = make_.now;
  expected.webhook_version = 4;
  expected.envelope = Envelope::raw;
  expected.trigger = Trigger::retry;
  EXPECT_EQ(text_of(requeued.run), text_of(expected));
  EXPECT_EQ(text_of(queued().rows.at(0).run), text_of(expected));
}

TEST_P(RunsContract, TheStateOfADeliveryIsItsQueuedRunIfThereIsOne) {
  const QueuedRun run = queued_run();
  finish(run, 404);
  commit(requeue(run.delivery));

  const Delivery delivery = must_have(run.delivery);

  EXPECT_EQ(delivery.status, DeliveryStatus::pending);
  EXPECT_EQ(delivery.run, 2);
  EXPECT_EQ(delivery.attempts, 0);
  EXPECT_EQ(delivery.response_status, 0);
  EXPECT_EQ(delivery.last_error, "");
  EXPECT_FALSE(delivery.completed_at);
}

TEST_P(RunsContract, TheResultOfTheSecondRunIsNotDropped) {
  const QueuedRun run = queued_run();
  finish(run, 404);
  const QueuedRun second = value_of<Requeued>(commit(requeue(run.delivery))).run;

  finish(second, 200);

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::success);
  EXPECT_EQ(delivery.run, 2);
  EXPECT_EQ(delivery.trigger, Trigger::retry);
  EXPECT_EQ(delivery.webhook_version, 4);
}

TEST_P(RunsContract, AttemptsOfAllRunsComeInTheOrderMade) {
  const QueuedRun run = queued_run();
  finish(retry_later(run, 0s), 404);
  const QueuedRun second = value_of<Requeued>(commit(requeue(run.delivery))).run;
  finish(retry_later(retry_later(second, 0s), 0s), 200);

  const auto attempts = reader_->attempts(tenant_, run.delivery);

  std::vector<std::pair<int, int>> order;
  for (const Attempt& attempt : *attempts) order.emplace_back(attempt.run, attempt.number);
  EXPECT_EQ(order, (std::vector<std::pair<int, int>>{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {2, 3}}));
}

TEST_P(RunsContract, TenAttemptsAndMoreStayInOrder) {
  QueuedRun run = queued_run();
  for (int i = 0; i < 12; ++i) run = retry_later(run, 0s);

  const auto attempts = reader_->attempts(tenant_, run.delivery);

  ASSERT_EQ(attempts->size(), 12U);
  EXPECT_EQ(attempts->at(1).number, 2);
  EXPECT_EQ(attempts->at(11).number, 12);
}

TEST_P(RunsContract, ALimitKeepsTheNewestAttemptsInTheOrderMade) {
  const QueuedRun run = queued_run();
  finish(retry_later(run, 0s), 404);
  const QueuedRun second = value_of<Requeued>(commit(requeue(run.delivery))).run;
  finish(retry_later(retry_later(second, 0s), 0s), 200);
  struct Case {
    std::size_t limit;
    std::vector<std::pair<int, int>> expected;
  };
  const std::vector<std::pair<int, int>> all{{1, 1}, {1, 2}, {2, 1}, {2, 2}, {2, 3}};
  const std::vector<Case> cases{
      {0, {}}, {1, {{2, 3}}}, {4, {{1, 2}, {2, 1}, {2, 2}, {2, 3}}}, {5, all}, {6, all}};
  for (const Case& c : cases) {
    const auto attempts = reader_->attempts(tenant_, run.delivery, c.limit);

    ASSERT_TRUE(attempts.has_value());
    std::vector<std::pair<int, int>> order;
    for (const Attempt& attempt : *attempts) order.emplace_back(attempt.run, attempt.number);
    EXPECT_EQ(order, c.expected) << "limit " << c.limit;
  }
}

TEST_P(RunsContract, AnOpenDeliveryIsBroughtForward) {
  const QueuedRun run = retry_later(queued_run(), 1h);
  make_.now += 1s;

  const Requeued requeued = value_of<Requeued>(commit(requeue(run.delivery)));

  EXPECT_FALSE(requeued.is_new_run);
  QueuedRun expected = run;
  expected.next_attempt_at = make_.now;
  EXPECT_EQ(text_of(requeued.run), text_of(expected));
  EXPECT_EQ(must_have(run.delivery).next_attempt_at, make_.now);
}

TEST_P(RunsContract, ADueDeliveryIsNotPutOffByARequeue) {
  const QueuedRun run = queued_run();
  make_.now += 1h;

  EXPECT_EQ(value_of<Requeued>(commit(requeue(run.delivery))).run.next_attempt_at,
            run.next_attempt_at);
}

TEST_P(RunsContract, ASkippedDeliveryCanBeRequeued) {
  EventPlan plan = make_.plan(tenant_, {});
  plan.skipped.push_back(make_.run(plan.event, webhook_));
  publish(plan);

  const Requeued requeued = value_of<Requeued>(commit(requeue(plan.skipped[0].delivery)));

  EXPECT_TRUE(requeued.is_new_run);
  EXPECT_EQ(requeued.run.run, 2);
}

TEST_P(RunsContract, AnUnknownDeliveryCannotBeRequeued) {
  EXPECT_EQ(error_of(commit(requeue(make_.id<DeliveryId>()))), Errc::not_found);
}

TEST_P(RunsContract, ANeighboursDeliveryCannotBeRequeued) {
  const QueuedRun open = queued_run();
  const QueuedRun over = queued_run();
  finish(over);
  RequeueOp theirs = requeue(open.delivery);
  theirs.tenant = stranger_;
  EXPECT_EQ(error_of(commit(theirs)), Errc::not_found);
  theirs.delivery = over.delivery;

  EXPECT_EQ(error_of(commit(theirs)), Errc::not_found);
  EXPECT_EQ(must_have(over.delivery).run, 1);
}

// ---- ended without an attempt ----

TEST_P(RunsContract, ACancelledRunKeepsItsAttempts) {
  const QueuedRun run = retry_later(queued_run(), 1h);
  make_.now += 1s;

  EXPECT_EQ(value_of<Unit>(commit(cancel(run.delivery))), Unit{});

  const Delivery delivery = must_have(run.delivery);
  EXPECT_EQ(delivery.status, DeliveryStatus::cancelled);
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(delivery.response_status, 500);
  EXPECT_EQ(delivery.error_kind, ErrorKind::cancelled);
  EXPECT_EQ(delivery.last_error, "cancelled by a person");
  EXPECT_EQ(delivery.completed_at, make_.now);
}

TEST_P(RunsContract, AFinishedDeliveryCannotBeCancelled) {
  const QueuedRun run = queued_run();
  finish(run);

  EXPECT_EQ(error_of(commit(cancel(run.delivery))), Errc::conflict);
  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::success);
}

TEST_P(RunsContract, ANeighboursDeliveryCannotBeCancelled) {
  const QueuedRun open = queued_run();
  const QueuedRun over = queued_run();
  finish(over);
  EndRunOp theirs = cancel(open.delivery);
  theirs.tenant = stranger_;
  EXPECT_EQ(error_of(commit(theirs)), Errc::not_found);
  theirs.delivery = over.delivery;
  EXPECT_EQ(error_of(commit(theirs)), Errc::not_found);

  EXPECT_EQ(must_have(open.delivery).status, DeliveryStatus::pending);
}

TEST_P(RunsContract, OnlyTheFirstOfTwoCancelsInABatchHappens) {
  const QueuedRun run = queued_run();

  const auto done = commit_batch(cancel(run.delivery), cancel(run.delivery));

  EXPECT_TRUE(done[0].has_value());
  EXPECT_EQ(error_of(done[1]), Errc::conflict);
}

// ---- settled ----

TEST_P(RunsContract, ARunOfADisabledWebhookReadsAsFailedBeforeItIsMoved) {
  const QueuedRun run = retry_later(queued_run(), 1h);
  settle_webhook(false);

  const Delivery delivery = must_have(run.delivery);

  EXPECT_EQ(delivery.status, DeliveryStatus::failed);
  EXPECT_EQ(delivery.error_kind, ErrorKind::webhook_disabled);
  EXPECT_FALSE(delivery.last_error.empty());
  EXPECT_EQ(delivery.attempts, 1);
  EXPECT_EQ(delivery.completed_at, make_.now);
  EXPECT_FALSE(delivery.next_attempt_at);
}

TEST_P(RunsContract, ARunOfADeletedWebhookReadsAsCancelledBeforeItIsMoved) {
  const QueuedRun run = queued_run();
  settle_webhook(true);

  const Delivery delivery = must_have(run.delivery);

  EXPECT_EQ(delivery.status, DeliveryStatus::cancelled);
  EXPECT_EQ(delivery.error_kind, ErrorKind::webhook_deleted);
}

TEST_P(RunsContract, ARunPlannedAfterTheLineIsAlive) {
  settle_webhook(false);
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.runs[0].webhook_version = 2;
  publish(plan);

  EXPECT_EQ(must_have(plan.runs[0].delivery).status, DeliveryStatus::pending);
}

TEST_P(RunsContract, SettledRunsAreFoundByTheStatusTheyReadAs) {
  const QueuedRun run = queued_run();
  settle_webhook(false);

  const auto failed =
      reader_->deliveries(tenant_, {.status = DeliveryStatus::failed}, std::nullopt, 10);
  const auto pending =
      reader_->deliveries(tenant_, {.status = DeliveryStatus::pending}, std::nullopt, 10);

  EXPECT_EQ(ids_of(failed->rows), std::vector{run.delivery});
  EXPECT_TRUE(pending->rows.empty());
}

TEST_P(RunsContract, SettlingMovesRunsInChunksAndNoneAboveTheLine) {
  std::vector<QueuedRun> runs;
  for (int i = 0; i < 5; ++i) runs.push_back(queued_run());
  EventPlan alive = make_.plan(tenant_, {webhook_});
  alive.runs[0].webhook_version = 2;
  publish(alive);
  const EventPlan other = published({make_.id<WebhookId>()});

  EXPECT_EQ(value_of<Settled>(commit(settle(2))), (Settled{.rows = 2, .has_more = true}));
  EXPECT_EQ(value_of<Settled>(commit(settle(2))), (Settled{.rows = 2, .has_more = true}));
  EXPECT_EQ(value_of<Settled>(commit(settle(2))), (Settled{.rows = 1, .has_more = false}));
  EXPECT_EQ(value_of<Settled>(commit(settle(2))), (Settled{.rows = 0, .has_more = false}));

  for (const QueuedRun& run : runs) {
    const Delivery delivery = must_have(run.delivery);
    EXPECT_EQ(delivery.status, DeliveryStatus::failed);
    EXPECT_EQ(delivery.last_error, "the webhook was disabled");
  }
  EXPECT_EQ(queued().rows.size(), 1U);
  EXPECT_EQ(must_have(other.runs[0].delivery).status, DeliveryStatus::pending);
}

TEST_P(RunsContract, SettlingExactlyWhatIsThereLeavesNothing) {
  queued_run();
  queued_run();

  EXPECT_EQ(value_of<Settled>(commit(settle(2))), (Settled{.rows = 2, .has_more = false}));
}

TEST_P(RunsContract, ASettledRunKeepsItsAttempts) {
  const QueuedRun run = retry_later(queued_run(), 1h);

  commit(settle(10));

  EXPECT_EQ(must_have(run.delivery).attempts, 1);
  EXPECT_EQ(must_have(run.delivery).response_status, 500);
}

TEST_P(RunsContract, ARunThatReadsAsOverCannotBeCancelled) {
  const QueuedRun run = queued_run();
  settle_webhook(false);

  EXPECT_EQ(error_of(commit(cancel(run.delivery))), Errc::conflict);
}

TEST_P(RunsContract, ARunThatReadsAsOverIsRequeuedAsTheNextOne) {
  const QueuedRun run = retry_later(queued_run(), 1h);
  settle_webhook(false);

  const Requeued requeued = value_of<Requeued>(commit(requeue(run.delivery)));
  EXPECT_TRUE(requeued.is_new_run);
  EXPECT_EQ(requeued.run.run, 2);
  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::pending);

  commit(settle(10));
  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::pending);
}

TEST_P(RunsContract, AnAttemptInFlightWhenItsWebhookWasDisabledStillCounts) {
  const QueuedRun run = queued_run();
  settle_webhook(false);

  finish(run, 200);

  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::success);
}

// ---- whose it is ----

TEST_P(RunsContract, NoReadShowsAnotherTenantsDelivery) {
  const EventPlan plan = published({webhook_});
  const DeliveryId id = plan.runs[0].delivery;
  retry_later(plan.runs[0], 0s);

  EXPECT_EQ(error_of(reader_->event(stranger_, plan.event.id)), Errc::not_found);
  EXPECT_EQ(error_of(reader_->event_deliveries(stranger_, plan.event.id)), Errc::not_found);
  EXPECT_EQ(error_of(reader_->delivery(stranger_, id)), Errc::not_found);
  EXPECT_EQ(error_of(reader_->attempts(stranger_, id)), Errc::not_found);
  EXPECT_TRUE(reader_->events(stranger_, {}, std::nullopt, 10)->rows.empty());
  EXPECT_TRUE(reader_->deliveries(stranger_, {}, std::nullopt, 10)->rows.empty());
  EXPECT_TRUE(
      reader_->deliveries(stranger_, {.webhook = webhook_}, std::nullopt, 10)->rows.empty());
}

TEST_P(RunsContract, UnknownIdsAreNotFound) {
  EXPECT_EQ(error_of(reader_->event(tenant_, make_.id<EventId>())), Errc::not_found);
  EXPECT_EQ(error_of(reader_->event_deliveries(tenant_, make_.id<EventId>())), Errc::not_found);
  EXPECT_EQ(error_of(reader_->delivery(tenant_, make_.id<DeliveryId>())), Errc::not_found);
  EXPECT_EQ(error_of(reader_->attempts(tenant_, make_.id<DeliveryId>())), Errc::not_found);
}

}  // namespace
}  // namespace fanfare::contract
