// Statistics: what a commit counts as is in it, sums are flushed once, and old rows go.
#include "storage/rollup_batch.h"
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class RollupsContract : public StoreContract {
 protected:
  std::vector<TailRow> tail() {
    auto start = reader_->load_rollups();
    EXPECT_TRUE(start.has_value()) << (start ? "" : start.error().message);
    return start ? start->tail : std::vector<TailRow>{};
  }
  // What everything in the tail counts as, together.
  RollupCounts counted() {
    RollupCounts sum;
    for (const TailRow& row : tail()) {
      const auto batch = RollupBatch::decode(row.bytes);
      EXPECT_TRUE(batch.has_value());
      for (const auto& count : batch->counts()) sum.add(count.counts);
    }
    return sum;
  }
  LiveState live() {
    LiveState state;
    for (const TailRow& row : tail()) {
      const auto batch = RollupBatch::decode(row.bytes);
      for (const auto& one : batch->lives()) state.then(one.change);
    }
    return state;
  }
  RollupKey key() const { return {RollupScope::webhook, webhook_.value, {}}; }
  FlushRollupsOp flush(std::int64_t covered, std::int64_t accepted) const {
    RollupUnit unit{.key = key(), .minutes = {}};
    RollupCounts counts{.accepted = accepted};
    counts.times.add(40);
    unit.minutes.push_back({floor_to(make_.now, Resolution::minute), counts});
    return FlushRollupsOp{.covered = covered, .units = {unit}, .webhooks = {}};
  }
  std::vector<RollupRow> rows(Resolution resolution) {
    const RollupSpan span{.resolution = resolution,
                          .from = floor_to(make_.now - length_of(resolution), resolution),
                          .to = floor_to(make_.now, resolution) + length_of(resolution)};
    return *reader_->rollups(key(), span);
  }
};
RUN_ON_ALL_STORES(RollupsContract);

// ---- the tail ----

TEST_P(RollupsContract, EveryWayThatARunGoesIsCounted) {
  finish(queued_run());
  finish(queued_run(), 500);
  const QueuedRun cancelled = retry_later(queued_run(), 5s);
  value_of<Unit>(commit(cancel(cancelled.delivery)));
  EventPlan skipped = make_.plan(tenant_, {});
  skipped.skipped.push_back(make_.run(skipped.event, webhook_));
  publish(skipped);
  value_of<Requeued>(commit(requeue(cancelled.delivery)));

  const RollupCounts sum = counted();
  EXPECT_EQ(sum.accepted, 4);
  EXPECT_EQ(sum.succeeded, 1);
  EXPECT_EQ(sum.failed, 1);
  EXPECT_EQ(sum.cancelled, 1);
  EXPECT_EQ(sum.skipped, 1);
  EXPECT_EQ(sum.attempts, 3);
  EXPECT_EQ(sum.failed_attempts, 2);
  EXPECT_EQ(sum.times.count(), 3);
  EXPECT_EQ(live().open, 1);
}

TEST_P(RollupsContract, SettledRunsAreCountedOneByOne) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  put(row, 0);
  for (int i = 0; i < 3; ++i) queued_run();

  value_of<Settled>(commit(SettleOp{.webhook = webhook_,
                                    .below_version = 2,
                                    .status = DeliveryStatus::failed,
                                    .kind = ErrorKind::webhook_disabled,
                                    .error = "disabled",
                                    .rows_max = 2,
                                    .now = make_.now}));

  EXPECT_EQ(counted().failed, 2);
  EXPECT_EQ(live().open, 1);
}

TEST_P(RollupsContract, ARunThatIsRequeuedBeforeItWasSettledEndsFirst) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  put(row, 0);
  const QueuedRun run = queued_run();
  row.webhook.version = 2;
  row.webhook.settled_below = 2;
  row.webhook.status = WebhookStatus::disabled;
  put(row, 1);

  value_of<Requeued>(commit(requeue(run.delivery)));

  EXPECT_EQ(counted().failed, 1);
  EXPECT_EQ(live().open, 1);
}

TEST_P(RollupsContract, ARunThatRetentionEndsIsCounted) {
  queued_run();
  make_.now += 24h;

  commit(ExpireOp{
      .cutoffs = {make_.now, make_.now, make_.now}, .versions_after = {}, .now = make_.now});

  EXPECT_EQ(counted().failed, 1);
  EXPECT_EQ(live().open, 0);
}

TEST_P(RollupsContract, AnAttemptWhoseRunIsOverCountsAsAnAttemptOnly) {
  const QueuedRun run = queued_run();
  const AttemptOp op = make_.attempt(run, 200);
  value_of<Unit>(commit(cancel(run.delivery)));

  EXPECT_FALSE(record(op).was_current);

  EXPECT_EQ(counted().attempts, 1);
  EXPECT_EQ(counted().succeeded, 0);
  EXPECT_EQ(live().open, 0);
}

TEST_P(RollupsContract, ADuplicateOrRefusedOperationCountsAsNothing) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.event.event_id = "order-1";
  publish(plan);
  const std::size_t rows_before = tail().size();
  EventPlan again = make_.plan(tenant_, {webhook_});
  again.event.event_id = "order-1";

  EXPECT_TRUE(publish(again).is_duplicate);
  EXPECT_FALSE(commit(cancel(make_.id<DeliveryId>())).has_value());

  EXPECT_EQ(tail().size(), rows_before);
  EXPECT_EQ(opened_.store->writer().last_tail().seq, 0);
}

// An id that is stored already is refused in the middle of the batch; its neighbours stay.
TEST_P(RollupsContract, WhatIsUndoneIsNotCounted) {
  const EventPlan stored = published({webhook_});
  EventPlan fresh = make_.plan(tenant_, {webhook_});
  EventPlan broken = make_.plan(tenant_, {webhook_, webhook_});
  broken.runs[1].delivery = stored.runs[0].delivery;

  const auto results = commit_batch(PublishOp{{broken}}, PublishOp{{fresh}});

  ASSERT_EQ(results.size(), 2U);
  EXPECT_FALSE(results[0].has_value());
  EXPECT_EQ(counted().accepted, 2);
}

TEST_P(RollupsContract, TheWriterTellsWhatItsLastCommitCountsAs) {
  queued_run();
  const std::int64_t first = opened_.store->writer().last_tail().seq;
  queued_run();

  const RollupTail& told = opened_.store->writer().last_tail();
  EXPECT_EQ(told.seq, first + 1);
  EXPECT_EQ(told.batch.encode(), tail().back().bytes);
}

TEST_P(RollupsContract, EnablingForgetsFailures) {
  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  put(row, 0);
  finish(queued_run(), 500);
  EXPECT_EQ(live().deliveries.count, 1);
  row.webhook.version = 2;

  value_of<Unit>(commit(PutWebhookOp{.row = row, .expected_version = 1, .forgets_failures = true}));

  EXPECT_EQ(live().deliveries.count, 0);
  EXPECT_EQ(live().attempts.count, 0);
}

// ---- sums ----

TEST_P(RollupsContract, AFlushAddsToMinuteHourAndDay) {
  value_of<Unit>(commit(flush(1, 2)));
  make_.now += 61s;
  value_of<Unit>(commit(flush(2, 3)));

  EXPECT_EQ(rows(Resolution::minute).size(), 2U);
  ASSERT_EQ(rows(Resolution::hour).size(), 1U);
  const RollupRow hour = rows(Resolution::hour).front();
  EXPECT_EQ(hour.counts.accepted, 5);
  EXPECT_EQ(hour.counts.times.count(), 2);
  EXPECT_EQ(hour.counts.times.sum_ms(), 80);
  EXPECT_EQ(hour.counts.times.quantile_ms(1.0), 40);
  EXPECT_EQ(hour.covered, 2);
  EXPECT_EQ(rows(Resolution::day).front().counts.accepted, 5);
}

TEST_P(RollupsContract, TheSameFlushTwiceCountsOnce) {
  value_of<Unit>(commit(flush(7, 2)));
  value_of<Unit>(commit(flush(7, 2)));

  EXPECT_EQ(rows(Resolution::minute).front().counts.accepted, 2);
  EXPECT_EQ(rows(Resolution::day).front().counts.accepted, 2);
}

TEST_P(RollupsContract, HowFarAnOwnerIsCoveredIsItsOwn) {
  value_of<Unit>(commit(flush(9, 1)));
  RollupKey other = key();
  other.owner = tenant_.value;

  EXPECT_EQ(reader_->rollup_covered(key(), make_.now), 9);
  EXPECT_EQ(reader_->rollup_covered(key(), make_.now + 24h), 0);
  EXPECT_EQ(reader_->rollup_covered(other, make_.now), 0);
}

TEST_P(RollupsContract, RowsOfAllTypesComeNewestFirstAndBounded) {
  FlushRollupsOp op{.covered = 1, .units = {}, .webhooks = {}};
  for (const std::string type : {"a", "b", "c"}) {
    RollupUnit unit{.key = {RollupScope::tenant_type, tenant_.value, type}, .minutes = {}};
    unit.minutes.push_back({floor_to(make_.now - 1h, Resolution::minute), {.accepted = 1}});
    unit.minutes.push_back({floor_to(make_.now, Resolution::minute), {.accepted = 2}});
    op.units.push_back(unit);
  }
  value_of<Unit>(commit(op));
  const RollupSpan span{.resolution = Resolution::hour,
                        .from = floor_to(make_.now - 2h, Resolution::hour),
                        .to = floor_to(make_.now, Resolution::hour) + 1h};
  const RollupKey types{RollupScope::tenant_type, tenant_.value, {}};

  const auto all = *reader_->rollups_by_type(types, span, 100);
  const auto some = *reader_->rollups_by_type(types, span, 4);

  ASSERT_EQ(all.rows.size(), 6U);
  EXPECT_FALSE(all.has_more);
  EXPECT_EQ(all.rows.front().event_type, "c");
  EXPECT_EQ(all.rows.front().counts.accepted, 2);
  EXPECT_EQ(some.rows.size(), 4U);
  EXPECT_TRUE(some.has_more);
}

TEST_P(RollupsContract, AWebhooksStateReadsBackWhole) {
  WebhookStats stats{
      .webhook = webhook_, .tenant = tenant_, .live = {}, .totals = {}, .covered = 5};
  stats.live.open = 3;
  stats.live.deliveries = {.count = 4,
                           .excused = 1,
                           .first_at = make_.now - 9s,
                           .last_at = make_.now,
                           .excused_for = 7s};
  stats.live.attempts = {.count = 8,
                         .excused = 2,
                         .first_at = make_.now - 8s,
                         .last_at = make_.now,
                         .excused_for = 3s};
  stats.live.last = {
      .at = make_.now, .is_success = false, .response_status = 503, .error = "it was busy"};
  stats.live.last_success_at = make_.now - 1h;
  stats.totals = {.accepted = 9, .succeeded = 5, .failed = 4, .attempts = 12};
  stats.totals.times.add(70);

  StoredWebhook row = make_.webhook(tenant_);
  row.webhook.id = webhook_;
  put(row, 0);
  value_of<Unit>(commit(FlushRollupsOp{.covered = 5, .units = {}, .webhooks = {stats}}));

  const auto start = reader_->load_rollups();
  ASSERT_EQ(start->webhooks.size(), 1U);
  const WebhookStats& back = start->webhooks.front();
  EXPECT_EQ(back.webhook, webhook_);
  EXPECT_EQ(back.tenant, tenant_);
  EXPECT_EQ(back.live, stats.live);
  EXPECT_EQ(back.totals, stats.totals);
  EXPECT_EQ(back.covered, 5);
}

// ---- trimming ----

TEST_P(RollupsContract, TheTailIsTrimmedInStepsAndKeepsItsNewestRow) {
  for (int i = 0; i < 5; ++i) queued_run();
  const std::int64_t newest = tail().back().seq;

  EXPECT_TRUE(value_of<Trimmed>(commit(TrimRollupTailOp{.up_to = newest, .rows_max = 2})).has_more);
  EXPECT_EQ(tail().size(), 3U);
  commit(TrimRollupTailOp{.up_to = newest, .rows_max = 10});
  ASSERT_EQ(tail().size(), 1U);
  queued_run();

  EXPECT_EQ(tail().back().seq, newest + 1);
}

TEST_P(RollupsContract, WhatIsNotCoveredStaysInTheTail) {
  for (int i = 0; i < 5; ++i) queued_run();
  const std::int64_t third = tail()[2].seq;

  commit(TrimRollupTailOp{.up_to = third, .rows_max = 10});

  ASSERT_EQ(tail().size(), 2U);
  EXPECT_EQ(tail().front().seq, third + 1);
}

TEST_P(RollupsContract, NothingIsKeptOfAWebhookThatWasPurged) {
  WebhookStats stats{.webhook = webhook_, .tenant = tenant_, .live = {}, .totals = {}};
  stats.covered = 5;

  value_of<Unit>(commit(FlushRollupsOp{.covered = 5, .units = {}, .webhooks = {stats}}));

  EXPECT_TRUE(reader_->load_rollups()->webhooks.empty());
}

}  // namespace
}  // namespace fanfare::contract
