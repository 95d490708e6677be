// What survives a restart, and how an engine stops.
#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

TEST_F(EngineTest, AfterARestartWhatWasInFlightIsSentAgainUnderTheSameId) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  const HeaderList before = sender->waiting.front().request.headers;

  restart();
  crank_until_sending();

  EXPECT_EQ(sender->waiting.front().request.headers[2], before[2]);  // webhook-id
}

TEST_F(EngineTest, AfterARestartARetryWaitsForItsTime) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until_status(DeliveryStatus::retrying);

  restart();
  crank_until([&] { return engine->status().is_ready; });
  loop.run_posted();
  EXPECT_TRUE(sender->waiting.empty());
  crank_until([&] {
    loop.advance(1s);
    return !sender->waiting.empty();
  });

  EXPECT_GE(clock.wall_now(), kStart + 5s);
}

TEST_F(EngineTest, AfterARestartADisabledWebhooksLeftoversEnd) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  publish(3);
  const WebhookPtr disabled = change(webhook, WebhookStatus::disabled);

  restart();

  crank_until_status(DeliveryStatus::failed, 3);
  EXPECT_TRUE(sender->waiting.empty());
}

TEST_F(EngineTest, AWrongMasterKeyIsRefused) {
  make_tenant();
  stop();
  Vault other(Secret(std::string(32, 'x')), random);
  Engine::Parts parts{.store = *store,
                      .vault = other,
                      .clock = clock,
                      .random = random,
                      .reactors = {{loop, *sender}},
                      .on_attempt = nullptr};
  Engine locked_out(std::move(parts));

  EXPECT_FALSE(locked_out.recover());

  start();
}

TEST_F(EngineTest, DrainingStartsNothingNewAndWaitsForWhatIsInFlight) {
  make_tenant();
  put(webhook_of(1), 0);
  publish(3);
  crank_until_sending();
  bool is_drained = false;

  engine->drain([&is_drained] { is_drained = true; });
  loop.run_posted();
  EXPECT_FALSE(is_drained);
  EXPECT_FALSE(engine->status().is_ready);
  sender->answer_next(answered(200));
  crank_until([&is_drained] { return is_drained; });

  EXPECT_TRUE(sender->waiting.empty());
}

TEST_F(EngineTest, AnAttemptCutOffByShutdownCostsNoAttempt) {
  make_tenant();
  put(webhook_of(1), 0);
  publish();
  crank_until_sending();
  bool is_drained = false;
  engine->drain([&is_drained] { is_drained = true; });
  loop.run_posted();

  sender->abort_all();
  crank_until([&is_drained] { return is_drained; });
  restart();
  crank_until_sending();

  EXPECT_EQ(deliveries().front().attempts, 0);
}

}  // namespace
}  // namespace fanfare
