// The end of a tenant and of a webhook's history, as the engine carries it out: at once in memory,
// afterwards in the store, whatever is under way and however often it is interrupted.
#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class EnginePurge : public EngineTest {
 protected:
  const TenantId tenant_ = id_of<TenantId>(1);

  Result<Unit> delete_tenant() {
    return call<Unit>(
        [&](auto reply) { engine->delete_tenant(tenant_, {}, loop, std::move(reply)); });
  }
  std::size_t purges_left() {
    const auto config = call<ConfigSnapshot>([&](auto reply) {
      engine->read<ConfigSnapshot>([](Reader& from) { return from.load_config(); }, loop,
                                   std::move(reply));
    });
    return config ? config->purges.size() : 99;
  }
  void crank_until_purged() {
    crank_until([&] {
      loop.advance(300ms);
      return purges_left() == 0;
    });
  }
};

TEST_F(EnginePurge, ADeletedTenantIsGoneFromTheDirectoryWhenTheReplyComes) {
  make_tenant();
  put(webhook_of(1), 0);
  ApiKey key;
  key.id = id_of<ApiKeyId>(1);
  key.tenant = tenant_;
  key.sha256 = "hash";
  ASSERT_TRUE(
      call<Unit>([&](auto reply) { engine->put_api_key(key, {}, loop, std::move(reply)); }));

  ASSERT_TRUE(delete_tenant());

  const Directory& directory = engine->directory();
  EXPECT_FALSE(directory.tenant(tenant_));
  EXPECT_FALSE(directory.api_key_by_hash("hash"));
  EXPECT_FALSE(directory.webhook(id_of<WebhookId>(1)));
  EXPECT_TRUE(directory.matching(tenant_, "user.created").empty());
  EXPECT_FALSE(
      engine->vault().seal({.tenant = tenant_, .object = "", .purpose = "x"}, Secret("y")));
}

TEST_F(EnginePurge, AnExternalIdIsFreeAtOnceAndFollowsAChange) {
  Tenant tenant{
      .id = tenant_, .external_id = "a", .name = "T", .metadata = {}, .created_at = kStart};
  ASSERT_TRUE(
      call<Unit>([&](auto reply) { engine->create_tenant(tenant, {}, loop, std::move(reply)); }));
  Tenant next = tenant;
  next.external_id = "b";
  ASSERT_TRUE(call<Unit>(
      [&](auto reply) { engine->update_tenant(tenant, next, {}, loop, std::move(reply)); }));
  EXPECT_FALSE(engine->directory().tenant_by_external_id("a"));
  ASSERT_TRUE(engine->directory().tenant_by_external_id("b"));

  ASSERT_TRUE(delete_tenant());

  EXPECT_FALSE(engine->directory().tenant_by_external_id("b"));
  Tenant again = next;
  again.id = id_of<TenantId>(2);
  EXPECT_TRUE(
      call<Unit>([&](auto reply) { engine->create_tenant(again, {}, loop, std::move(reply)); }));
}

TEST_F(EnginePurge, NothingIsSentForADeletedTenantAndItsHistoryGoes) {
  make_tenant();
  Webhook webhook = webhook_of(1);
  webhook.settings.max_in_flight = 1;
  put(webhook, 0);
  publish(20);
  crank_until_sending();

  ASSERT_TRUE(delete_tenant());
  sender->answer_next(answered(500));
  crank_until_purged();
  loop.advance(10min);
  crank_a_while();

  EXPECT_TRUE(sender->waiting.empty());
  EXPECT_EQ(engine->status().in_flight, 0U);
  EXPECT_TRUE(deliveries().empty());
}

TEST_F(EnginePurge, AnAttemptThatEndsAfterThePurgeBringsNothingBack) {
  make_tenant();
  put(webhook_of(1), 0);
  publish(2);
  crank_until_sending();
  ASSERT_TRUE(delete_tenant());
  crank_until_purged();

  while (!sender->waiting.empty()) sender->answer_next(answered(410));
  crank_until([&] { return engine->status().in_flight == 0; });

  EXPECT_TRUE(deliveries().empty());
  EXPECT_TRUE(engine->status().is_ready);
}

TEST_F(EnginePurge, APublishThatRacesWithTheEndIsStoredWholeOrRefused) {
  make_tenant();
  put(webhook_of(1), 0);
  int answered_calls = 0;
  for (int i = 0; i < 20; ++i) {
    PublishRequest request;
    request.tenant = tenant_;
    request.event_type = "user.created";
    request.data = payload();
    if (i == 10)
      engine->delete_tenant(tenant_, {}, loop, [](const Result<Unit>& done) { EXPECT_TRUE(done); });
    engine->publish({request}, {}, loop, [&answered_calls](const auto& done) {
      ++answered_calls;
      EXPECT_TRUE(done || done.error().code == Errc::not_found);
    });
  }
  crank_until([&] { return answered_calls == 20; });

  crank_until_purged();

  EXPECT_TRUE(deliveries().empty());
  crank_a_while();
}

TEST_F(EnginePurge, APurgeGoesOnAfterARestart) {
  make_tenant();
  put(webhook_of(1), 0);
  publish(limits::kSettleChunkRows + 100);
  crank_until_sending();
  ASSERT_TRUE(delete_tenant());
  ASSERT_EQ(purges_left(), 1U);

  restart();
  EXPECT_FALSE(engine->directory().webhook(id_of<WebhookId>(1)));
  crank_until_purged();

  EXPECT_TRUE(sender->waiting.empty());
  EXPECT_TRUE(deliveries().empty());
}

TEST_F(EnginePurge, OneTenantsEndLeavesAnothersWebhooksAlone) {
  make_tenant(1);
  make_tenant(2);
  put(webhook_of(1), 0);
  put(webhook_of(2, {"*"}, 2), 0);

  ASSERT_TRUE(delete_tenant());

  EXPECT_TRUE(engine->directory().tenant(id_of<TenantId>(2)));
  EXPECT_EQ(engine->directory().webhooks(id_of<TenantId>(2)).size(), 1U);
}

TEST_F(EnginePurge, APurgedWebhookLosesItsHistoryAndItsTenantNothingElse) {
  make_tenant();
  const WebhookPtr goes = put(webhook_of(1), 0);
  put(webhook_of(2), 0);
  publish(3);
  for (int i = 0; i < 6; ++i) {
    crank_until_sending();
    sender->answer_next(answered(200));
  }
  crank_until_status(DeliveryStatus::success, 6);
  Webhook next = *goes;
  next.is_deleted = true;

  WebhookChange change{.next = next, .expected_version = goes->version, .purges_history = true};
  ASSERT_TRUE(call<WebhookPtr>(
      [&](auto reply) { engine->put_webhook(std::move(change), {}, loop, std::move(reply)); }));
  crank_until_purged();

  const auto left = deliveries();
  ASSERT_EQ(left.size(), 3U);
  for (const Delivery& delivery : left) EXPECT_EQ(delivery.webhook, id_of<WebhookId>(2));
}

TEST_F(EnginePurge, ADrainingEngineStartsNoFurtherStep) {
  make_tenant();
  ASSERT_TRUE(delete_tenant());
  bool is_drained = false;
  engine->drain([&is_drained] { is_drained = true; });
  crank_until([&] { return is_drained; });

  loop.advance(1min);
  crank_a_while();

  EXPECT_EQ(purges_left(), 1U);
}

// Each waits for publishes that were planned before its delete, and all of them at the same time.
TEST_F(EnginePurge, ManyTenantsThatEndTogetherArePurgedTogether) {
  for (int i = 1; i <= 20; ++i) make_tenant(i);
  for (int i = 1; i <= 20; ++i) {
    ASSERT_TRUE(call<Unit>([&](auto reply) {
      engine->delete_tenant(id_of<TenantId>(i), {}, loop, std::move(reply));
    }));
  }
  const SteadyTime began = clock.steady_now();

  crank_until([&] {
    const std::size_t before = purges_left();
    if (before == 0) return true;
    loop.advance(10ms);
    return false;
  });

  EXPECT_LT(clock.steady_now() - began, 10s);
}

}  // namespace
}  // namespace fanfare
