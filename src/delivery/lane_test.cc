#include "delivery/lane.h"

#include <gtest/gtest.h>

#include "base/limits.h"
#include "tests/support/builders.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

constexpr std::size_t kBytesFree = 1 << 20;

class LaneTest : public ::testing::Test {
 protected:
  Webhook webhook = webhook_of(1);
  Lane lane{shared(webhook)};

  HeldRun held(int delivery, Timestamp due = kStart) const {
    return HeldRun{run_of(delivery, webhook, due), payload(), kStart};
  }
  DueRun row(int delivery, Timestamp due = kStart) const {
    return DueRun{run_of(delivery, webhook, due), payload(), kStart};
  }
  // The whole of what a snapshot has, or its first rows.
  static Queued read(std::vector<DueRun> rows, bool has_more = false) {
    return Queued{.rows = std::move(rows), .has_more = has_more};
  }
  void give_slots() {
    lane.offer(held(9000), kStart, true);
    for (int i = 0; i < 4; ++i) {
      if (i > 0) lane.offer(held(9000 + i), kStart, true);
      const auto taken = lane.take(kStart);
      ASSERT_TRUE(taken);
      lane.release_slot(Lane::Answer::success);
      lane.finish(taken->run.delivery);
    }
  }
  std::vector<int> take_all(Timestamp now) {
    std::vector<int> taken;
    while (const auto run = lane.take(now)) taken.push_back(run->run.delivery.value.bytes[15]);
    return taken;
  }
};

TEST_F(LaneTest, GivesRunsInTheOrderOffered) {
  give_slots();
  lane.offer(held(1), kStart, true);
  lane.offer(held(2), kStart, true);
  lane.offer(held(3), kStart, true);

  EXPECT_EQ(take_all(kStart), (std::vector<int>{1, 2, 3}));
}

TEST_F(LaneTest, AWebhookThatNeverAnsweredHasOneSlot) {
  lane.offer(held(1), kStart, true);
  lane.offer(held(2), kStart, true);

  EXPECT_EQ(take_all(kStart).size(), 1u);
}

TEST_F(LaneTest, SlotsDoubleWithEachSuccessUpToTheWebhooksLimit) {
  webhook.settings.max_in_flight = 3;
  lane.set_webhook(shared(webhook));
  for (int i = 1; i <= 20; ++i) lane.offer(held(i), kStart, true);
  std::vector<std::size_t> widths;

  for (int round = 0; round < 3; ++round) {
    const auto first = lane.take(kStart);
    ASSERT_TRUE(first);
    lane.release_slot(Lane::Answer::success);
    lane.finish(first->run.delivery);
    widths.push_back(take_all(kStart).size() + static_cast<std::size_t>(0));
    while (lane.in_flight() > 0) lane.release_slot(Lane::Answer::status);
  }

  EXPECT_EQ(widths, (std::vector<std::size_t>{2, 3, 3}));
}

TEST_F(LaneTest, AnAnswerOtherThanSuccessKeepsTheSlotsAndSilenceHalvesThem) {
  give_slots();  // 16 by now, the webhook's limit is 10
  for (int i = 1; i <= 40; ++i) lane.offer(held(i), kStart, true);
  ASSERT_EQ(take_all(kStart).size(), 10u);

  for (int i = 0; i < 10; ++i) lane.release_slot(Lane::Answer::status);
  EXPECT_EQ(take_all(kStart).size(), 10u);

  lane.release_slot(Lane::Answer::nothing);
  lane.release_slot(Lane::Answer::nothing);
  for (int i = 0; i < 8; ++i) lane.release_slot(Lane::Answer::status);
  EXPECT_EQ(take_all(kStart).size(), 4u);
}

TEST_F(LaneTest, ARunDueLaterWaitsForItsTime) {
  lane.offer(held(1, kStart + 5s), kStart, true);

  EXPECT_FALSE(lane.take(kStart + 4s));
  EXPECT_EQ(lane.next_due(kStart), kStart + 5s);
  EXPECT_TRUE(lane.take(kStart + 5s));
}

TEST_F(LaneTest, ARunDueFarAwayStaysInTheStore) {
  const Timestamp due = kStart + limits::kRetryHeldInMemory + 1ms;

  lane.offer(held(1, due), kStart, true);

  EXPECT_EQ(lane.held(), 0u);
  EXPECT_EQ(lane.next_due(kStart), due);
  EXPECT_TRUE(lane.wants_refill(due, true));
}

TEST_F(LaneTest, HoldsAtMostItsLimitAndRemembersTheRest) {
  for (int i = 0; i < static_cast<int>(limits::kLaneItemsMax) + 5; ++i)
    lane.offer(held(i), kStart, true);

  EXPECT_EQ(lane.held(), limits::kLaneItemsMax);
  EXPECT_TRUE(lane.take(kStart));
  EXPECT_TRUE(lane.wants_refill(kStart, true) || lane.held() >= limits::kLaneItemsMax);
}

TEST_F(LaneTest, WithoutRoomOnlyAnEmptyLaneTakesOne) {
  lane.offer(held(1), kStart, false);
  lane.offer(held(2), kStart, false);

  EXPECT_EQ(lane.held(), 1u);
  EXPECT_FALSE(lane.wants_refill(kStart, false));
  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, AFreshRunQueuesBehindTheSurplusInTheStore) {
  lane.wake_at(kStart - 1s);

  lane.offer(held(7), kStart, true);

  EXPECT_EQ(lane.held(), 0u);
}

TEST_F(LaneTest, ARefillSkipsWhatIsHeldAndWhatFinishedSinceTheSnapshot) {
  give_slots();
  lane.offer(held(1), kStart, true);
  lane.offer(held(2), kStart, true);
  lane.wake_at(kStart);
  const auto first = lane.take(kStart);
  lane.begin_refill(kBytesFree);
  lane.release_slot(Lane::Answer::success);
  lane.finish(first->run.delivery);  // after the snapshot was taken

  lane.end_refill(read({row(1), row(2), row(3)}), kStart, kBytesFree);

  EXPECT_EQ(take_all(kStart), (std::vector<int>{2, 3}));
}

TEST_F(LaneTest, ARunPutBackToTheStoreDuringARefillIsNotTakenFromTheOldSnapshot) {
  lane.offer(held(1), kStart, true);
  lane.wake_at(kStart);
  auto taken = lane.take(kStart);
  lane.begin_refill(kBytesFree);
  lane.release_slot(Lane::Answer::status);
  taken->run.next_attempt_at = kStart + 24h;
  lane.put_back(std::move(*taken), kStart, true);

  lane.end_refill(read({row(1)}), kStart, kBytesFree);

  EXPECT_FALSE(lane.take(kStart));
  EXPECT_EQ(lane.next_due(kStart), kStart + 24h);
}

TEST_F(LaneTest, ARefillThatOvertookAFreshRunLeavesNothingToOffer) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);
  lane.end_refill(read({row(1)}), kStart, kBytesFree);

  lane.offer(held(1), kStart, true);
  EXPECT_EQ(lane.held(), 1u);

  const auto taken = lane.take(kStart);
  lane.release_slot(Lane::Answer::success);
  lane.finish(taken->run.delivery);
  lane.offer(held(1), kStart, true);
  EXPECT_EQ(lane.held(), 0u);
}

TEST_F(LaneTest, ARunForgottenDuringARefillIsNotTakenFromTheOldSnapshot) {
  lane.offer(held(1), kStart, true);
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);
  lane.forget_waiting();

  lane.end_refill(read({row(1)}), kStart, kBytesFree);

  EXPECT_EQ(lane.held(), 0u);
  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, ADeletedWebhookSendsAndReadsNothing) {
  lane.offer(held(1), kStart, true);
  webhook.is_deleted = true;
  lane.set_webhook(shared(webhook));
  lane.wake_at(kStart);

  EXPECT_FALSE(lane.take(kStart));
  EXPECT_FALSE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, ASnapshotWithMoreBehindItIsReadAgainWhenItsLastRowIsDue) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);

  lane.end_refill(read({row(1), row(2, kStart + 7s)}, true), kStart, kBytesFree);

  EXPECT_EQ(lane.held(), 2u);
  EXPECT_FALSE(lane.wants_refill(kStart + 6s, true));
  EXPECT_TRUE(lane.wants_refill(kStart + 7s, true));
}

TEST_F(LaneTest, MoreBehindRowsThatAreAllOverIsReadAgainAtOnce) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);
  lane.forget(id_of<DeliveryId>(1));  // cancelled after the snapshot was taken

  lane.end_refill(read({row(1)}, true), kStart, kBytesFree);

  EXPECT_EQ(lane.held(), 0u);
  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, AnEmptySnapshotLeavesNothingToWakeFor) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);

  lane.end_refill(read({}), kStart, kBytesFree);

  EXPECT_FALSE(lane.wants_refill(kStart + 24h, true));
  EXPECT_EQ(lane.next_due(kStart), std::nullopt);
}

TEST_F(LaneTest, ARefillAsksOnlyForWhatIsNotHeld) {
  give_slots();
  for (const int i : {5, 3, 4}) lane.offer(held(i), kStart, true);
  ASSERT_TRUE(lane.take(kStart));  // in flight is held too
  lane.wake_at(kStart);

  const QueueWindow window = lane.begin_refill(kBytesFree);

  EXPECT_EQ(window.held,
            (std::vector{id_of<DeliveryId>(3), id_of<DeliveryId>(4), id_of<DeliveryId>(5)}));
  EXPECT_EQ(window.rows_max, 256u);
}

TEST_F(LaneTest, ARefillAsksForNoMoreRowsThanThereIsRoomFor) {
  for (int i = 1; i <= static_cast<int>(limits::kLaneItemsMax) - 3; ++i)
    lane.offer(held(i), kStart, true);

  EXPECT_EQ(lane.begin_refill(kBytesFree).rows_max, 3u);
}

TEST_F(LaneTest, ARefillAsksForTheBytesThatAreFreeUpToAShareOfItsOwn) {
  EXPECT_EQ(lane.begin_refill(300'000).bytes_max, 300'000u);
  lane.refill_failed(kStart);
  EXPECT_EQ(lane.begin_refill(0).bytes_max, 0u);
  lane.refill_failed(kStart);
  EXPECT_EQ(lane.begin_refill(limits::kLanesBytesMax).bytes_max, 8u * 1024 * 1024);
}

TEST_F(LaneTest, RowsThatNoLongerFitAreLeftWithAWake) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);

  lane.end_refill(read({row(1), row(2), row(3)}), kStart, held(1).bytes());

  EXPECT_EQ(lane.held(), 1u);
  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, AFreshRunBehindTheWindowOfARefillIsStillOffered) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);
  lane.end_refill(read({row(1, kStart + 5s)}, true), kStart, kBytesFree);

  lane.offer(held(2), kStart, true);

  EXPECT_EQ(lane.held(), 2u);
  EXPECT_TRUE(lane.take(kStart));
}

TEST_F(LaneTest, AWholeSnapshotMeansThatNothingElseWaits) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);

  lane.end_refill(read({row(1)}), kStart, kBytesFree);

  EXPECT_EQ(lane.held(), 1u);
  EXPECT_EQ(lane.next_due(kStart), std::nullopt);
}

TEST_F(LaneTest, ARefillThatFailedIsAskedForAgain) {
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);

  lane.refill_failed(kStart + 250ms);

  EXPECT_FALSE(lane.wants_refill(kStart, true));
  EXPECT_TRUE(lane.wants_refill(kStart + 250ms, true));
}

TEST_F(LaneTest, APausedWebhookKeepsItsRunsInTheStore) {
  lane.offer(held(1), kStart, true);
  lane.offer(held(2, kStart + 3s), kStart, true);
  webhook.status = WebhookStatus::paused;
  lane.set_webhook(shared(webhook));
  lane.forget_waiting();
  lane.offer(held(3), kStart, true);

  EXPECT_FALSE(lane.take(kStart));
  EXPECT_EQ(lane.held(), 0u);
  EXPECT_EQ(lane.next_due(kStart), std::nullopt);

  webhook.status = WebhookStatus::active;
  lane.set_webhook(shared(webhook));
  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, RunsOfATimeBeforeTheWebhookWasSettledAreNotSent) {
  webhook.version = 3;
  webhook.settled_below = 3;
  HeldRun old_run = held(1);
  old_run.run.webhook_version = 2;
  lane.set_webhook(shared(webhook));

  lane.offer(old_run, kStart, true);
  lane.wake_at(kStart);
  lane.begin_refill(kBytesFree);
  lane.end_refill(read({DueRun{old_run.run, payload(), kStart}}), kStart, kBytesFree);

  EXPECT_EQ(lane.held(), 0u);
  EXPECT_FALSE(lane.take(kStart));
}

TEST_F(LaneTest, BringingARetryForwardMakesItDueNow) {
  lane.offer(held(1, kStart + 30s), kStart, true);

  lane.bring_forward(id_of<DeliveryId>(1), kStart);

  EXPECT_TRUE(lane.take(kStart));
}

TEST_F(LaneTest, BringingAnUnknownRunForwardLooksInTheStore) {
  lane.bring_forward(id_of<DeliveryId>(1), kStart);

  EXPECT_TRUE(lane.wants_refill(kStart, true));
}

TEST_F(LaneTest, ForgetsAWaitingRunButNotOneInFlight) {
  lane.offer(held(1), kStart, true);
  lane.offer(held(2), kStart, true);
  ASSERT_TRUE(lane.take(kStart));

  EXPECT_FALSE(lane.forget(id_of<DeliveryId>(1)));
  EXPECT_TRUE(lane.forget(id_of<DeliveryId>(2)));
  EXPECT_EQ(lane.held(), 1u);
}

TEST_F(LaneTest, CountsTheBytesThatItHolds) {
  lane.offer(held(1), kStart, true);
  lane.offer(held(2, kStart + 3s), kStart, true);
  EXPECT_EQ(lane.held_bytes(), 2 * held(1).bytes());

  lane.forget_waiting();

  EXPECT_EQ(lane.held_bytes(), 0u);
}

}  // namespace
}  // namespace fanfare
