// Statistics through the whole engine: what is counted, flushed and recovered, and webhooks that
// are disabled because they fail.
#include "delivery/engine_fixture.h"
#include "delivery/stats_series.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using namespace fanfare::testing;

class EngineStatsTest : public EngineTest {
 protected:
  WebhookStats stats_of(WebhookId id) {
    return engine->stats().webhook(id).value_or(WebhookStats{});
  }
  RollupCounts total(RollupKey key) {
    auto series = call<StatsSeries>([&](auto reply) {
      engine->read<StatsSeries>(
          [this, key, now = clock.wall_now()](Reader& from) {
            return read_series(from, engine->stats(), key, span_of(now, 24h, Resolution::hour));
          },
          loop, std::move(reply));
    });
    EXPECT_TRUE(series);
    return series ? series->total : RollupCounts{};
  }
  // One event, and every request that it makes answered with `status`.
  void deliver(int status, std::size_t requests = 1) {
    publish();
    crank_until_sending(requests);
    while (!sender->waiting.empty()) sender->answer_next(answered(status));
  }
  Webhook one_try(int number, std::optional<int> threshold = {}) {
    Webhook webhook = webhook_of(number);
    webhook.settings.retry.attempts = 1;
    webhook.settings.failure_threshold = threshold;
    return webhook;
  }
  void crank_until_failures(WebhookId id, int count) {
    crank_until([&] { return stats_of(id).live.deliveries.count == count; });
  }
  WebhookStatus status_of(WebhookId id) { return engine->directory().webhook(id)->status; }
};

TEST_F(EngineStatsTest, WhatIsDeliveredShowsAtOnce) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1), 0);
  deliver(200);
  deliver(500);
  crank_until([&] { return stats_of(webhook->id).totals.attempts == 2; });

  const WebhookStats stats = stats_of(webhook->id);
  EXPECT_EQ(stats.totals.accepted, 2);
  EXPECT_EQ(stats.totals.succeeded, 1);
  EXPECT_EQ(stats.totals.failed, 1);
  EXPECT_EQ(stats.live.last.response_status, 500);
  EXPECT_EQ(stats.live.deliveries.count, 1);
  EXPECT_EQ(stats.live.open, 0);
}

TEST_F(EngineStatsTest, AfterARestartNothingIsLostOrDoubled) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1), 0);
  for (int i = 0; i < 3; ++i) {
    deliver(500);
    crank_until_failures(webhook->id, i + 1);
    restart();
    crank_until([&] { return engine->status().is_ready; });
    loop.advance(i * 3s);
  }

  EXPECT_EQ(stats_of(webhook->id).totals.failed, 3);
  EXPECT_EQ(stats_of(webhook->id).live.deliveries.count, 3);
  EXPECT_EQ(total({RollupScope::webhook, webhook->id.value, {}}).failed, 3);
}

TEST_F(EngineStatsTest, SumsAreFlushedEveryFiveSecondsAndTheTailIsTrimmed) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1), 0);
  for (int i = 0; i < 4; ++i) deliver(200);
  crank_until([&] { return stats_of(webhook->id).totals.succeeded == 4; });
  const auto tail_rows = [this] { return (*store->open_reader())->load_rollups()->tail.size(); };
  EXPECT_GT(tail_rows(), 1U);

  loop.advance(6s);
  crank_until([&] { return tail_rows() == 1; });

  EXPECT_EQ(total({RollupScope::system, {}, {}}).succeeded, 4);
  EXPECT_TRUE(engine->stats().unflushed({RollupScope::system, {}, {}}).empty());
}

TEST_F(EngineStatsTest, ATestDeliveryCountsInNothing) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1), 0);
  std::optional<Result<TestResult>> answer;
  engine->send_test(webhook, {"user.created", payload()}, {}, loop,
                    [&](Result<TestResult> result) { answer = std::move(result); });
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until([&] { return answer.has_value(); });

  EXPECT_FALSE(engine->stats().webhook(webhook->id));
}

TEST_F(EngineStatsTest, ADeletedWebhooksRunsNoLongerWait) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1), 0);
  change(webhook, WebhookStatus::paused);
  publish(3);
  EXPECT_EQ(stats_of(webhook->id).live.open, 3);
  Webhook next = *engine->directory().webhook(webhook->id);
  next.is_deleted = true;

  put(next, next.version);

  crank_until([&] { return stats_of(webhook->id).live.open == 0; });
  EXPECT_EQ(stats_of(webhook->id).totals.cancelled, 3);
}

// ---- webhooks that keep failing ----

TEST_F(EngineStatsTest, AtItsThresholdAWebhookIsDisabled) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1, 2), 0);
  deliver(500);
  crank_until_failures(webhook->id, 1);
  EXPECT_EQ(status_of(webhook->id), WebhookStatus::active);

  deliver(500);
  crank_until([&] { return status_of(webhook->id) == WebhookStatus::disabled; });

  EXPECT_EQ(engine->directory().webhook(webhook->id)->disabled_reason, "failures");
  const auto reading = *store->open_reader();
  const auto entries = reading->audit_entries({.object = to_string(webhook->id)}, std::nullopt, 10);
  ASSERT_EQ(entries->rows.size(), 2U) << "after the first failure a warning, which is half way";
  EXPECT_EQ(entries->rows.front().entry.actor.kind, ActorKind::system);
  EXPECT_EQ(entries->rows.front().entry.after,
            R"({"status":"disabled","disabled_reason":"failures"})");
}

TEST_F(EngineStatsTest, ASuccessInBetweenCountsFromZero) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1, 2), 0);
  for (const int status : {500, 200, 500}) deliver(status);
  crank_until([&] { return stats_of(webhook->id).totals.attempts == 3; });
  crank_a_while();

  EXPECT_EQ(status_of(webhook->id), WebhookStatus::active);
}

TEST_F(EngineStatsTest, RetriesAreNoFailedDeliveriesUnlessAttemptsCount) {
  make_tenant();
  Webhook three_tries = webhook_of(1);
  three_tries.settings.failure_threshold = 2;
  const WebhookPtr webhook = put(three_tries, 0);
  deliver(500);
  crank_until_status(DeliveryStatus::retrying);
  loop.advance(6s);
  crank_until_sending();
  sender->answer_next(answered(500));
  crank_until([&] { return stats_of(webhook->id).live.attempts.count == 2; });
  crank_a_while();

  EXPECT_EQ(status_of(webhook->id), WebhookStatus::active);
}

TEST_F(EngineStatsTest, EnablingStartsTheCountAnew) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1, 1), 0);
  deliver(500);
  crank_until([&] { return status_of(webhook->id) == WebhookStatus::disabled; });
  Webhook next = *engine->directory().webhook(webhook->id);
  next.status = WebhookStatus::active;
  next.disabled_reason.clear();

  put(next, next.version);

  EXPECT_EQ(stats_of(webhook->id).live.deliveries.count, 0);
  EXPECT_EQ(stats_of(webhook->id).totals.failed, 1);
}

TEST_F(EngineStatsTest, ADecisionThatARestartCutOffIsMadeAfterIt) {
  make_tenant();
  Webhook next = one_try(1);
  const WebhookPtr webhook = put(next, 0);
  for (int i = 0; i < 3; ++i) deliver(500);
  crank_until_failures(webhook->id, 3);
  // Another process wrote the threshold; this one has not decided by it yet.
  next = *engine->directory().webhook(webhook->id);
  next.settings.failure_threshold = 3;
  put(next, next.version);

  restart();
  crank_until([&] { return status_of(webhook->id) == WebhookStatus::disabled; });
}

TEST_F(EngineStatsTest, WarningsComeBeforeItAndOnceEach) {
  make_tenant();
  const WebhookPtr webhook = put(one_try(1, 10), 0);
  for (int i = 0; i < 10; ++i) {
    deliver(500);
    crank_until_failures(webhook->id, i + 1);
    clock.advance(2s);
  }
  crank_until([&] { return status_of(webhook->id) == WebhookStatus::disabled; });
  crank_a_while();

  const std::lock_guard lock(notices_mu);
  std::vector<int> percents;
  for (const FailureNotice& notice : notices) percents.push_back(notice.decision.percent);
  EXPECT_EQ(percents, (std::vector<int>{50, 70, 90, 0}));
  const auto entries = (*store->open_reader())->audit_entries({.object = "webhook"}, {}, 10);
  ASSERT_TRUE(entries);
  std::vector<std::string> actions;
  for (const AuditRow& row : entries->rows) actions.push_back(row.entry.action);
  EXPECT_EQ(actions,
            (std::vector<std::string>{"webhook.disabled", "webhook.failure_warning",
                                      "webhook.failure_warning", "webhook.failure_warning"}));
  EXPECT_NE(entries->rows[0].entry.metadata.find("10 deliveries in a row failed"),
            std::string::npos);
}

// Twelve webhooks fail together, one works: it is our own network that is away.
TEST_F(EngineStatsTest, DuringAnOwnOutageNobodyIsDisabledAndNothingCounts) {
  make_tenant();
  for (int i = 1; i <= 12; ++i) put(one_try(i, 3), 0);
  const WebhookId first = id_of<WebhookId>(1);
  deliver(500, 12);
  crank_until([&] { return stats_of(id_of<WebhookId>(12)).live.deliveries.count == 1; });
  loop.advance(6s);
  for (int round = 2; round <= 5; ++round) {
    deliver(500, 12);
    for (int i = 1; i <= 12; ++i) crank_until_failures(id_of<WebhookId>(i), round);
  }
  crank_a_while();
  for (int i = 1; i <= 12; ++i) EXPECT_EQ(status_of(id_of<WebhookId>(i)), WebhookStatus::active);
  EXPECT_EQ(stats_of(first).live.deliveries.excused, 4);

  // The network is back for the others; the first one goes on failing, and its count goes on from
  // the failure before the outage.
  publish();
  crank_until_sending(12);
  while (!sender->waiting.empty()) {
    const bool is_first = sender->waiting.front().request.webhook == first;
    sender->answer_next(answered(is_first ? 500 : 200));
  }
  crank_until([&] { return stats_of(first).totals.attempts == 6; });
  crank_until([&] { return stats_of(id_of<WebhookId>(12)).totals.attempts == 6; });
  loop.advance(11min);
  crank_a_while();
  deliver(500, 12);
  crank_until([&] { return stats_of(first).totals.attempts == 7; });

  crank_a_while();
  EXPECT_EQ(status_of(first), WebhookStatus::active);
  EXPECT_EQ(stats_of(first).live.deliveries.count - stats_of(first).live.deliveries.excused, 2);
}

// Who looks into the file of a stopped server finds everything counted.
TEST_F(EngineStatsTest, AStopFlushesWhatWasCounted) {
  make_tenant();
  const WebhookPtr webhook = put(webhook_of(1), 0);
  deliver(200);
  bool is_drained = false;

  engine->drain([&is_drained] { is_drained = true; });
  crank_until([&is_drained] { return is_drained; });

  const auto start = (*store->open_reader())->load_rollups();
  ASSERT_EQ(start->webhooks.size(), 1U);
  EXPECT_EQ(start->webhooks.front().totals.succeeded, 1);
}

}  // namespace
}  // namespace fanfare
