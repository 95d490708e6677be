#include "storage/rollup_batch.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

const Webhook kHook = webhook_of(1);

AttemptOp attempt_of(const QueuedRun& run, int status, Timestamp at = kStart) {
  AttemptOp op;
  op.run = run;
  op.attempt.webhook = run.webhook;
  op.attempt.tenant = run.tenant;
  op.attempt.started_at = at;
  op.attempt.outcome = status == 0 ? not_answered(ErrorKind::timeout) : answered(status);
  if (status != 200) {
    op.attempt.kind = status == 0 ? ErrorKind::timeout : ErrorKind::http_status;
    op.attempt.error = "it failed";
  }
  op.final_status = status == 200 ? DeliveryStatus::success : DeliveryStatus::failed;
  op.finished_at = at;
  return op;
}

FinishedRun ended_as(const QueuedRun& run, DeliveryStatus status) {
  return FinishedRun{.run = run,
                     .status = status,
                     .kind = ErrorKind::cancelled,
                     .error = {},
                     .completed_at = kStart};
}

const RollupCounts& only(const RollupBatch& batch) {
  EXPECT_EQ(batch.counts().size(), 1U);
  return batch.counts().front().counts;
}

TEST(RollupBatch, ASuccessfulDeliveryCountsOnceInEach) {
  RollupBatch batch;
  const QueuedRun run = run_of(1, kHook);

  batch.accepted(run);
  batch.attempted(attempt_of(run, 200), true);

  EXPECT_EQ(only(batch).accepted, 1);
  EXPECT_EQ(only(batch).succeeded, 1);
  EXPECT_EQ(only(batch).attempts, 1);
  EXPECT_EQ(only(batch).failed_attempts, 0);
  EXPECT_EQ(only(batch).times.sum_ms(), 7);
  EXPECT_EQ(batch.lives().front().change.open, 0);
  EXPECT_TRUE(batch.lives().front().change.last.is_success);
}

TEST(RollupBatch, AFailedAttemptThatWaitsForItsRetryEndsNothing) {
  RollupBatch batch;
  batch.attempted(attempt_of(run_of(1, kHook), 500), false);

  EXPECT_EQ(only(batch).failed_attempts, 1);
  EXPECT_EQ(only(batch).failed, 0);
  EXPECT_EQ(batch.lives().front().change.attempts.count, 1);
  EXPECT_EQ(batch.lives().front().change.deliveries.count, 0);
}

TEST(RollupBatch, ATimeoutHasNoResponseTime) {
  RollupBatch batch;
  batch.attempted(attempt_of(run_of(1, kHook), 0), true);

  EXPECT_EQ(only(batch).times.count(), 0);
  EXPECT_EQ(only(batch).failed, 1);
  EXPECT_EQ(batch.lives().front().change.deliveries.count, 1);
}

TEST(RollupBatch, ASuccessEndsBothRowsOfFailures) {
  RollupBatch batch;
  batch.attempted(attempt_of(run_of(1, kHook), 500), true);
  batch.attempted(attempt_of(run_of(2, kHook), 200), true);
  batch.attempted(attempt_of(run_of(3, kHook), 500), false);

  const LiveState& change = batch.lives().front().change;
  EXPECT_TRUE(change.deliveries.is_reset);
  EXPECT_EQ(change.deliveries.count, 0);
  EXPECT_EQ(change.attempts.count, 1);
}

TEST(RollupBatch, ARequestThatCouldNotBeBuiltIsNotTheReceiversFailure) {
  RollupBatch batch;
  AttemptOp op = attempt_of(run_of(1, kHook), 0);
  op.attempt.kind = ErrorKind::internal;
  batch.attempted(op, true);

  EXPECT_EQ(only(batch).failed, 1);
  EXPECT_EQ(batch.lives().front().change.attempts.count, 0);
  EXPECT_EQ(batch.lives().front().change.deliveries.count, 0);
}

TEST(RollupBatch, EndsWithoutAnAttemptCountButAreNoFailuresInARow) {
  RollupBatch batch;
  batch.ended(ended_as(run_of(1, kHook), DeliveryStatus::cancelled));
  batch.ended(ended_as(run_of(2, kHook), DeliveryStatus::failed));

  EXPECT_EQ(only(batch).cancelled, 1);
  EXPECT_EQ(only(batch).failed, 1);
  EXPECT_EQ(batch.lives().front().change.open, -2);
  EXPECT_EQ(batch.lives().front().change.deliveries.count, 0);
}

TEST(RollupBatch, ASkippedDeliveryIsAcceptedAndNeverOpen) {
  RollupBatch batch;
  batch.ended(skipped_form(run_of(1, kHook)));

  EXPECT_EQ(only(batch).accepted, 1);
  EXPECT_EQ(only(batch).skipped, 1);
  EXPECT_EQ(batch.lives().front().change.open, 0);
}

TEST(RollupBatch, ANextRunIsOpenButNotAcceptedAgain) {
  RollupBatch batch;
  batch.reopened(run_of(1, kHook));

  EXPECT_TRUE(batch.counts().empty());
  EXPECT_EQ(batch.lives().front().change.open, 1);
}

TEST(RollupBatch, TestsCountInNothing) {
  RollupBatch batch;
  QueuedRun run = run_of(1, kHook);
  run.is_test = true;

  batch.accepted(run);
  batch.reopened(run);
  batch.attempted(attempt_of(run, 500), true);
  batch.ended(ended_as(run, DeliveryStatus::cancelled));

  EXPECT_TRUE(batch.empty());
}

TEST(RollupBatch, WebhooksTypesAndMinutesAreKeptApart) {
  RollupBatch batch;
  QueuedRun other_type = run_of(2, kHook);
  other_type.event_type = "invoice.paid";
  QueuedRun later = run_of(3, kHook);
  later.created_at = kStart + 61s;
  for (const QueuedRun& run : {run_of(1, kHook), other_type, later, run_of(4, webhook_of(2))})
    batch.accepted(run);
  batch.accepted(run_of(5, kHook));

  EXPECT_EQ(batch.counts().size(), 4U);
  EXPECT_EQ(batch.lives().size(), 2U);
  EXPECT_EQ(batch.counts()[0].counts.accepted, 2);
}

TEST(RollupBatch, AThousandWebhooksAreFoundAgain) {
  RollupBatch batch;
  for (int round = 0; round < 2; ++round) {
    for (int i = 0; i < 1000; ++i) batch.accepted(run_of(1, webhook_of(i)));
  }

  EXPECT_EQ(batch.counts().size(), 1000U);
  for (const auto& count : batch.counts()) EXPECT_EQ(count.counts.accepted, 2);
}

TEST(RollupBatch, ClearedItStartsFromNothing) {
  RollupBatch batch;
  batch.attempted(attempt_of(run_of(1, kHook), 500), true);

  batch.clear();
  EXPECT_TRUE(batch.empty());
  batch.accepted(run_of(2, kHook));

  EXPECT_EQ(only(batch), RollupCounts{.accepted = 1});
  EXPECT_EQ(batch.lives().front().change.last, LastAttemptMade{});
}

// ---- bytes ----

RollupBatch full_batch() {
  RollupBatch batch;
  for (int i = 0; i < 50; ++i) {
    const QueuedRun run = run_of(i, webhook_of(i % 7, {"*"}, i % 3));
    batch.accepted(run);
    batch.attempted(attempt_of(run,
                               i % 4 == 0   ? 200
                               : i % 4 == 1 ? 0
                                            : 500,
                               kStart + i * 7s),
                    i % 2 == 0);
    batch.ended(ended_as(run, DeliveryStatus::cancelled));
  }
  batch.enabled(id_of<WebhookId>(99), id_of<TenantId>(1));
  return batch;
}

TEST(RollupBatch, TheBytesReadBack) {
  const RollupBatch batch = full_batch();

  const auto back = RollupBatch::decode(batch.encode());

  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->lives().size(), batch.lives().size());
  ASSERT_EQ(back->counts().size(), batch.counts().size());
  for (std::size_t i = 0; i < batch.lives().size(); ++i) {
    EXPECT_EQ(back->lives()[i].webhook, batch.lives()[i].webhook);
    EXPECT_EQ(back->lives()[i].tenant, batch.lives()[i].tenant);
    EXPECT_EQ(back->lives()[i].change, batch.lives()[i].change);
  }
  for (std::size_t i = 0; i < batch.counts().size(); ++i) {
    EXPECT_EQ(back->counts()[i].live, batch.counts()[i].live);
    EXPECT_EQ(back->counts()[i].minute, batch.counts()[i].minute);
    EXPECT_EQ(back->counts()[i].event_type, batch.counts()[i].event_type);
    EXPECT_EQ(back->counts()[i].counts, batch.counts()[i].counts);
  }
}

TEST(RollupBatch, CutOrOtherBytesAreRefused) {
  const std::string bytes = full_batch().encode();

  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(RollupBatch::decode(std::string_view(bytes).substr(0, length))) << length;
  }
  EXPECT_FALSE(RollupBatch::decode(bytes + "x"));
  EXPECT_FALSE(RollupBatch::decode("\x02" + bytes.substr(1)));
}

TEST(RollupBatch, ALongErrorIsCutBetweenCharacters) {
  RollupBatch batch;
  AttemptOp op = attempt_of(run_of(1, kHook), 500);
  op.attempt.error = "x";
  while (op.attempt.error.size() < 2 * limits::kRollupErrorBytesMax) op.attempt.error += "é";
  batch.attempted(op, true);

  const std::string& kept = batch.lives().front().change.last.error;
  EXPECT_LE(kept.size(), limits::kRollupErrorBytesMax);
  EXPECT_EQ(kept.size() % 2, 1U);
}

TEST(RollupBatch, AddingBatchesIsAsReportingTheirFacts) {
  RollupBatch sum;
  RollupBatch part;
  part.accepted(run_of(1, kHook));
  part.attempted(attempt_of(run_of(1, kHook), 500), false);
  sum.add(part);
  sum.add(part);

  EXPECT_EQ(only(sum).accepted, 2);
  EXPECT_EQ(sum.lives().front().change.attempts.count, 2);
}

}  // namespace
}  // namespace fanfare
