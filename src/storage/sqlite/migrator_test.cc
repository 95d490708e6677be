// Migrations of whole files: tried on a copy first, up from every version, down where nothing is
// lost, and the same schema by script.
#include "storage/sqlite/migrator.h"

#include <fstream>

#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

using sqlite::Connection;

class MigratorTest : public SqliteStoreTest {
 protected:
  // Two migrations: a table of letters, then one of numbers, which can be taken back while empty.
  const std::vector<Migration> two_{
      {1, "letters", "CREATE TABLE letters (x TEXT); INSERT INTO letters VALUES ('a')"},
      {2, "numbers", "CREATE TABLE numbers (x INTEGER)",
       "-- lost: SELECT count(*) FROM numbers\nDROP TABLE numbers;\n"}};

  std::vector<Migration> one() const { return {two_.front()}; }
  Result<void> up(const std::vector<Migration>& migrations) {
    return sqlite::migrate_file_up(path_, clock_.wall_now(), migrations);
  }
  Result<void> down(const std::vector<Migration>& migrations) {
    return sqlite::migrate_file_down(path_, migrations);
  }
  std::int64_t number(const std::string& sql) {
    auto db = Connection::open(path_, SQLITE_OPEN_READONLY);
    EXPECT_TRUE(db);
    auto found = (*db)->number(sql);
    EXPECT_TRUE(found) << sql << ": " << (found ? "" : found.error().message);
    return found.value_or(-1);
  }
  std::string bytes_of_file() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  bool has_copy() const { return std::filesystem::exists(path_.string() + ".trial"); }
};

// Everything a schema is: the statements that made it and the rows it starts with.
std::string schema_of(Connection& db) {
  const auto script = [&](const char* sql) {
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db.handle(), sql, -1, &statement, nullptr), SQLITE_OK) << sql;
    std::string text;
    while (sqlite3_step(statement) == SQLITE_ROW) {
      text.append(reinterpret_cast<const char*>(sqlite3_column_text(statement, 0))).append("\n");
    }
    sqlite3_finalize(statement);
    return text;
  };
  return script(
             "SELECT type || name || tbl_name || coalesce(sql, '') FROM sqlite_master"
             " ORDER BY type, name") +
         script("SELECT version || name || sha256 FROM schema_migrations ORDER BY version") +
         script("SELECT quote(watermark) FROM index_watermark");
}

TEST_F(MigratorTest, ANewFileNeedsNoCopy) {
  ASSERT_TRUE(up(two_));

  EXPECT_EQ(number("SELECT count(*) FROM schema_migrations"), 2);
}

TEST_F(MigratorTest, AFileWithDataIsBroughtUpAndNoCopyStays) {
  ASSERT_TRUE(up(one()));
  change_file("INSERT INTO letters VALUES ('b')");

  ASSERT_TRUE(up(two_));

  EXPECT_EQ(number("SELECT count(*) FROM letters"), 2);
  EXPECT_EQ(number("SELECT count(*) FROM numbers"), 0);
  EXPECT_FALSE(has_copy());
}

TEST_F(MigratorTest, AMigrationThatFailsLeavesTheFileAsItWas) {
  ASSERT_TRUE(up(one()));
  auto migrations = two_;
  migrations.push_back({3, "bad", "CREATE TABLE c (x); CREATE TABLE letters (x)"});
  const std::string before = bytes_of_file();

  const auto done = up(migrations);

  ASSERT_FALSE(done);
  EXPECT_NE(done.error().message.find("3 (bad)"), std::string::npos);
  EXPECT_NE(done.error().message.find("unchanged"), std::string::npos);
  const std::string after = bytes_of_file();
  const auto differs = std::mismatch(before.begin(), before.end(), after.begin(), after.end());
  EXPECT_TRUE(after == before) << "from byte " << differs.first - before.begin();
  EXPECT_FALSE(has_copy());
}

TEST_F(MigratorTest, AFileThatIsDamagedIsNotMigrated) {
  ASSERT_TRUE(up(one()));
  change_file(
      "CREATE TABLE filler (x); CREATE INDEX by_x ON filler (x);"
      "INSERT INTO filler VALUES (1), (2), (3);"
      "PRAGMA writable_schema = ON; UPDATE sqlite_master SET rootpage = (SELECT rootpage"
      " FROM sqlite_master WHERE name = 'letters') WHERE name = 'by_x'");

  const auto done = up(two_);

  ASSERT_FALSE(done);
  EXPECT_EQ(number("SELECT count(*) FROM schema_migrations"), 1);
}

TEST_F(MigratorTest, ACopyThatACrashLeftBehindIsNoObstacle) {
  ASSERT_TRUE(up(one()));
  std::ofstream(path_.string() + ".trial") << "half a copy";

  EXPECT_TRUE(up(two_));
  EXPECT_FALSE(has_copy());
}

TEST_F(MigratorTest, AFileThatSomebodyHasOpenIsRefusedWithItsName) {
  auto store = open();

  const auto done = sqlite::migrate_file_up(path_, clock_.wall_now());

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::conflict);
  EXPECT_NE(done.error().message.find(std::to_string(getpid())), std::string::npos);
}

TEST_F(MigratorTest, OneVersionBackIsTheSchemaOfThatVersion) {
  ASSERT_TRUE(up(two_));

  ASSERT_TRUE(down(two_));

  EXPECT_EQ(number("SELECT count(*) FROM sqlite_master WHERE name = 'numbers'"), 0);
  EXPECT_EQ(number("SELECT max(version) FROM schema_migrations"), 1);
  EXPECT_TRUE(up(two_)) << "and up again";
}

TEST_F(MigratorTest, ThereIsNoWayBackWhereDataWouldBeLost) {
  ASSERT_TRUE(up(two_));
  change_file("INSERT INTO numbers VALUES (1), (2)");

  const auto done = down(two_);

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::conflict);
  EXPECT_NE(done.error().message.find("2 rows"), std::string::npos) << done.error().message;
  EXPECT_EQ(number("SELECT count(*) FROM numbers"), 2);
}

TEST_F(MigratorTest, ThereIsNoWayBelowTheFirst) {
  ASSERT_TRUE(up(one()));

  const auto done = down(one());

  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, Errc::conflict);
}

TEST_F(MigratorTest, AFileThatIsNotThereIsNotMadeByALook) {
  const auto status = sqlite::migration_status(path_);

  ASSERT_TRUE(status);
  EXPECT_FALSE(status->front().applied_at);
  EXPECT_FALSE(down(two_));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(MigratorTest, TheStatusOfAFileInUseSaysWhatWasAppliedAndWhen) {
  auto store = open();

  const auto status = sqlite::migration_status(path_);

  ASSERT_TRUE(status) << status.error().message;
  ASSERT_EQ(status->size(), embedded_migrations().size());
  for (const auto& one : *status) EXPECT_EQ(one.applied_at, clock_.wall_now()) << one.name;
}

TEST_F(MigratorTest, WhatIsPendingIsSaid) {
  ASSERT_TRUE(up(one()));

  const auto status = sqlite::migration_status(path_, two_);

  ASSERT_TRUE(status);
  EXPECT_TRUE(status->at(0).applied_at);
  EXPECT_FALSE(status->at(0).has_way_back);
  EXPECT_FALSE(status->at(1).applied_at);
  EXPECT_TRUE(status->at(1).has_way_back);
}

// ---- the migrations of this binary ----

TEST_F(MigratorTest, EveryMigrationButTheFirstHasAWayBackThatCountsWhatIsLost) {
  EXPECT_TRUE(embedded_migrations().front().down.empty());
  for (const Migration& migration : embedded_migrations().subspan(1)) {
    EXPECT_FALSE(loss_query(migration).empty()) << migration.name;
    EXPECT_GT(migration.down.size(), loss_query(migration).size() + 12) << migration.name;
  }
}

// From every earlier version, with data in it, up to the newest, where a store works with it.
TEST_F(MigratorTest, EveryVersionWithDataComesUp) {
  const auto all = embedded_migrations();
  for (std::size_t from = 1; from <= all.size(); ++from) {
    std::filesystem::remove(path_);
    ASSERT_TRUE(sqlite::migrate_file_up(path_, clock_.wall_now(), all.subspan(0, from)));
    change_file(
        "INSERT INTO events (id, tenant, type, event_id, deliveries, is_test, created_at, metadata,"
        " data) VALUES (zeroblob(16), zeroblob(16), 'invoice.paid', '', 0, 0, 5, '', x'7b7d')");

    const auto store = open();

    ASSERT_NE(store, nullptr) << "from version " << from;
    EXPECT_EQ(number("SELECT count(*) FROM events"), 1);
    EXPECT_EQ(number("SELECT max(version) FROM schema_migrations"), all.back().version);
    EXPECT_TRUE(commit(*store, plans(3)));
  }
}

TEST_F(MigratorTest, EveryWayBackLeadsToTheSchemaBefore) {
  const auto all = embedded_migrations();
  ASSERT_TRUE(sqlite::migrate_file_up(path_, clock_.wall_now()));
  for (std::size_t to = all.size() - 1; to >= 1; --to) {
    const auto back = sqlite::migrate_file_down(path_);
    ASSERT_TRUE(back) << back.error().message;

    const auto path = path_;
    path_ = directory_ / ("expected" + std::to_string(to) + ".db");
    ASSERT_TRUE(sqlite::migrate_file_up(path_, clock_.wall_now(), all.subspan(0, to)));
    auto made = *Connection::open(path_, SQLITE_OPEN_READONLY);
    path_ = path;
    auto found = *Connection::open(path_, SQLITE_OPEN_READONLY);
    EXPECT_EQ(schema_of(*found), schema_of(*made)) << "version " << to;
  }
}

TEST_F(MigratorTest, TheScriptMakesTheSchemaThatTheMigrationsMake) {
  const auto script = sqlite::schema_script();
  ASSERT_TRUE(script) << script.error().message;
  change_file(*script);
  auto by_script = *Connection::open(path_, SQLITE_OPEN_READWRITE);
  const std::string scripted = schema_of(*by_script);
  by_script.reset();
  const auto file = path_;
  path_ = directory_ / "migrated.db";
  ASSERT_TRUE(sqlite::migrate_file_up(path_, clock_.wall_now()));
  auto by_migrations = *Connection::open(path_, SQLITE_OPEN_READWRITE);

  EXPECT_EQ(scripted, schema_of(*by_migrations));

  path_ = file;
  const auto store = open();
  ASSERT_NE(store, nullptr) << "a server takes it";
  EXPECT_TRUE(commit(*store, plans(2)));
}

}  // namespace
}  // namespace fanfare
