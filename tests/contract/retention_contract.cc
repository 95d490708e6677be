// What retention removes, what it keeps, and how what is left still reads.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class RetentionContract : public StoreContract {
 protected:
  // Steps until nothing is left to do; what all of them removed.
  RetentionCounts expire(const RetentionCutoffs& cutoffs, std::size_t rows_max = 500) {
    RetentionCounts removed;
    ExpireOp op{.cutoffs = cutoffs, .rows_max = rows_max, .versions_after = {}, .now = make_.now};
    for (int steps = 0; steps < 1000; ++steps) {
      const auto done = commit(op);
      const Expired expired = value_of<Expired>(done);
      EXPECT_LE(expired.removed.total(), rows_max);
      removed += expired.removed;
      op.versions_after = expired.versions_after;
      maintain();
      if (!expired.has_more) return removed;
    }
    ADD_FAILURE() << "it never ends";
    return removed;
  }
  RetentionCutoffs all_before(Timestamp then) const { return {then, then, then}; }
  // An event with one run that has succeeded.
  QueuedRun delivered() {
    const QueuedRun run = queued_run();
    finish(run);
    return run;
  }
  std::vector<DeliveryId> listed() {
    return ids_of(reader_->deliveries(tenant_, {}, std::nullopt, 250)->rows);
  }
  std::vector<DeliveryId> listed_of_webhook() {
    return ids_of(reader_->deliveries(tenant_, {.webhook = webhook_}, std::nullopt, 250)->rows);
  }
  std::vector<EventId> listed_events() {
    return ids_of(reader_->events(tenant_, {}, std::nullopt, 250)->rows);
  }
};
RUN_ON_ALL_STORES(RetentionContract);

TEST_P(RetentionContract, WhatIsOldGoesAndWhatIsNewStays) {
  const QueuedRun old = delivered();
  make_.now += 2h;
  const QueuedRun recent = delivered();
  maintain();

  const RetentionCounts removed = expire(all_before(make_.now - 1h));

  EXPECT_EQ(removed, (RetentionCounts{.events = 1, .attempts = 1, .deliveries = 1}));
  EXPECT_EQ(error_of(reader_->event(tenant_, old.event)), Errc::not_found);
  EXPECT_EQ(error_of(delivery(old.delivery)), Errc::not_found);
  EXPECT_EQ(listed(), (std::vector{recent.delivery}));
  EXPECT_EQ(listed_of_webhook(), (std::vector{recent.delivery}));
  EXPECT_EQ(listed_events(), (std::vector{recent.event}));
  EXPECT_EQ(reader_->attempts(tenant_, recent.delivery)->size(), 1U);
  EXPECT_EQ(reader_->event_deliveries(tenant_, recent.event)->size(), 1U);
}

TEST_P(RetentionContract, AnAgeIsReachedToTheMillisecond) {
  const QueuedRun run = delivered();

  EXPECT_EQ(expire(all_before(make_.now)).total(), 0U);
  EXPECT_EQ(expire(all_before(make_.now + 1ms)).total(), 3U);
  EXPECT_EQ(error_of(delivery(run.delivery)), Errc::not_found);
}

TEST_P(RetentionContract, StepsAreBoundedAndTogetherRemoveAll) {
  for (int i = 0; i < 7; ++i) delivered();
  maintain();
  make_.now += 1h;

  const RetentionCounts removed = expire(all_before(make_.now), 2);

  EXPECT_EQ(removed, (RetentionCounts{.events = 7, .attempts = 7, .deliveries = 7}));
  EXPECT_TRUE(listed().empty());
  EXPECT_TRUE(listed_events().empty());
}

TEST_P(RetentionContract, ADeliveryWithoutEventAndAttemptsStillReads) {
  const QueuedRun run = delivered();
  maintain();
  make_.now += 1h;

  expire({.events = make_.now, .attempts = make_.now, .deliveries = make_.now - 2h});

  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::success);
  EXPECT_TRUE(reader_->attempts(tenant_, run.delivery)->empty());
  EXPECT_EQ(listed(), (std::vector{run.delivery}));
  EXPECT_TRUE(listed_events().empty());
  EXPECT_EQ(error_of(commit(requeue(run.delivery))), Errc::not_found) << "nothing left to send";
}

TEST_P(RetentionContract, AttemptsAloneMayGo) {
  const QueuedRun waiting = retry_later(queued_run(), 1h);
  make_.now += 1h;

  const auto removed =
      expire({.events = make_.now - 2h, .attempts = make_.now, .deliveries = make_.now - 2h});

  EXPECT_EQ(removed, (RetentionCounts{.attempts = 1}));
  EXPECT_EQ(must_have(waiting.delivery).attempts, 1);
  EXPECT_EQ(ids_of(queued()), (std::vector{waiting.delivery}));
}

TEST_P(RetentionContract, AnOpenRunEndsAsExpiredBeforeItsEventGoes) {
  const QueuedRun run = retry_later(queued_run(), 1h);
  const QueuedRun paused = queued_run();
  make_.now += 1h;

  const auto done = commit(ExpireOp{
      .cutoffs = {make_.now, {}, {}}, .rows_max = 100, .versions_after = {}, .now = make_.now});

  const Expired& expired = value_of<Expired>(done);
  EXPECT_EQ(expired.removed, (RetentionCounts{.runs_ended = 2, .events = 2}));
  ASSERT_EQ(expired.ended.size(), 2U);
  EXPECT_EQ(text_of(expired.ended[0]), text_of(run));
  EXPECT_EQ(expired.ended[1].delivery, paused.delivery);
  const Delivery ended = must_have(run.delivery);
  EXPECT_EQ(ended.status, DeliveryStatus::failed);
  EXPECT_EQ(ended.error_kind, ErrorKind::expired);
  EXPECT_FALSE(ended.last_error.empty());
  EXPECT_EQ(ended.completed_at, make_.now);
  EXPECT_EQ(ended.attempts, 1);
  EXPECT_TRUE(queued().rows.empty());
}

TEST_P(RetentionContract, WhatAWebhookHasSettledDoesNotExpire) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  put(row, 0);
  const QueuedRun run = queued_run();
  row.webhook.version = 2;
  row.webhook.settled_below = 2;
  row.webhook.is_deleted = true;
  put(row, 1);
  make_.now += 1h;

  expire({make_.now, {}, {}});

  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::cancelled);
  EXPECT_EQ(must_have(run.delivery).error_kind, ErrorKind::webhook_deleted);
}

TEST_P(RetentionContract, AnAttemptUnderWayWhenItsRunExpiresChangesNothing) {
  const QueuedRun run = queued_run();
  make_.now += 1h;
  expire({make_.now, {}, {}});

  EXPECT_FALSE(record(make_.attempt(run, 200)).was_current);
  EXPECT_EQ(must_have(run.delivery).error_kind, ErrorKind::expired);
}

TEST_P(RetentionContract, ADeliveryDoesNotGoBeforeItsEvent) {
  const QueuedRun run = delivered();
  make_.now += 1h;

  const auto removed = expire({.events = {}, .attempts = {}, .deliveries = make_.now});

  EXPECT_EQ(removed.total(), 0U);
  EXPECT_EQ(must_have(run.delivery).status, DeliveryStatus::success);
}

TEST_P(RetentionContract, EveryRunOfADeliveryGoes) {
  const QueuedRun run = delivered();
  finish(value_of<Requeued>(commit(requeue(run.delivery))).run, 500);
  make_.now += 1h;

  const auto removed = expire(all_before(make_.now), 1);

  EXPECT_EQ(removed, (RetentionCounts{.events = 1, .attempts = 2, .deliveries = 2}));
  EXPECT_TRUE(listed().empty());
}

TEST_P(RetentionContract, VersionsThatNothingPinsGoAndTheNewestStays) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  row.webhook.updated_at = make_.now;
  for (int version = 1; version <= 4; ++version) {
    row.webhook.version = version;
    row.webhook.updated_at = make_.now;
    put(row, version - 1);
    make_.now += 48h;
  }

  // Version 3 is of 96 h ago and 4 of 48 h ago: 3 was in force until then.
  const auto removed = expire(all_before(make_.now - 60h), 1);

  EXPECT_EQ(removed, (RetentionCounts{.webhook_versions = 2}));
  EXPECT_EQ(error_of(reader_->webhook_version(webhook_, 2)), Errc::not_found);
  EXPECT_TRUE(reader_->webhook_version(webhook_, 3));
  EXPECT_TRUE(reader_->webhook_version(webhook_, 4));
  EXPECT_EQ(expire(all_before(make_.now + 9999h)).webhook_versions, 1U);
  EXPECT_TRUE(reader_->webhook_version(webhook_, 4)) << "the newest stays, however old";
}

TEST_P(RetentionContract, AVersionStaysWhileARunOrAttemptMayPinIt) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  row.webhook.updated_at = make_.now;
  put(row, 0);
  const QueuedRun run = delivered();
  make_.now += 1h;
  row.webhook.version = 2;
  row.webhook.updated_at = make_.now;
  put(row, 1);
  const Timestamp changed_at = make_.now;
  make_.now += 9999h;

  // Each kind of history alone keeps it.
  for (Timestamp RetentionCutoffs::* kept :
       {&RetentionCutoffs::events, &RetentionCutoffs::attempts, &RetentionCutoffs::deliveries}) {
    RetentionCutoffs cutoffs = all_before(make_.now);
    cutoffs.*kept = changed_at - 2h;
    if (kept != &RetentionCutoffs::events) cutoffs.events = changed_at - 2h;
    EXPECT_EQ(expire(cutoffs).webhook_versions, 0U);
    EXPECT_TRUE(reader_->webhook_version(webhook_, run.webhook_version));
  }
}

TEST_P(RetentionContract, ADryRunCountsWhatACleanupRemoves) {
  StoredWebhook row = make_.webhook(tenant_);
  put(row, 0);
  row.webhook.version = 2;
  put(row, 1);
  for (int i = 0; i < 3; ++i) delivered();
  queued_run();
  make_.now += 72h;
  delivered();
  const RetentionCutoffs cutoffs = all_before(make_.now - 1h);

  const auto counted = reader_->count_expired(cutoffs, 100);

  ASSERT_TRUE(counted);
  // The run that ends is a finished one then, and goes with the rest.
  RetentionCounts expected = *counted;
  expected.deliveries += 1;
  EXPECT_EQ(
      *counted,
      (RetentionCounts{
          .runs_ended = 1, .events = 4, .attempts = 3, .deliveries = 3, .webhook_versions = 1}));
  EXPECT_EQ(expire(cutoffs), expected);
  EXPECT_EQ(reader_->count_expired(cutoffs, 100)->total(), 0U);
}

TEST_P(RetentionContract, ADryRunStopsCountingAtItsBound) {
  for (int i = 0; i < 4; ++i) delivered();
  make_.now += 1h;

  const auto counted = reader_->count_expired(all_before(make_.now), 2);

  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->events, 3U) << "more than two";
  EXPECT_EQ(counted->attempts, 3U);
}

TEST_P(RetentionContract, LaterIdsStayAboveWhatIsGone) {
  const QueuedRun run = delivered();
  for (int i = 0; i < 5; ++i) maintain();
  make_.now += 1h;
  expire(all_before(make_.now));

  const auto newest = opened_.store->writer().newest_id();

  ASSERT_TRUE(newest);
  const QueuedRun next = delivered();
  maintain();
  EXPECT_GT(next.delivery, run.delivery);
  EXPECT_EQ(listed(), (std::vector{next.delivery}));
  EXPECT_EQ(listed_of_webhook(), (std::vector{next.delivery}));
}

TEST_P(RetentionContract, AnEventIdOfAnEventThatIsGoneIsStillADuplicate) {
  EventPlan first = make_.plan(tenant_, {});
  first.event.event_id = "order-17";
  first.fingerprint = std::string(32, 'f');
  publish(first);
  make_.now += 1h;
  expire(all_before(make_.now));
  EventPlan again = make_.plan(tenant_, {});
  again.event.event_id = "order-17";
  again.fingerprint = first.fingerprint;

  const Published answer = publish(again);

  EXPECT_TRUE(answer.is_duplicate);
  EXPECT_EQ(answer.id, first.event.id);
}

TEST_P(RetentionContract, ListsStepOverWhatWentWhileTheIndexWasBehind) {
  std::vector<QueuedRun> runs;
  for (int i = 0; i < 6; ++i) {
    runs.push_back(delivered());
    make_.now += 1h;
  }
  // The first three go before, between and after steps of the index.
  for (int i = 1; i <= 3; ++i) {
    expire(all_before(runs[static_cast<std::size_t>(i)].created_at), 1);
    delivered();
  }
  for (int i = 0; i < 20; ++i) maintain();

  EXPECT_EQ(listed().size(), 6U);
  EXPECT_EQ(listed(), listed_of_webhook());
  EXPECT_EQ(listed_events().size(), 6U);
}

TEST_P(RetentionContract, ADeletedWebhookGoesWhenNothingCanNameIt) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.updated_at = make_.now;
  put(row, 0);
  row.webhook.version = 2;
  row.webhook.is_deleted = true;
  row.webhook.settled_below = 3;
  put(row, 1);
  StoredWebhook kept = make_.webhook(tenant_);
  kept.webhook.updated_at = make_.now;
  put(kept, 0);
  make_.now += 72h;

  EXPECT_EQ(expire(all_before(make_.now - 73h)).webhook_versions, 0U);
  EXPECT_TRUE(reader_->webhook_version(row.webhook.id, 2)) << "what is kept may name it";
  const RetentionCutoffs cutoffs = all_before(make_.now);
  EXPECT_EQ(reader_->count_expired(cutoffs, 10)->webhook_versions, 2U);
  EXPECT_EQ(expire(cutoffs, 1).webhook_versions, 2U);

  EXPECT_EQ(error_of(reader_->webhook_version(row.webhook.id, 2)), Errc::not_found);
  const auto config = reader_->load_config();
  ASSERT_EQ(config->webhooks.size(), 1U);
  EXPECT_EQ(config->webhooks.front().webhook.id, kept.webhook.id);
}

TEST_P(RetentionContract, TheSameEventIdHasTheFirstAnswerAfterItsEventWent) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.event.event_id = "order-1";
  plan.fingerprint = "print";
  const Published first = publish(plan);
  finish(plan.runs.front());
  make_.now += 72h;
  expire(all_before(make_.now));
  ASSERT_EQ(error_of(reader_->event(tenant_, plan.event.id)), Errc::not_found);
  EventPlan again = make_.plan(tenant_, {webhook_});
  again.event.event_id = "order-1";
  again.fingerprint = "print";

  const Published second = publish(again);

  EXPECT_TRUE(second.is_duplicate);
  EXPECT_EQ(second.id, first.id);
  EXPECT_EQ(second.deliveries, 1);
}

}  // namespace
}  // namespace fanfare::contract
