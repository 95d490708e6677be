// What a purge leaves in the file: nothing. What every store promises of it is in tests/contract.
#include <fstream>
#include <iterator>

#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

class PurgeTest : public SqliteStoreTest {
 protected:
  // Indexes move by a few entries with each commit, so that a purge meets chunks on their way.
  static SqliteTuning sliced() {
    return {.index = {.chunk = 12,
                      .slice = 5,
                      .idle_chunk = 1'000,
                      .idle_slice = 7,
                      .found_ids = 4,
                      .remembered_max = 40}};
  }
  static Result<OpDone> commit_one(Store& store, WriteAction action) {
    std::vector<WriteOp> ops(1);
    ops[0].action = std::move(action);
    auto results = store.writer().commit(ops);
    if (!results) return tl::unexpected<Error>(results.error());
    return std::move(results->front());
  }
  void make_tenant(Store& store) {
    CreateTenantOp op;
    op.tenant.id = tenant_;
    op.tenant.name = "T";
    op.key = {.tenant = tenant_, .key_id = 1, .wrapped = wrapped_};
    ASSERT_TRUE(commit_one(store, op));
    StoredWebhook row;
    row.webhook.id = webhook_;
    row.webhook.tenant = tenant_;
    row.webhook.secrets = {{.number = 1, .text = Secret(), .created_at = {}, .expires_at = {}}};
    row.sealed_secrets = {"sealed"};
    ASSERT_TRUE(commit_one(store, PutWebhookOp{.row = row, .expected_version = 0}));
  }
  void fill(Store& store, int count) {
    for (int i = 0; i < count; ++i) {
      auto made = plans(2);
      made[0].event.event_id = "order-" + std::to_string(i);
      const QueuedRun run = made[1].runs.front();
      ASSERT_TRUE(commit(store, std::move(made)));
      AttemptOp attempt{.run = run, .attempt = {}, .retry_at = {}, .finished_at = {}};
      attempt.attempt.delivery = run.delivery;
      ASSERT_TRUE(commit_one(store, attempt));
    }
  }
  bool step(Store& store) {
    const PurgeOp op{.purge = {.tenant = tenant_}, .rows_max = 6};
    const auto done = commit_one(store, op);
    EXPECT_TRUE(done) << (done ? "" : done.error().message);
    return done && std::get<Purged>(*done).has_more;
  }
  static std::int64_t rows_left(Store& store) {
    auto& db = dynamic_cast<SqliteStore&>(store).connection_for_test();
    std::int64_t rows = 0;
    for (const char* table :
         {"tenants", "tenant_keys", "api_keys", "webhooks", "webhook_versions", "webhook_secrets",
          "events", "event_keys", "queue", "deliveries", "attempts", "answers",
          "webhook_deliveries", "tenant_deliveries", "tenant_events", "purges"}) {
      rows += *db.number("SELECT count(*) FROM " + std::string(table));
    }
    return rows;
  }

  const std::string wrapped_ = "the wrapped data key of this tenant, found nowhere else";
};

TEST_F(PurgeTest, NoRowIsLeftInAnyTableWhateverTheIndexesWereDoing) {
  for (const int events : {1, 3, 8, 30}) {
    for (const bool rests : {false, true}) {
      SCOPED_TRACE(std::to_string(events) + (rests ? " with rests" : ""));
      std::filesystem::remove(path_);
      auto store = open(sliced());
      make_tenant(*store);
      fill(*store, events);
      ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));

      while (step(*store)) {
        if (rests) store->writer().maintain(clock_.wall_now(), true).value();
      }

      while (*store->writer().maintain(clock_.wall_now(), true)) {
      }
      EXPECT_EQ(rows_left(*store), 0);
    }
  }
}

TEST_F(PurgeTest, APurgeGoesOnAfterAnEndBetweenAnyTwoSteps) {
  {
    auto store = open(sliced());
    make_tenant(*store);
    fill(*store, 10);
    ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
  }
  bool has_more = true;
  for (int starts = 0; has_more && starts < 200; ++starts) {
    auto store = open(sliced());
    auto reader = store->open_reader();
    ASSERT_EQ((*reader)->load_config()->purges.size(), 1U) << "start-up must find it";
    has_more = step(*store);
  }

  EXPECT_FALSE(has_more);
  EXPECT_EQ(rows_left(*open(sliced())), 0);
}

TEST_F(PurgeTest, AStepThatFailsTakesNothingAwayAndIsMadeAgain) {
  auto store = open();
  make_tenant(*store);
  fill(*store, 3);
  ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  ASSERT_TRUE(
      db.execute("CREATE TEMP TRIGGER refuse BEFORE DELETE ON webhooks"
                 " BEGIN SELECT RAISE(ABORT, 'no'); END"));

  std::vector<WriteOp> ops(1);
  ops[0].action = PurgeOp{.purge = {.tenant = tenant_}, .rows_max = 1'000};
  while (true) {
    const auto results = store->writer().commit(ops);
    if (!results || !results->front()) break;
    ASSERT_TRUE(std::get<Purged>(*results->front()).has_more);
  }
  ASSERT_TRUE(db.execute("DROP TRIGGER refuse"));

  EXPECT_EQ(*db.number("SELECT count(*) FROM webhook_versions"), 1) << "it went before the webhook";
  while (step(*store)) {
  }
  EXPECT_EQ(rows_left(*store), 0);
}

TEST_F(PurgeTest, TheDataKeyIsNowhereInTheFileAfterItsTenantsEnd) {
  {
    auto store = open();
    make_tenant(*store);
    fill(*store, 3);
    ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
  }
  std::ifstream file(path_, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};

  EXPECT_GT(bytes.size(), 4096U);
  EXPECT_EQ(bytes.find(wrapped_), std::string::npos);
}

TEST_F(PurgeTest, APublishForADeletedTenantIsRefusedAfterAReopening) {
  {
    auto store = open();
    make_tenant(*store);
    ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
  }
  auto store = open();
  PublishOp op;
  op.events = plans(1);

  const auto done = commit_one(*store, op);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::not_found);
}

TEST_F(PurgeTest, TheDataKeyIsInNoFileSoonAfterTheDelete) {
  auto store = open();
  make_tenant(*store);
  const auto is_found = [this] {
    for (const char* suffix : {"", "-wal"}) {
      std::ifstream file(path_.string() + suffix, std::ios::binary);
      const std::string bytes{std::istreambuf_iterator<char>(file), {}};
      if (bytes.find(wrapped_) != std::string::npos) return true;
    }
    return false;
  };
  ASSERT_TRUE(is_found());
  {
    // Somebody reads: the log cannot be cut yet, and nobody waits for it.
    auto db = sqlite::Connection::open(path_.string(), SQLITE_OPEN_READONLY);
    ASSERT_TRUE((*db)->execute("BEGIN; SELECT count(*) FROM tenants"));
    ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
    ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), /*is_idle=*/false));
    EXPECT_TRUE(is_found());
  }
  clock_.advance(std::chrono::seconds{2});

  ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), /*is_idle=*/false));

  EXPECT_FALSE(is_found());
}

TEST_F(PurgeTest, AStepIsBoundedInBytesToo) {
  auto store = open();
  make_tenant(*store);
  constexpr int kEvents = 40;
  ASSERT_TRUE(commit(*store, plans(kEvents, 1'000'000)));
  while (*store->writer().maintain(clock_.wall_now(), true)) {
  }
  ASSERT_TRUE(commit_one(*store, DeleteTenantOp{.tenant = tenant_, .now = {}}));
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  const auto events = [&db] { return *db.number("SELECT count(*) FROM events"); };
  int steps = 0;
  int most_at_once = 0;
  for (bool has_more = true; has_more && steps < 100; ++steps) {
    const auto before = events();
    const auto done = commit_one(*store, PurgeOp{.purge = {.tenant = tenant_}, .rows_max = 500});
    ASSERT_TRUE(done);
    has_more = std::get<Purged>(*done).has_more;
    most_at_once = std::max(most_at_once, static_cast<int>(before - events()));
  }

  EXPECT_EQ(events(), 0);
  EXPECT_LE(most_at_once, 5);
}

}  // namespace
}  // namespace fanfare
