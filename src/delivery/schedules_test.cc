// The retry presets on a simulated clock: each attempt of the real engine goes out when its preset
// says, not a millisecond before, and the delivery fails after the last.
#include "delivery/engine_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class Schedules : public EngineTest {
 protected:
  void publish_to(RetryPolicy policy) {
    make_tenant();
    Webhook webhook = webhook_of(1);
    webhook.settings.retry = std::move(policy);
    put(std::move(webhook), 0);
    publish();
    crank_until_sending();
  }
  // The attempt that waits fails; the next goes out `delay` later.
  void expect_retry_after(Millis delay) {
    const int attempt = ++attempts_;
    sender->answer_next(answered(500));
    crank_until([&] { return deliveries().front().attempts == attempt; });
    loop.advance(delay - 1ms);
    crank_a_while();
    EXPECT_TRUE(sender->waiting.empty()) << "attempt " << attempt + 1 << " came early";
    loop.advance(1ms);
    crank_until_sending();
  }
  void expect_last_attempt() {
    sender->answer_next(answered(500));
    crank_until_status(DeliveryStatus::failed);
    EXPECT_EQ(deliveries().front().attempts, attempts_ + 1);
  }

 private:
  int attempts_ = 0;
};

RetryPolicy preset(std::string_view name) {
  return *retry_preset(name);
}
RetryPolicy preset(std::string_view name, int attempts) {
  RetryPolicy policy = preset(name);
  policy.attempts = attempts;
  return policy;
}

TEST_F(Schedules, EmailSlaRetriesAfter2And4And8Seconds) {
  publish_to(preset("email-sla"));
  for (const Millis delay : {2s, 4s, 8s}) expect_retry_after(delay);
  expect_last_attempt();
}

TEST_F(Schedules, WhatsappCrmRetriesAfter1And2And4Seconds) {
  publish_to(preset("whatsapp-crm"));
  for (const Millis delay : {1s, 2s, 4s}) expect_retry_after(delay);
  expect_last_attempt();
}

TEST_F(Schedules, WhatsappCrmRetriesAFourthTimeAfter8SecondsIfAsked) {
  publish_to(preset("whatsapp-crm", 5));
  for (const Millis delay : {1s, 2s, 4s, 8s}) expect_retry_after(delay);
  expect_last_attempt();
}

TEST_F(Schedules, NukeMakesFiveAttemptsByDefault) {
  publish_to(preset("nuke"));
  for (const Millis delay : std::initializer_list<Millis>{1min, 5min, 30min, 2h})
    expect_retry_after(delay);
  expect_last_attempt();
}

TEST_F(Schedules, NukeWaits8HoursForTheSixthAttemptAndLater) {
  publish_to(preset("nuke", 8));
  for (const Millis delay : std::initializer_list<Millis>{1min, 5min, 30min, 2h, 8h, 8h, 8h})
    expect_retry_after(delay);
  expect_last_attempt();
}

TEST_F(Schedules, OpsCenterMakesSixAttempts) {
  publish_to(preset("ops-center"));
  for (const Millis delay : std::initializer_list<Millis>{1min, 5min, 15min, 1h, 2h})
    expect_retry_after(delay);
  expect_last_attempt();
}

}  // namespace
}  // namespace fanfare
