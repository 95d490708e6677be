// No answer gets slower with the history behind it: whatever a reader asks, the plans of all its
// statements look into the tables of history by a key and walk none of them.
#include <gmock/gmock.h>

#include "storage/sqlite/reader.h"
#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using sqlite::Connection;
using sqlite::SqliteReader;

// What may be walked: configuration, which is in memory too, tables of one row, and what a plan
// itself has put together. A walk that is not in here is a finding.
constexpr std::string_view kMayBeWalked[] = {
    "SCAN CONSTANT ROW",
    "SCAN index_watermark",
    "SCAN schema_migrations",
    "SCAN purges",
    "SCAN settings",
    "SCAN tenants",
    "SCAN webhooks",
    // In the views: one row for each webhook, and two sums of them.
    "SCAN w",
    "SCAN w USING INDEX webhooks_by_legacy_id",
    "SCAN id_digits",
    "SCAN r",
    "SCAN webhook_stats",
    "SCAN webhooks USING INDEX webhooks_by_legacy_id",
};

class QueryPlan : public SqliteStoreTest {
 protected:
  // The lines of a statement's plan that walk a whole table or index.
  static std::vector<std::string> walks(Connection& db, const std::string& sql) {
    sqlite3_stmt* statement = nullptr;
    const std::string question = "EXPLAIN QUERY PLAN " + sql;
    EXPECT_EQ(sqlite3_prepare_v2(db.handle(), question.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sql;
    std::vector<std::string> found;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      const std::string line(reinterpret_cast<const char*>(sqlite3_column_text(statement, 3)));
      if (line.starts_with("SCAN") && !line.starts_with("SCAN (subquery-") &&
          std::ranges::find(kMayBeWalked, line) == std::end(kMayBeWalked))
        found.push_back(line + " in: " + sql);
    }
    sqlite3_finalize(statement);
    return found;
  }
  // Of every statement that was prepared on the connection.
  static std::vector<std::string> all_walks(Connection& db) {
    std::vector<std::string> statements;
    for (auto* one = sqlite3_next_stmt(db.handle(), nullptr); one != nullptr;
         one = sqlite3_next_stmt(db.handle(), one)) {
      statements.emplace_back(sqlite3_sql(one));
    }
    std::vector<std::string> found;
    for (const std::string& sql : statements) {
      for (std::string& line : walks(db, sql)) found.push_back(std::move(line));
    }
    return found;
  }
  // Every question with every filter, alone and together.
  void ask_everything(SqliteReader& reader, const QueuedRun& run) const {
    const Timestamp now = clock_.wall_now();
    const std::optional<Timestamp> since = now - 1h;
    const std::optional<Timestamp> until = now + 1h;
    const std::vector<DeliveryFilter> deliveries = {
        {},
        {.webhook = webhook_},
        {.status = DeliveryStatus::failed},
        {.status = DeliveryStatus::pending},
        {.event_type = "a.b"},
        {.since = since, .until = until},
        {.code = 500},
        {.webhook = webhook_,
         .status = DeliveryStatus::success,
         .event_type = "a.b",
         .since = since,
         .until = until,
         .code = 200},
    };
    for (const DeliveryFilter& filter : deliveries) {
      EXPECT_TRUE(reader.deliveries(tenant_, filter, std::nullopt, 10));
      EXPECT_TRUE(reader.deliveries(tenant_, filter, run.delivery, 10));
    }
    const std::vector<EventFilter> events = {
        {},
        {.type = "a.b"},
        {.event_id = "x"},
        {.since = since, .until = until},
        {.type = "a.b", .event_id = "x", .since = since, .until = until}};
    for (const EventFilter& filter : events) {
      EXPECT_TRUE(reader.events(tenant_, filter, std::nullopt, 10));
      EXPECT_TRUE(reader.events(tenant_, filter, run.event, 10));
    }
    const std::vector<AuditFilter> entries = {{},
                                              {.tenant = tenant_},
                                              {.actor = "api_key"},
                                              {.action = "webhook.*"},
                                              {.object = to_string(webhook_)},
                                              {.object = "webhook"},
                                              {.since = since, .until = until}};
    for (const AuditFilter& filter : entries) {
      EXPECT_TRUE(reader.audit_entries(filter, std::nullopt, 10));
      EXPECT_TRUE(reader.audit_entries(filter, AuditId{run.delivery.value}, 10));
    }
    static_cast<void>(reader.audit_entry(AuditId{run.delivery.value}));
    EXPECT_TRUE(reader.event(tenant_, run.event));
    EXPECT_TRUE(reader.owner(run.event));
    EXPECT_TRUE(reader.owner(run.delivery));
    static_cast<void>(reader.broadcast(BroadcastId{run.delivery.value}));
    EXPECT_TRUE(reader.event_deliveries(tenant_, run.event));
    EXPECT_TRUE(reader.delivery(tenant_, run.delivery));
    EXPECT_TRUE(reader.attempts(tenant_, run.delivery, 10));
    static_cast<void>(reader.webhook_version(webhook_, 1));
    EXPECT_TRUE(reader.webhooks_at(tenant_, now));
    EXPECT_TRUE(reader.kept_answer("scope", "key", now));
    EXPECT_TRUE(reader.queued(webhook_, {.rows_max = 10, .bytes_max = 1000, .held = {}}));
    for (const RollupScope scope : {RollupScope::webhook, RollupScope::tenant, RollupScope::system,
                                    RollupScope::tenant_type, RollupScope::system_type}) {
      for (const Resolution resolution : {Resolution::minute, Resolution::hour, Resolution::day}) {
        const RollupKey key{
            scope, scope == RollupScope::webhook ? webhook_.value : tenant_.value, {}};
        const RollupSpan span{.resolution = resolution, .from = *since, .to = *until};
        EXPECT_TRUE(reader.rollups(key, span));
        EXPECT_TRUE(reader.rollups_by_type(key, span, 100));
      }
      EXPECT_TRUE(reader.rollup_covered({scope, tenant_.value, {}}, now));
    }
    EXPECT_TRUE(reader.count_expired({now, now, now, now}, 10));
    EXPECT_TRUE(reader.ping());
  }
};

TEST_F(QueryPlan, NothingThatIsAskedWhileServingWalksTheHistory) {
  const auto store = open();
  auto plans = this->plans(2);
  const QueuedRun run = plans.front().runs.front();
  ASSERT_TRUE(commit(*store, std::move(plans)));
  while (*store->writer().maintain(clock_.wall_now(), /*is_idle=*/true)) {
  }
  const auto reader = store->open_reader();
  auto& sqlite_reader = dynamic_cast<SqliteReader&>(**reader);

  ask_everything(sqlite_reader, run);

  EXPECT_THAT(all_walks(sqlite_reader.connection_for_test()), testing::IsEmpty());
}

TEST_F(QueryPlan, AWalkWouldBeFound) {
  const auto store = open();
  const auto reader = store->open_reader();
  auto& db = dynamic_cast<SqliteReader&>(**reader).connection_for_test();

  EXPECT_EQ(walks(db, "SELECT count(*) FROM attempts WHERE status = 500").size(), 1U);
}

// What people look at with sqlite3 (docs/sql.md).
TEST_F(QueryPlan, TheViewsReadWhatIsCountedAndNoHistory) {
  const auto store = open();
  const auto db = Connection::open(path_.string(), SQLITE_OPEN_READONLY);
  ASSERT_TRUE(db);

  for (const std::string view : {"webhook_metrics", "webhook_health"}) {
    EXPECT_THAT(walks(**db, "SELECT * FROM " + view), testing::IsEmpty());
  }
}

}  // namespace
}  // namespace fanfare
