// How far behind the queue is: a lane's view of it, and the engine's.
#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class QueueAgeTest : public EngineTest {
 protected:
  QueueAge age(std::optional<TenantId> tenant = {}) {
    auto answer =
        call<QueueAge>([&](auto reply) { engine->queue_age(tenant, loop, std::move(reply)); });
    return answer ? *answer : QueueAge{};
  }
};

TEST_F(QueueAgeTest, AnIdleQueueHasNoAge) {
  make_tenant();
  put(webhook_of(1), 0);

  EXPECT_FALSE(age().oldest_due);
  EXPECT_EQ(age().webhooks_behind, 0U);
}

TEST_F(QueueAgeTest, WhatWaitsForItsOwnReceiverIsNotTheServersDelay) {
  make_tenant();
  put(webhook_of(1), 0);
  publish(3);  // one slot at first: two wait for the first answer
  crank_until_sending();
  clock.advance(2min);

  EXPECT_FALSE(age().oldest_due);
  EXPECT_EQ(age().webhooks_behind, 1U);
}

TEST_F(QueueAgeTest, WhatWaitsForASlotOfTheServerIsDueSinceThen) {
  in_flight_max = 1;
  restart();
  make_tenant();
  put(webhook_of(1), 0);
  put(webhook_of(2), 0);
  publish();
  crank_until_sending();
  clock.advance(90s);

  EXPECT_EQ(age().oldest_due, kStart);
  EXPECT_EQ(age(id_of<TenantId>(1)).oldest_due, kStart);
  EXPECT_FALSE(age(id_of<TenantId>(2)).oldest_due);
}

TEST_F(QueueAgeTest, ARetryThatIsNotDueYetIsNotLate) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until_status(DeliveryStatus::retrying);

  EXPECT_FALSE(age().oldest_due);
}

TEST_F(QueueAgeTest, APausedWebhookIsNotLate) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  change(webhook, WebhookStatus::paused);
  publish();
  clock.advance(5min);

  EXPECT_FALSE(age().oldest_due);
  EXPECT_EQ(age().webhooks_behind, 0U);
}

}  // namespace
}  // namespace fanfare
