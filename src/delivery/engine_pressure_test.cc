// Two things at once, and limits that are reached: what the engine does when operations meet an
// attempt in flight, when slots or memory are used up, and when a backlog is larger than a lane.
#include <map>

#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

TEST_F(EngineTest, AFreedSlotGoesToALaneThatCanUseIt) {
  in_flight_max = 1;
  restart();
  make_tenant();
  const std::vector<WebhookPtr> webhooks = {put(webhook_of(1), 0), put(webhook_of(2), 0),
                                            put(webhook_of(3), 0)};
  publish();
  crank_until_sending();
  const WebhookId first = sender->waiting.front().request.webhook;
  std::vector<WebhookPtr> parked;
  for (const WebhookPtr& webhook : webhooks) {
    if (webhook->id != first) parked.push_back(webhook);
  }

  change(parked.front(), WebhookStatus::paused);
  change(parked.back(), WebhookStatus::paused);
  change(engine->directory().webhook(parked.back()->id), WebhookStatus::active);
  sender->answer_next(answered(200));
  crank_until_sending();

  EXPECT_EQ(sender->waiting.front().request.webhook, parked.back()->id);
}

TEST_F(EngineTest, ALaneFullOfShortRetriesWakesForThem) {
  make_tenant();
  Webhook webhook = webhook_of(1);
  webhook.settings.retry.schedule = {5s};
  webhook.settings.max_in_flight = 100;
  put(webhook, 0);
  open_slots();
  for (int i = 0; i < 16; ++i) publish(100);
  std::map<std::string, int> attempts;
  const auto answer_all = [&] {
    while (!sender->waiting.empty()) {
      ++attempts[sender->waiting.front().request.headers[2].second];
      sender->answer_next(answered(500));
    }
  };

  crank_until([&] {
    answer_all();
    if (engine->status().in_flight == 0) loop.advance(100ms);
    return attempts.size() == 1600 &&
           std::ranges::all_of(attempts, [](const auto& entry) { return entry.second == 3; });
  });

  EXPECT_EQ(attempts.size(), 1600U);
  crank_until_status(DeliveryStatus::failed, 250);  // of the newest page
}

TEST_F(EngineTest, ARetryAfterACancelDuringAnAttemptIsSent) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  const DeliveryId id = deliveries().front().id;
  ASSERT_TRUE(call<Unit>(
      [&](auto reply) { engine->cancel(id_of<TenantId>(1), id, {}, loop, std::move(reply)); }));
  ASSERT_TRUE(call<Requeued>(
      [&](auto reply) { engine->retry(id_of<TenantId>(1), id, {}, loop, std::move(reply)); }));

  sender->answer_next(answered(200));
  crank_until_sending();
  sender->answer_next(answered(201));

  crank_until([&] { return deliveries().front().response_status == 201; });
  EXPECT_EQ(deliveries().front().run, 2);
  EXPECT_EQ(deliveries().front().status, DeliveryStatus::success);
}

TEST_F(EngineTest, ATestUnderWayIsNotSentAgainByItsLane) {
  make_tenant();
  const WebhookPtr paused = change(put(webhook_of(1), 0), WebhookStatus::paused);
  publish();
  engine->send_test(paused, {"user.created", payload()}, {}, loop,
                    [](const Result<TestResult>&) {});
  crank_until_sending();

  change(paused, WebhookStatus::active);
  crank_until_sending(2);
  auto event = std::move(sender->waiting[1]);
  sender->waiting.pop_back();
  event.done(answered(200));
  crank_a_while();

  EXPECT_EQ(sender->waiting.size(), 1u);
}

TEST_F(EngineTest, WithoutMemoryLeftALaneDoesNotAskTheStoreAgainAndAgain) {
  lane_bytes_max = limits::kPayloadBytesMax;
  restart();
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(3);
  crank_until_sending();
  change(change(webhook, WebhookStatus::paused), WebhookStatus::active);
  crank_a_while();

  int turns = 0;
  for (int i = 0; i < 2'000; ++i) {
    if (loop.run_posted()) ++turns;
    std::this_thread::yield();
  }

  EXPECT_EQ(turns, 0);
  for (int i = 0; i < 3; ++i) {
    crank_until_sending();
    sender->answer_next(answered(200));
  }
  crank_until_status(DeliveryStatus::success, 3);
}

TEST_F(EngineTest, ALate410OfAnOldAddressLeavesTheCorrectedWebhookAlone) {
  make_tenant();
  const WebhookPtr old = put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  Webhook corrected = *old;
  corrected.settings.url = "https://example.com/corrected";
  put(corrected, old->version);

  sender->answer_next(answered(410));
  crank_until_status(DeliveryStatus::failed);

  EXPECT_EQ(engine->directory().webhook(old->id)->status, WebhookStatus::active);
}

TEST_F(EngineTest, ARequestThatWouldMakeTooManyDeliveriesIsRefusedWhole) {
  make_tenant();
  for (int i = 1; i <= 21; ++i) put(webhook_of(i), 0);
  std::vector<PublishRequest> requests;
  for (int i = 0; i < 1000; ++i) {
    PublishRequest request;
    request.tenant = id_of<TenantId>(1);
    request.event_type = "user.created";
    request.data = payload();
    requests.push_back(std::move(request));
  }

  const auto result = call<std::vector<Published>>(
      [&](auto reply) { engine->publish(std::move(requests), {}, loop, std::move(reply)); });

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
  EXPECT_TRUE(deliveries().empty());
}

}  // namespace
}  // namespace fanfare
