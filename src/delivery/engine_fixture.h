// The real engine on a simulated loop and clock, with the memory store behind a real journal thread
// and a real reader thread, and a sender that answers when the test says so. For tests only.
#pragma once

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "auth/vault.h"
#include "base/limits.h"
#include "delivery/engine.h"
#include "delivery/engine_parts.h"
#include "storage/memory/memory_store.h"
#include "tests/support/builders.h"
#include "tests/support/sim_loop.h"

namespace fanfare::testing {

using namespace std::chrono_literals;

// Takes every request and answers when the test says so.
class ScriptedSender final : public Sender {
 public:
  void send(SendRequest request, Done done) override {
    waiting.push_back({std::move(request), std::move(done)});
  }
  void abort_all() override {
    while (!waiting.empty()) answer_next(not_answered(ErrorKind::shutdown));
  }
  void answer_next(HttpOutcome outcome) {
    auto next = std::move(waiting.front());
    waiting.erase(waiting.begin());
    next.done(std::move(outcome));
  }

  struct Waiting {
    SendRequest request;
    Done done;
  };
  std::vector<Waiting> waiting;
};

// The real engine on a simulated loop, with the memory store behind a real journal thread and a
// real reader thread.
class EngineTest : public ::testing::Test {
 protected:
  ~EngineTest() override { stop(); }

  void SetUp() override { start(); }
  void start() {
    sender = std::make_unique<ScriptedSender>();
    vault = std::make_unique<Vault>(master_keys, random);
    Engine::Parts parts{.store = *store,
                        .vault = *vault,
                        .clock = clock,
                        .random = random,
                        .reactors = {{loop, *sender}},
                        .on_attempt = nullptr,
                        .retention = {},
                        .cleanup_interval = cleanup_interval,
                        .on_failing =
                            [this](const FailureNotice& notice) {
                              const std::lock_guard lock(notices_mu);
                              notices.push_back(notice);
                            },
                        .in_flight_max = in_flight_max,
                        .lane_bytes_max = lane_bytes_max,
                        .catalogue = catalogue};
    engine = std::make_unique<Engine>(std::move(parts));
    const auto recovered = engine->recover();
    ASSERT_TRUE(recovered) << recovered.error().message;
    journal = std::jthread([this](const std::stop_token& token) { engine->run_journal(token); });
    auto opened = store->open_reader();
    ASSERT_TRUE(opened);
    store_reader = *std::move(opened);
    reader = std::jthread(
        [this](const std::stop_token& token) { engine->run_reader(*store_reader, token); });
  }
  void stop() {
    journal.request_stop();
    journal.join();
    reader.request_stop();
    reader.join();
    loop.run_posted();
    loop.drop_all();  // in production the loop ends with the engine
    engine.reset();
  }
  void restart() {
    sender->waiting.clear();
    stop();
    start();
  }

  // Cranks the loop until `condition` holds; what it waits for comes from the journal's or the
  // reader's thread.
  template <class Condition>
  void crank_until(Condition condition) {
    for (int i = 0; i < 2'000'000 && !condition(); ++i) {
      loop.run_posted();
      std::this_thread::yield();
    }
    ASSERT_TRUE(condition());
  }
  template <class T, class Call>
  Result<T> call(Call ask) {
    std::optional<Result<T>> answer;
    ask(Reply<T>([&answer](Result<T> result) { answer = std::move(result); }));
    crank_until([&answer] { return answer.has_value(); });
    return answer ? std::move(*answer) : Result<T>(fail(Errc::internal, "no answer came"));
  }

  void make_tenant(int number = 1) {
    Tenant tenant{.id = id_of<TenantId>(number),
                  .external_id = {},
                  .name = "T",
                  .metadata = {},
                  .created_at = kStart};
    ASSERT_TRUE(
        call<Unit>([&](auto reply) { engine->create_tenant(tenant, {}, loop, std::move(reply)); }));
  }
  WebhookPtr put(Webhook next, std::int64_t expected) {
    auto result = call<WebhookPtr>([&](auto reply) {
      engine->put_webhook(WebhookChange{std::move(next), expected}, {}, loop, std::move(reply));
    });
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result ? *result : nullptr;
  }
  WebhookPtr change(const WebhookPtr& webhook, WebhookStatus status) {
    Webhook next = *webhook;
    next.status = status;
    return put(std::move(next), webhook->version);
  }
  std::vector<Published> publish(int count = 1, std::string event_id = {}) {
    std::vector<PublishRequest> requests;
    for (int i = 0; i < count; ++i) {
      PublishRequest request;
      request.tenant = id_of<TenantId>(1);
      request.event_type = "user.created";
      request.data = payload();
      request.event_id = event_id;
      requests.push_back(std::move(request));
    }
    auto result = call<std::vector<Published>>(
        [&](auto reply) { engine->publish(std::move(requests), {}, loop, std::move(reply)); });
    EXPECT_TRUE(result);
    return result ? *result : std::vector<Published>{};
  }
  // Runs what is posted, and what that leads to on the other threads, for a while: for facts that
  // shall not happen.
  void crank_a_while() {
    for (int i = 0; i < 2'000; ++i) {
      loop.run_posted();
      std::this_thread::yield();
    }
  }
  // Eight successes, so that slow start is over: 100 slots if the webhook allows them.
  void open_slots() {
    publish(8);
    for (int i = 0; i < 8; ++i) {
      crank_until_sending();
      sender->answer_next(answered(200));
    }
    crank_until_status(DeliveryStatus::success, 8);
  }
  void crank_until_sending(std::size_t count = 1) {
    crank_until([&] { return sender->waiting.size() >= count; });
  }
  std::vector<Delivery> deliveries() {
    auto page = call<Rows<Delivery>>([&](auto reply) {
      engine->read<Rows<Delivery>>(
          [](Reader& from) { return from.deliveries(id_of<TenantId>(1), {}, std::nullopt, 250); },
          loop, std::move(reply));
    });
    EXPECT_TRUE(page);
    return page ? page->rows : std::vector<Delivery>{};
  }
  void crank_until_status(DeliveryStatus status, std::size_t count = 1) {
    crank_until([&] {
      const auto all = deliveries();
      return static_cast<std::size_t>(std::ranges::count_if(
                 all, [&](const Delivery& d) { return d.status == status; })) == count;
    });
  }

  std::mutex notices_mu;
  std::vector<FailureNotice> notices;  // of webhooks that keep failing
  SimClock clock{kStart};
  SimLoop loop{clock};
  SeededRandom random{7};
  std::unique_ptr<Store> store = make_memory_store();
  std::vector<Secret> master_keys{Secret(std::string(32, 'k'))};  // set before a restart
  std::unique_ptr<Vault> vault;
  std::unique_ptr<ScriptedSender> sender;
  std::unique_ptr<Engine> engine;
  std::size_t in_flight_max = limits::kInFlightTotalMax;  // set before a restart
  std::vector<EventType> catalogue;                       // of the profile
  std::size_t lane_bytes_max = limits::kLanesBytesMax;
  Millis cleanup_interval{0};
  std::unique_ptr<Reader> store_reader;
  std::jthread journal;
  std::jthread reader;
};

}  // namespace fanfare::testing
