#include "delivery/engine.h"

#include <algorithm>
#include <map>

#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

TEST_F(EngineTest, AnEventIsDeliveredToEveryWebhookThatAskedForIt) {
  make_tenant();
  put(webhook_of(1, {"user.created"}), 0);
  put(webhook_of(2, {"user.*"}), 0);
  put(webhook_of(3, {"invoice.paid"}), 0);

  const auto published = publish();
  crank_until_sending(2);

  EXPECT_EQ(published.front().deliveries, 2);
  EXPECT_EQ(sender->waiting.size(), 2u);
}

TEST_F(EngineTest, ASuccessIsRecorded) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();

  sender->answer_next(answered(200));

  crank_until_status(DeliveryStatus::success);
  EXPECT_EQ(deliveries().front().attempts, 1);
}

TEST_F(EngineTest, AFailureIsTriedAgainWhenItsTimeHasCome) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  const std::string first_body = sender->waiting.front().request.body;
  sender->answer_next(answered(500));
  crank_until_status(DeliveryStatus::retrying);

  loop.advance(4'900ms);
  EXPECT_TRUE(sender->waiting.empty());
  loop.advance(200ms);

  ASSERT_EQ(sender->waiting.size(), 1u);
  EXPECT_EQ(sender->waiting.front().request.body, first_body);
}

TEST_F(EngineTest, ADeliveryEndsFailedWhenItsAttemptsAreUsedUp) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    crank_until([&] {
      if (sender->waiting.empty()) loop.advance(60s);
      return !sender->waiting.empty();
    });
    sender->answer_next(not_answered(ErrorKind::timeout));
    crank_until([&] { return deliveries().front().attempts == attempt; });
  }

  EXPECT_EQ(deliveries().front().status, DeliveryStatus::failed);
  EXPECT_EQ(deliveries().front().error_kind, ErrorKind::timeout);
}

TEST_F(EngineTest, AnEventIdIsAcceptedOnce) {
  make_tenant();
  put(webhook_of(1), 0);

  const auto first = publish(1, "order-17");
  const auto second = publish(1, "order-17");

  EXPECT_FALSE(first.front().is_duplicate);
  EXPECT_TRUE(second.front().is_duplicate);
  EXPECT_EQ(second.front().id, first.front().id);
  EXPECT_EQ(deliveries().size(), 1u);
}

TEST_F(EngineTest, ASlowReceiverHoldsUpNobodyElse) {
  make_tenant();
  const WebhookPtr slow = put(webhook_of(1), 0);
  const WebhookPtr quick = put(webhook_of(2), 0);
  publish(20);
  crank_until_sending(2);
  std::vector<ScriptedSender::Waiting> never_answered;

  for (int delivered = 0; delivered < 20;) {
    const auto next = std::ranges::find_if(
        sender->waiting, [&](const auto& waiting) { return waiting.request.webhook == quick->id; });
    if (next != sender->waiting.end()) {
      auto taken = std::move(*next);
      sender->waiting.erase(next);
      taken.done(answered(200));
      ++delivered;
    }
    loop.run_posted();
    std::this_thread::yield();
  }

  crank_until_status(DeliveryStatus::success, 20);
  EXPECT_EQ(sender->waiting.size(), 1u);  // of the slow one, which has one slot until it answers
}

TEST_F(EngineTest, NeverMoreInFlightThanTheWebhookAllows) {
  make_tenant();
  Webhook webhook = webhook_of(1);
  webhook.settings.max_in_flight = 4;
  put(webhook, 0);
  publish(40);
  std::size_t most = 0;

  crank_until_sending();
  for (int i = 0; i < 40; ++i) {
    crank_until_sending();
    most = std::max(most, sender->waiting.size());
    sender->answer_next(answered(200));
  }

  crank_until_status(DeliveryStatus::success, 40);
  EXPECT_LE(most, 4u);
  EXPECT_GE(most, 2u);
}

TEST_F(EngineTest, APausedWebhooksDeliveriesWaitAndGoOnWhenResumed) {
  make_tenant();
  const WebhookPtr paused = change(put(webhook_of(1), 0), WebhookStatus::paused);
  publish(3);
  loop.advance(10s);
  EXPECT_TRUE(sender->waiting.empty());
  EXPECT_EQ(deliveries().front().status, DeliveryStatus::pending);

  change(paused, WebhookStatus::active);
  for (int i = 0; i < 3; ++i) {
    crank_until_sending();
    sender->answer_next(answered(200));
  }

  crank_until_status(DeliveryStatus::success, 3);
}

TEST_F(EngineTest, ADisabledWebhooksOpenDeliveriesEndAsFailed) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(5);
  crank_until_sending();

  change(webhook, WebhookStatus::disabled);

  crank_until_status(DeliveryStatus::failed, 5);
  EXPECT_EQ(deliveries().front().error_kind, ErrorKind::webhook_disabled);
}

TEST_F(EngineTest, WhatArrivesForADisabledWebhookIsSkipped) {
  make_tenant();
  change(put(webhook_of(1), 0), WebhookStatus::disabled);

  const auto published = publish();

  EXPECT_EQ(published.front().deliveries, 1);
  EXPECT_EQ(deliveries().front().status, DeliveryStatus::skipped);
}

TEST_F(EngineTest, ADeletedWebhooksOpenDeliveriesAreCancelled) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(3);
  Webhook gone = *webhook;
  gone.is_deleted = true;

  put(std::move(gone), webhook->version);

  crank_until_status(DeliveryStatus::cancelled, 3);
  EXPECT_EQ(engine->directory().webhook(webhook->tenant, webhook->id), nullptr);
}

TEST_F(EngineTest, ReenablingDoesNotReviveWhatEnded) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(5);
  change(change(webhook, WebhookStatus::disabled), WebhookStatus::active);
  publish(1);

  crank_until_sending();
  while (!sender->waiting.empty()) sender->answer_next(answered(200));

  crank_until([&] {
    while (!sender->waiting.empty()) sender->answer_next(answered(200));
    const auto all = deliveries();
    return std::ranges::all_of(all, [](const Delivery& d) { return is_final(d.status); });
  });
  const auto all = deliveries();
  // The one attempt under way when it was disabled may have ended either way; the other four ended
  // with the disabling.
  EXPECT_GE(std::ranges::count_if(
                all, [](const Delivery& d) { return d.status == DeliveryStatus::failed; }),
            4);
}

TEST_F(EngineTest, AReceiverThatIsGoneDisablesItsWebhook) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(2);
  crank_until_sending();

  sender->answer_next(answered(410));

  crank_until(
      [&] { return engine->directory().webhook(webhook->id)->status == WebhookStatus::disabled; });
  EXPECT_EQ(engine->directory().webhook(webhook->id)->disabled_reason, "gone");
  crank_until_status(DeliveryStatus::failed, 2);
}

TEST_F(EngineTest, ARetryOfAFinishedDeliveryIsItsNextRun) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(200));
  crank_until_status(DeliveryStatus::success);
  const DeliveryId id = deliveries().front().id;

  const auto requeued = call<Requeued>(
      [&](auto reply) { engine->retry(id_of<TenantId>(1), id, {}, loop, std::move(reply)); });
  crank_until_sending();
  sender->answer_next(answered(201));
  crank_until([&] {
    return deliveries().front().run == 2 && deliveries().front().status == DeliveryStatus::success;
  });

  EXPECT_TRUE(requeued->is_new_run);
  EXPECT_EQ(deliveries().size(), 1u);
  EXPECT_EQ(deliveries().front().response_status, 201);
}

TEST_F(EngineTest, ARetryOfAWaitingDeliveryGoesOutNow) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until_status(DeliveryStatus::retrying);
  const DeliveryId id = deliveries().front().id;

  const auto requeued = call<Requeued>(
      [&](auto reply) { engine->retry(id_of<TenantId>(1), id, {}, loop, std::move(reply)); });
  crank_until_sending();

  EXPECT_FALSE(requeued->is_new_run);
}

TEST_F(EngineTest, ACancelledDeliveryIsNotTriedAgain) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until_status(DeliveryStatus::retrying);

  ASSERT_TRUE(call<Unit>([&](auto reply) {
    engine->cancel(id_of<TenantId>(1), deliveries().front().id, {}, loop, std::move(reply));
  }));
  loop.advance(1h);

  EXPECT_TRUE(sender->waiting.empty());
  EXPECT_EQ(deliveries().front().status, DeliveryStatus::cancelled);
}

TEST_F(EngineTest, CancellingAFinishedDeliveryIsAConflict) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(200));
  crank_until_status(DeliveryStatus::success);

  const auto result = call<Unit>([&](auto reply) {
    engine->cancel(id_of<TenantId>(1), deliveries().front().id, {}, loop, std::move(reply));
  });

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::conflict);
}

TEST_F(EngineTest, SomebodyElsesDeliveryIsNotFound) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();

  const auto result = call<Unit>([&](auto reply) {
    engine->cancel(id_of<TenantId>(2), deliveries().front().id, {}, loop, std::move(reply));
  });

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::not_found);
}

TEST_F(EngineTest, ATestIsSentWhateverTheWebhooksStatus) {
  make_tenant();
  Webhook webhook = webhook_of(1);
  webhook.settings.headers = {{"Authorization", Secret("hush")}};
  const WebhookPtr disabled = change(put(webhook, 0), WebhookStatus::disabled);
  std::optional<Result<TestResult>> result;
  engine->send_test(disabled, {"user.created", payload()}, {}, loop,
                    [&result](Result<TestResult> answer) { result = std::move(answer); });
  crank_until_sending();
  EXPECT_EQ(sender->waiting.front().request.headers.front().second, "hush");

  sender->answer_next(answered(204));
  crank_until([&] { return result.has_value(); });

  ASSERT_TRUE(*result);
  EXPECT_EQ((*result)->attempt.outcome.status, 204);
  EXPECT_EQ((*result)->request_headers.front().second, "***");
  EXPECT_TRUE(deliveries().front().is_test);
}

TEST_F(EngineTest, AStaleVersionIsRefusedAndChangesNothing) {
  make_tenant();
  const WebhookPtr first = put(webhook_of(1), 0);
  change(first, WebhookStatus::paused);
  Webhook late = *first;
  late.settings.url = "https://example.com/late";

  const auto result = call<WebhookPtr>([&](auto reply) {
    engine->put_webhook(WebhookChange{late, first->version}, {}, loop, std::move(reply));
  });

  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::version_mismatch);
  EXPECT_EQ(engine->directory().webhook(first->id)->settings.url, first->settings.url);
}

TEST_F(EngineTest, ABacklogLargerThanALaneIsDeliveredWholeAndOnce) {
  make_tenant();
  Webhook webhook = webhook_of(1);
  webhook.settings.max_in_flight = 100;
  put(webhook, 0);
  const std::size_t count = limits::kLaneItemsMax + 500;
  for (std::size_t i = 0; i < count; i += 100) publish(100);
  std::map<std::string, int> seen;

  crank_until([&] {
    while (!sender->waiting.empty()) {
      ++seen[sender->waiting.front().request.headers[2].second];
      sender->answer_next(answered(200));
    }
    return seen.size() >= 1600 && engine->status().in_flight == 0;
  });

  EXPECT_EQ(seen.size(), 1600u);
  EXPECT_TRUE(std::ranges::all_of(seen, [](const auto& entry) { return entry.second == 1; }));
}

}  // namespace
}  // namespace fanfare
