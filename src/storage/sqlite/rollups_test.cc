// What only SQLite has to promise of statistics: rows whose time is over go, and an older database
// starts with the numbers of what it holds.
#include <algorithm>

#include "storage/migrations/migrations.h"
#include "storage/sqlite/migrate.h"
#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

class SqliteRollupsTest : public SqliteStoreTest {
 protected:
  void flush_one(Store& store, Timestamp when, std::int64_t covered) {
    RollupUnit unit{.key = {RollupScope::webhook, webhook_.value, {}}, .minutes = {}};
    unit.minutes.push_back({floor_to(when, Resolution::minute), {.accepted = 1}});
    std::vector<WriteOp> ops;
    ops.push_back({FlushRollupsOp{.covered = covered, .units = {unit}, .webhooks = {}}, {}});
    const auto done = store.writer().commit(ops);
    ASSERT_TRUE(done && done->front());
  }
  static std::int64_t rows(Store& store, int resolution) {
    auto& db = dynamic_cast<SqliteStore&>(store).connection_for_test();
    return *db.number("SELECT count(*) FROM rollups WHERE resolution = " +
                      std::to_string(resolution));
  }
};

TEST_F(SqliteRollupsTest, RowsWhoseTimeIsOverGo) {
  auto store = open();
  const Timestamp now = clock_.wall_now();
  std::int64_t covered = 0;
  for (const Millis age : {Millis{0ms}, Millis{23h}, Millis{25h}, Millis{24h * 29},
                           Millis{24h * 32}, Millis{24h * 360}, Millis{24h * 369}}) {
    flush_one(*store, now - age, ++covered);
  }
  ASSERT_EQ(rows(*store, 0), 7);

  while (*store->writer().maintain(now, /*is_idle=*/true)) {
  }

  EXPECT_EQ(rows(*store, 0), 2);
  EXPECT_EQ(rows(*store, 1), 4);
  EXPECT_EQ(rows(*store, 2), 5) << "23 and 25 hours before noon are one day";
}

TEST_F(SqliteRollupsTest, AnOlderDatabaseStartsWithTheNumbersOfWhatItHolds) {
  const auto all = embedded_migrations();
  const auto ours = std::find_if(all.begin(), all.end(), [](const Migration& migration) {
    return migration.name == "statistics";
  });
  ASSERT_NE(ours, all.end());
  {
    auto db = sqlite::Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    ASSERT_TRUE(db);
    const auto before = all.first(static_cast<std::size_t>(ours - all.begin()));
    ASSERT_TRUE(sqlite::migrate(**db, before, clock_.wall_now()));
    const std::string ids =
        "x'11111111111111111111111111111111', x'22222222222222222222222222222222'";
    const std::string event = "zeroblob(16), 'a'";
    // Waiting; a test that waits; over in its first and its second run; failed.
    const auto done = (*db)->execute(
        "INSERT INTO queue VALUES (x'01000000000000000000000000000000', 1, " + ids + ", " + event +
        ", 0, 1, 0, 1, 0, 0, 0, 0);" +
        "INSERT INTO queue VALUES (x'02000000000000000000000000000000', 1, " + ids + ", " + event +
        ", 0, 1, 0, 1, 0, 0, 1, 0);" +
        "INSERT INTO deliveries VALUES (x'03000000000000000000000000000000', 1, " + ids + ", " +
        event + ", 1, 1, 1, 0, 0, 0, 0, 3, 0, '', 0), (x'03000000000000000000000000000000', 2, " +
        ids + ", " + event +
        ", 1, 1, 1, 0, 0, 0, 0, 2, 0, '', 0), (x'04000000000000000000000000000000', 1, " + ids +
        ", " + event + ", 1, 1, 1, 0, 0, 0, 0, 3, 0, '', 0)");
    ASSERT_TRUE(done) << done.error().message;
  }

  auto store = open();

  const auto start = (*store->open_reader())->load_rollups();
  ASSERT_TRUE(start) << start.error().message;
  ASSERT_EQ(start->webhooks.size(), 1U);
  EXPECT_EQ(start->webhooks[0].live.open, 1);
  EXPECT_EQ(start->webhooks[0].totals.accepted, 3);
  EXPECT_EQ(start->webhooks[0].totals.succeeded, 1);
  EXPECT_EQ(start->webhooks[0].totals.failed, 2);
}

}  // namespace
}  // namespace fanfare
