// An event for everybody reaches each tenant once, whatever happens in the middle.
#include <set>

#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

class EngineBroadcast : public EngineTest {
 protected:
  // Tenants 1..count with a webhook each; those in `others` want something else.
  void make_tenants(int count, const std::set<int>& others = {}) {
    for (int i = 1; i <= count; ++i) {
      make_tenant(i);
      put(webhook_of(i, {others.contains(i) ? "invoice.paid" : "*"}, i), 0);
    }
    clock.advance(1s);
  }
  Result<BroadcastStored> broadcast(const std::string& event_id = {}, Payload data = payload()) {
    PublishRequest request;
    request.event_type = "user.created";
    request.data = std::move(data);
    request.event_id = event_id;
    return call<BroadcastStored>(
        [&](auto reply) { engine->broadcast(std::move(request), {}, loop, std::move(reply)); });
  }
  Broadcast progress(BroadcastId id) {
    auto found = call<Broadcast>([&](auto reply) {
      engine->read<Broadcast>([id](Reader& from) { return from.broadcast(id); }, loop,
                              std::move(reply));
    });
    return found ? *found : Broadcast{};
  }
  void crank_until_done(BroadcastId id) {
    crank_until([&] {
      loop.advance(10ms);
      return progress(id).is_done;
    });
  }
  std::size_t events_of(int tenant) {
    auto page = call<Rows<Event>>([&](auto reply) {
      engine->read<Rows<Event>>(
          [tenant](Reader& from) {
            return from.events(id_of<TenantId>(tenant), {}, std::nullopt, 100);
          },
          loop, std::move(reply));
    });
    return page ? page->rows.size() : 0;
  }
};

TEST_F(EngineBroadcast, EachTenantWithAMatchingWebhookGetsOneEvent) {
  make_tenants(5, {2, 4});

  const auto stored = broadcast();
  ASSERT_TRUE(stored);
  crank_until_done(stored->broadcast.id);
  crank_until_sending(3);

  const Broadcast done = progress(stored->broadcast.id);
  EXPECT_EQ(done.tenants, 3);
  EXPECT_EQ(done.deliveries, 3);
  for (int i = 1; i <= 5; ++i) EXPECT_EQ(events_of(i), i == 2 || i == 4 ? 0U : 1U) << i;
}

TEST_F(EngineBroadcast, ManyTenantsAreReachedInSteps) {
  make_tenants(600);

  const auto stored = broadcast();
  ASSERT_TRUE(stored);
  crank_until_done(stored->broadcast.id);

  EXPECT_EQ(progress(stored->broadcast.id).tenants, 600);
}

// All its events together are more than the journal ever holds.
TEST_F(EngineBroadcast, ALargePayloadReachesEverybodyToo) {
  make_tenants(40);
  const auto large = std::make_shared<const std::string>(
      '"' + std::string(limits::kJournalQueueBytesMax / 32, 'x') + '"');

  const auto stored = broadcast({}, large);
  ASSERT_TRUE(stored);
  crank_until_done(stored->broadcast.id);

  EXPECT_EQ(progress(stored->broadcast.id).tenants, 40);
}

TEST_F(EngineBroadcast, AStopInTheMiddleRepeatsNothingAndLosesNothing) {
  make_tenants(600);
  const auto stored = broadcast();
  ASSERT_TRUE(stored);

  for (int i = 0; i < 3; ++i) restart();
  crank_until_done(stored->broadcast.id);

  EXPECT_EQ(progress(stored->broadcast.id).tenants, 600);
  for (const int tenant : {1, 2, 249, 250, 251, 400, 599, 600}) EXPECT_EQ(events_of(tenant), 1U);
}

TEST_F(EngineBroadcast, TheSameEventIdAgainIsADuplicate) {
  make_tenants(2);
  const auto first = broadcast("b-1");
  crank_until_done(first->broadcast.id);

  const auto again = broadcast("b-1");
  crank_a_while();

  ASSERT_TRUE(again);
  EXPECT_TRUE(again->is_duplicate);
  EXPECT_EQ(again->broadcast.tenants, 2);
  EXPECT_EQ(events_of(1), 1U);
}

TEST_F(EngineBroadcast, ATenantThatIsDeletedMeanwhileStopsNothing) {
  make_tenants(3);
  PublishRequest request;
  request.event_type = "user.created";
  request.data = payload();
  std::optional<BroadcastId> id;
  engine->broadcast(request, {}, loop,
                    [&id](Result<BroadcastStored> done) { id = done->broadcast.id; });
  engine->delete_tenant(id_of<TenantId>(2), {}, loop, [](const Result<Unit>&) {});
  crank_until([&id] { return id.has_value(); });

  crank_until_done(*id);

  EXPECT_EQ(events_of(1), 1U);
  EXPECT_EQ(events_of(3), 1U);
}

TEST_F(EngineBroadcast, ATenantMadeLaterGetsNoneOfIt) {
  make_tenants(1);
  Webhook webhook = webhook_of(2);
  webhook.tenant = TenantId::from(uuid7_floor(clock.wall_now() + 1s));
  Tenant tenant{.id = webhook.tenant,
                .external_id = {},
                .name = "Late",
                .metadata = {},
                .created_at = clock.wall_now()};
  std::optional<BroadcastId> id;
  PublishRequest request;
  request.event_type = "user.created";
  request.data = payload();
  engine->broadcast(request, {}, loop,
                    [&id](Result<BroadcastStored> done) { id = done->broadcast.id; });
  engine->create_tenant(tenant, {}, loop, [](const Result<Unit>&) {});
  put(webhook, 0);
  crank_until([&id] { return id.has_value(); });

  crank_until_done(*id);

  EXPECT_EQ(progress(*id).tenants, 1);
}

}  // namespace
}  // namespace fanfare
