#include "delivery/cleaner.h"

#include "delivery/engine_fixture.h"

namespace fanfare::testing {
namespace {

constexpr Millis kMonth = 31 * 24h;

class CleanerTest : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    make_tenant();
    webhook = put(webhook_of(1), 0);
  }
  Result<CleanupReport> clean_up(Millis budget = 1h) {
    std::optional<Result<CleanupReport>> answer;
    engine->clean_up(budget, loop,
                     [&](Result<CleanupReport> result) { answer = std::move(result); });
    wait_for_answer(answer);
    return *answer;
  }
  // Also lets pauses between steps pass.
  template <class T>
  void wait_for_answer(std::optional<Result<T>>& answer) {
    crank_until([&] {
      if (!answer) loop.advance(10ms);
      return answer.has_value();
    });
  }
  void deliver(int count) {
    publish(count);
    for (int i = 0; i < count; ++i) {
      crank_until_sending();
      sender->answer_next(answered(200));
    }
    crank_until_status(DeliveryStatus::success, static_cast<std::size_t>(count));
  }

  WebhookPtr webhook;
};

TEST_F(CleanerTest, WhatIsTooOldGoesByItself) {
  deliver(1);
  loop.advance(91 * 24h);
  cleanup_interval = 1h;
  restart();

  crank_until([&] {
    loop.advance(1s);
    return !engine->last_cleanup().empty();
  });

  EXPECT_TRUE(deliveries().empty());
  EXPECT_NE(engine->last_cleanup().find(R"("events":1)"), std::string::npos);
}

TEST_F(CleanerTest, ItCleansUpAgainAndAgain) {
  cleanup_interval = 1h;
  restart();
  crank_until([&] {
    loop.advance(1s);
    return !engine->last_cleanup().empty();
  });
  const std::string first = engine->last_cleanup();

  crank_until([&] {
    loop.advance(1min);
    return engine->last_cleanup() != first;
  });

  EXPECT_NE(engine->last_cleanup(), first);
}

TEST_F(CleanerTest, ARunThatExpiresIsNotSentAnyMore) {
  webhook = change(webhook, WebhookStatus::paused);
  publish(2);
  loop.advance(kMonth);

  const auto report = clean_up();
  change(webhook, WebhookStatus::active);
  crank_a_while();

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->removed.runs_ended, 2U);
  EXPECT_TRUE(sender->waiting.empty());
  for (const Delivery& delivery : deliveries()) EXPECT_EQ(delivery.error_kind, ErrorKind::expired);
}

TEST_F(CleanerTest, WhatIsLeftWhenTheTimeIsUpIsSaid) {
  change(webhook, WebhookStatus::paused);
  publish(static_cast<int>(kExpireStepRows) + 1);
  loop.advance(kMonth);

  const auto report = clean_up(Millis{0});

  ASSERT_TRUE(report);
  EXPECT_TRUE(report->has_more);
  EXPECT_EQ(report->removed.total(), kExpireStepRows) << "one step and no more";
}

TEST_F(CleanerTest, StepsFollowEachOtherUntilAllIsGone) {
  change(webhook, WebhookStatus::paused);
  publish(static_cast<int>(kExpireStepRows) + 1);
  loop.advance(kMonth);
  std::optional<Result<CleanupReport>> answer;

  engine->clean_up(1h, loop, [&](Result<CleanupReport> result) { answer = std::move(result); });
  wait_for_answer(answer);

  ASSERT_TRUE(*answer);
  EXPECT_FALSE((*answer)->has_more);
  EXPECT_EQ((*answer)->removed.runs_ended, kExpireStepRows + 1);
  EXPECT_EQ((*answer)->removed.events, kExpireStepRows + 1);
}

TEST_F(CleanerTest, ASecondOneThatIsAskedForIsRefusedMeanwhile) {
  std::optional<Result<CleanupReport>> first;
  engine->clean_up(1h, loop, [&](Result<CleanupReport> result) { first = std::move(result); });

  const auto second = clean_up();
  wait_for_answer(first);

  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Errc::conflict);
  EXPECT_TRUE(*first);
  EXPECT_TRUE(clean_up()) << "the first one is over";
}

TEST_F(CleanerTest, TheLastReportOutlivesARestart) {
  ASSERT_TRUE(clean_up());
  const std::string report = engine->last_cleanup();

  restart();

  EXPECT_FALSE(report.empty());
  EXPECT_EQ(engine->last_cleanup(), report);
}

TEST_F(CleanerTest, OldEntriesOfTheAuditLogGoToo) {
  WriteOp op{.action = RecordOp{}};
  op.audit.push_back(
      AuditEntry{.id = id_of<AuditId>(1), .at = kStart, .action = "webhook.created"});
  ASSERT_TRUE(store->writer().commit(std::span(&op, 1)));
  ASSERT_EQ(clean_up()->removed.audit_entries, 0U);
  clock.advance(366 * 24h);

  const auto report = clean_up();

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->removed.audit_entries, 1U);
}

TEST_F(CleanerTest, NothingIsRemovedOnceTheServerStops) {
  deliver(1);
  loop.advance(kMonth);
  engine->drain([] {});
  loop.run_posted();

  const auto report = clean_up();

  EXPECT_FALSE(report);
  EXPECT_EQ(deliveries().size(), 1U);
}

// ---- a store that refuses ----

class RefusingWriter final : public Writer {
 public:
  explicit RefusingWriter(Writer& real) : real_(real) {}
  Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) override {
    for (const WriteOp& op : ops) {
      if (!std::holds_alternative<ExpireOp>(op.action)) continue;
      if (steps_before_refusals > 0) {
        --steps_before_refusals;
      } else if (refusals > 0) {
        --refusals;
        return fail(Errc::unavailable, "the disk is full");
      }
    }
    return real_.commit(ops);
  }
  Result<bool> maintain(Timestamp now, bool is_idle) override {
    return real_.maintain(now, is_idle);
  }
  const RollupTail& last_tail() const override { return real_.last_tail(); }
  Result<Uuid> newest_id() override { return real_.newest_id(); }
  Result<void> seal_audit_log(AuditSealer) override { return {}; }

  std::atomic<int> steps_before_refusals{0};
  std::atomic<int> refusals{0};

 private:
  Writer& real_;
};

class CleanerAlone : public ::testing::Test {
 protected:
  CleanerAlone() {
    cleaner = std::make_unique<Cleaner>(Cleaner::Doors{.loop = loop,
                                                       .journal = journal,
                                                       .on_ended = [](const QueuedRun&) {},
                                                       .on_over = nullptr},
                                        RetentionPolicy{});
  }
  void store_old_events(int count) {
    std::vector<WriteOp> ops(1);
    PublishOp op;
    for (int i = 1; i <= count; ++i) {
      EventPlan plan;
      plan.event.id = EventId{id_of<EventId>(i)};
      plan.event.tenant = id_of<TenantId>(1);
      op.events.push_back(std::move(plan));
    }
    ops[0].action = std::move(op);
    ASSERT_TRUE(store->writer().commit(ops));
    loop.advance(366 * 24h);
  }
  Result<CleanupReport> clean_up() {
    std::optional<Result<CleanupReport>> answer;
    cleaner->clean_up(1h, [&](Result<CleanupReport> result) { answer = std::move(result); });
    for (int i = 0; i < 2'000'000 && !answer; ++i) {
      loop.advance(10ms);
      loop.run_posted();
      std::this_thread::yield();
    }
    if (!answer) return fail(Errc::internal, "no answer came");
    return *answer;
  }

  SimClock clock{kStart};
  SimLoop loop{clock};
  SeededRandom random{1};
  std::unique_ptr<Store> store = make_memory_store();
  RefusingWriter writer{store->writer()};
  Journal journal{writer, clock, random};
  std::unique_ptr<Cleaner> cleaner;
  std::jthread thread{[this](const std::stop_token& stop) { journal.run(stop); }};
};

TEST_F(CleanerAlone, ARefusedStepIsTriedAgain) {
  store_old_events(3);
  writer.refusals = 2;

  const auto report = clean_up();

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->removed.events, 3U);
  EXPECT_FALSE(report->has_more);
}

TEST_F(CleanerAlone, WhatHadGoneBeforeTheEndIsReported) {
  store_old_events(static_cast<int>(kExpireStepRows) + 1);
  writer.steps_before_refusals = 1;
  writer.refusals = 1'000'000;

  const auto report = clean_up();

  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->removed.events, kExpireStepRows);
  EXPECT_TRUE(report->has_more);
}

}  // namespace
}  // namespace fanfare::testing
