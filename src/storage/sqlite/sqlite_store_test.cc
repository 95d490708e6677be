// What only the SQLite store promises: the file, its lock, its migrations, a full disk, the log's
// limits and slow reads. What every store promises is in tests/contract.
#include "storage/sqlite/sqlite_store.h"

#include <filesystem>
#include <fstream>
#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "storage/sqlite/migrate.h"
#include "storage/sqlite/sqlite_store_fixture.h"
#include "storage/sqlite/write_ahead_log.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;
using sqlite::Connection;

// ---- the file ----

TEST_F(SqliteStoreTest, WhatWasCommittedIsThereAfterReopening) {
  const auto made = plans(5);
  commit(*open(), made);

  auto store = open();

  EXPECT_EQ(count_deliveries(*store), 5U);
  EXPECT_EQ(*store->writer().newest_id(), made.back().runs[0].delivery.value);
}

TEST_F(SqliteStoreTest, TheDatabaseIsReadableByItsOwnerAlone) {
  auto store = open();
  commit(*store, plans(1));

  for (const auto& entry : std::filesystem::directory_iterator(directory_)) {
    EXPECT_EQ(entry.status().permissions(), std::filesystem::perms(0600)) << entry.path();
  }
}

TEST_F(SqliteStoreTest, TheDatabaseIsSetUpToBeDurableAndToShrink) {
  auto store = open();
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();

  EXPECT_EQ(*db.number("PRAGMA synchronous"), 2);
  EXPECT_EQ(*db.number("PRAGMA auto_vacuum"), 2);
  EXPECT_EQ(*db.number("PRAGMA wal_autocheckpoint"), 0);
  EXPECT_EQ(*db.number("SELECT count(*) FROM pragma_journal_mode WHERE journal_mode = 'wal'"), 1);
  EXPECT_EQ(*db.number("PRAGMA page_size"), SqliteTuning{}.page_bytes);
}

TEST_F(SqliteStoreTest, ADirectoryThatDoesNotExistIsUnavailable) {
  path_ = directory_ / "none" / "fanfare.db";

  EXPECT_EQ(open_error().code, Errc::unavailable);
}

TEST_F(SqliteStoreTest, AFileThatIsNoDatabaseIsCorrupt) {
  std::ofstream(path_) << std::string(10'000, 'x');

  EXPECT_EQ(open_error().code, Errc::corrupt);
}

TEST_F(SqliteStoreTest, ADatabaseOfAnotherProgramIsRefused) {
  change_file("CREATE TABLE cats (name TEXT)");

  const Error error = open_error();

  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_NE(error.message.find("another program"), std::string::npos);
}

// ---- the lock ----

TEST_F(SqliteStoreTest, ASecondOwnerIsRefusedAndToldWhoTheFirstIs) {
  auto store = open();

  const Error error = open_error();

  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_NE(error.message.find("process " + std::to_string(getpid())), std::string::npos);
}

TEST_F(SqliteStoreTest, ASecondOwnerIsRefusedThroughASymbolicLinkToo) {
  auto store = open();
  std::filesystem::create_symlink(path_, directory_ / "link.db");
  path_ = directory_ / "link.db";

  EXPECT_EQ(open_error().code, Errc::conflict);
}

TEST_F(SqliteStoreTest, AFileWithTwoNamesIsRefused) {
  open().reset();
  std::filesystem::create_hard_link(path_, directory_ / "twin.db");
  path_ = directory_ / "twin.db";

  const Error error = open_error();

  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_NE(error.message.find("hard links"), std::string::npos);
}

TEST_F(SqliteStoreTest, ALinkToADatabaseThatIsYetToBeMadeMakesIt) {
  const auto real = path_;
  path_ = directory_ / "link.db";
  std::filesystem::create_symlink(real, path_);

  EXPECT_NE(open(), nullptr);
  EXPECT_TRUE(std::filesystem::exists(real.string() + ".lock"));
}

TEST_F(SqliteStoreTest, TheLockGoesWithItsOwner) {
  open().reset();

  EXPECT_NE(open(), nullptr);
}

TEST_F(SqliteStoreTest, ALockFileLeftBehindDoesNotLock) {
  std::ofstream(path_.string() + ".lock") << "1\n";

  EXPECT_NE(open(), nullptr);
}

// ---- migrations ----

TEST_F(SqliteStoreTest, MigrationsAreNumberedFromOneWithoutGaps) {
  int expected = 0;
  for (const Migration& migration : embedded_migrations()) {
    EXPECT_EQ(migration.version, ++expected);
    EXPECT_FALSE(migration.name.empty());
  }
  EXPECT_GE(expected, 1);
}

TEST_F(SqliteStoreTest, AMigrationIsRememberedWithItsChecksum) {
  auto store = open();
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();

  EXPECT_EQ(*db.number("SELECT count(*) FROM schema_migrations WHERE version = 1 AND"
                       " name = 'initial' AND length(sha256) = 64 AND applied_at = 1772366400000"),
            1);
}

TEST_F(SqliteStoreTest, AChangedMigrationIsRefused) {
  open().reset();
  change_file("UPDATE schema_migrations SET sha256 = 'abc' WHERE version = 1");

  const Error error = open_error();

  EXPECT_EQ(error.code, Errc::corrupt);
  EXPECT_NE(error.message.find("1 (initial)"), std::string::npos);
}

TEST_F(SqliteStoreTest, ANewerDatabaseIsRefused) {
  open().reset();
  change_file("INSERT INTO schema_migrations VALUES (99, 'future', 'abc', 0)");

  const Error error = open_error();

  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_NE(error.message.find("99 (future)"), std::string::npos);
}

TEST_F(SqliteStoreTest, AFailedMigrationLeavesNothingBehind) {
  auto db = *Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  const Migration good{1, "good", "CREATE TABLE a (x)"};
  const Migration bad{2, "bad", "CREATE TABLE b (x); CREATE TABLE a (x)"};
  const std::vector<Migration> both{good, bad};

  const auto done = sqlite::migrate(*db, both, clock_.wall_now());

  ASSERT_FALSE(done.has_value());
  EXPECT_NE(done.error().message.find("2 (bad)"), std::string::npos);
  EXPECT_EQ(*db->number("SELECT count(*) FROM sqlite_master"), 0);
}

TEST_F(SqliteStoreTest, OnlyMissingMigrationsRun) {
  auto db = *Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
  std::vector<Migration> migrations{{1, "one", "CREATE TABLE a (x)"}};
  ASSERT_TRUE(sqlite::migrate(*db, migrations, clock_.wall_now()).has_value());
  migrations.push_back({2, "two", "CREATE TABLE b (x)"});

  EXPECT_TRUE(sqlite::migrate(*db, migrations, clock_.wall_now()).has_value());
  EXPECT_EQ(*db->number("SELECT count(*) FROM schema_migrations"), 2);
}

TEST_F(SqliteStoreTest, AnAnswerKeptBeforeAnswersHadHeadersIsStillRepeated) {
  {
    auto db = *Connection::open(path_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE);
    ASSERT_TRUE(
        sqlite::migrate(*db, embedded_migrations().first(1), clock_.wall_now()).has_value());
    ASSERT_TRUE(
        db->run("INSERT INTO answers VALUES ('s','k',x'66',201,x'7B7D',0,?)", clock_.wall_now()));
  }

  const auto store = open();
  const auto kept = (*store->open_reader())->kept_answer("s", "k", clock_.wall_now());

  ASSERT_TRUE(kept && *kept);
  EXPECT_EQ((*kept)->answer, (StoredAnswer{.status = 201, .body = "{}"}));
}

// ---- a full disk ----

TEST_F(SqliteStoreTest, AFullDiskStoresNothingAndTheSameCommitWorksOnceThereIsSpace) {
  auto store = open();
  auto& sqlite = dynamic_cast<SqliteStore&>(*store);
  commit(*store, plans(3));
  ASSERT_TRUE(sqlite.limit_growth_for_test(2).has_value());
  const auto too_much = plans(50, 20'000);

  const auto refused = commit(*store, too_much);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  EXPECT_EQ(count_deliveries(*store), 3U);

  ASSERT_TRUE(sqlite.limit_growth_for_test(0).has_value());
  EXPECT_TRUE(commit(*store, too_much).has_value());
  EXPECT_EQ(count_deliveries(*store), 53U);
}

TEST_F(SqliteStoreTest, SmallCommitsGoOnWhileALargeOneDoesNotFit) {
  auto store = open();
  commit(*store, plans(3));
  ASSERT_TRUE(dynamic_cast<SqliteStore&>(*store).limit_growth_for_test(2).has_value());
  ASSERT_FALSE(commit(*store, plans(50, 20'000)).has_value());

  EXPECT_TRUE(commit(*store, plans(1)).has_value());
  EXPECT_EQ(count_deliveries(*store), 4U);
}

// ---- the log ----

TEST_F(SqliteStoreTest, TheLogIsEmptiedBeyondItsSoftLimit) {
  SqliteTuning tuning;
  tuning.log = {.idle_bytes = 1 << 20, .soft_bytes = 1 << 20, .hard_bytes = 1 << 30};
  auto store = open(tuning);
  for (int i = 0; i < 40; ++i) {
    ASSERT_TRUE(commit(*store, plans(10, 20'000)).has_value());
    ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), false).has_value());
  }

  EXPECT_LE(std::filesystem::file_size(path_.string() + "-wal"), 3U << 20);
  EXPECT_GE(std::filesystem::file_size(path_), 6U << 20);
}

TEST_F(SqliteStoreTest, AHeldLogRefusesCommitsAtItsHardLimitAndRecovers) {
  SqliteTuning tuning;
  tuning.log = {.idle_bytes = 1 << 18, .soft_bytes = 1 << 18, .hard_bytes = 1 << 20};
  auto store = open(tuning);
  commit(*store, plans(1));
  auto holder = *Connection::open(path_, SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(holder->execute("BEGIN; SELECT count(*) FROM events").has_value());
  Result<std::vector<Result<OpDone>>> last = commit(*store, plans(1));
  for (int i = 0; i < 100 && last; ++i) {
    last = commit(*store, plans(10, 20'000));
    ASSERT_TRUE(store->writer().maintain(clock_.wall_now(), false).has_value());
  }
  ASSERT_FALSE(last.has_value());
  EXPECT_EQ(last.error().code, Errc::unavailable);

  ASSERT_TRUE(holder->execute("COMMIT").has_value());

  EXPECT_TRUE(commit(*store, plans(1)).has_value());
}

TEST_F(SqliteStoreTest, AReaderThatHoldsTheLogIsNotWaitedForAtEveryCommit) {
  change_file("PRAGMA journal_mode = WAL; CREATE TABLE t (x BLOB)");
  auto db = *Connection::open(path_, SQLITE_OPEN_READWRITE);
  sqlite::WriteAheadLog log(*db,
                            {.idle_bytes = 1 << 16, .soft_bytes = 1 << 16, .hard_bytes = 1 << 30});
  ASSERT_TRUE(log.load().has_value());
  ASSERT_TRUE(db->execute("INSERT INTO t VALUES (zeroblob(500000))").has_value());
  auto holder = *Connection::open(path_, SQLITE_OPEN_READWRITE);
  ASSERT_TRUE(holder->execute("BEGIN; SELECT count(*) FROM t").has_value());
  ASSERT_TRUE(log.checkpoint().has_value()) << "copies all, but the log cannot start again";

  ASSERT_TRUE(db->execute("INSERT INTO t VALUES (1)").has_value());

  EXPECT_FALSE(log.wants_checkpoint(false));
  ASSERT_TRUE(db->execute("INSERT INTO t VALUES (zeroblob(20000))").has_value());
  EXPECT_TRUE(log.wants_checkpoint(false)) << "a quarter of the soft limit later it is tried again";
}

// ---- readers ----

TEST_F(SqliteStoreTest, AReadThatTakesTooLongIsStopped) {
  SqliteTuning tuning;
  tuning.read_timeout = 0ms;
  auto store = open(tuning);
  commit(*store, plans(10));
  auto reader = *store->open_reader();

  const auto page = reader->deliveries(tenant_, {.code = 418}, std::nullopt, 10);

  ASSERT_FALSE(page.has_value());
  EXPECT_EQ(page.error().code, Errc::unavailable);
  EXPECT_TRUE(reader->ping().has_value()) << "the next read is a new one";
}

TEST_F(SqliteStoreTest, WhatStartUpReadsMayTakeAnyTime) {
  SqliteTuning tuning;
  tuning.read_timeout = 0ms;
  auto store = open(tuning);
  commit(*store, plans(10));
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  ASSERT_TRUE(db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
                         " WHERE i < 20000) INSERT INTO settings SELECT 'key-' || i, 'x' FROM n")
                  .has_value());
  auto reader = *store->open_reader();

  const auto config = reader->load_config();
  const auto waiting = reader->waiting_webhooks();

  ASSERT_TRUE(config.has_value()) << config.error().message;
  EXPECT_GE(config->settings.size(), 20'000U);
  ASSERT_TRUE(waiting.has_value()) << waiting.error().message;
  EXPECT_FALSE(waiting->empty());
}

TEST_F(SqliteStoreTest, ASlowReadOfQueuedRunsBringsWhatItHasAndSaysThatThereIsMore) {
  SqliteTuning tuning;
  tuning.read_timeout = 0ms;
  auto store = open(tuning);
  const auto made = plans(3);
  commit(*store, made);
  auto reader = *store->open_reader();
  const QueuedRun& first = made[0].runs[0];

  const auto queued = reader->queued(first.webhook, {.rows_max = 9, .bytes_max = 1 << 20});

  ASSERT_TRUE(queued.has_value()) << queued.error().message;
  ASSERT_EQ(queued->rows.size(), 1U);
  EXPECT_EQ(queued->rows[0].run.delivery, first.delivery);
  EXPECT_TRUE(queued->has_more);
}

TEST_F(SqliteStoreTest, AReaderLeavesNoSnapshotBehind) {
  auto store = open();
  auto reader = *store->open_reader();
  commit(*store, plans(10));
  ASSERT_TRUE(reader->deliveries(tenant_, {}, std::nullopt, 1).has_value());
  ASSERT_FALSE(reader->delivery(tenant_, DeliveryId{}).has_value());
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();

  EXPECT_EQ(*db.number("PRAGMA wal_checkpoint(TRUNCATE)"), 0)
      << "1 would be: a reader is in the way";
}

TEST_F(SqliteStoreTest, AnOperationThatMeetsADamagedRowTakesNothingElseWithIt) {
  auto store = open();
  auto with_key = [this] {
    EventPlan made = plan();
    made.event.event_id = "order-17";
    made.fingerprint = "same";
    return made;
  };
  commit(*store, {with_key()});
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  ASSERT_TRUE(db.execute("UPDATE event_keys SET event = x'00'").has_value());
  std::vector<WriteOp> ops(2);
  ops[0].action = PublishOp{.events = {plan(), with_key()}};
  ops[1].action = PublishOp{.events = {plan()}};

  const auto results = store->writer().commit(ops);

  ASSERT_TRUE(results.has_value());
  ASSERT_FALSE((*results)[0].has_value());
  EXPECT_EQ((*results)[0].error().code, Errc::corrupt);
  EXPECT_TRUE((*results)[1].has_value());
  EXPECT_EQ(*db.number("SELECT count(*) FROM events"), 2) << "not the first of the damaged pair";
}

TEST_F(SqliteStoreTest, ADamagedRowIsCorruptAndNotACrash) {
  auto store = open();
  const auto made = plans(1);
  commit(*store, made);
  auto& db = dynamic_cast<SqliteStore&>(*store).connection_for_test();
  ASSERT_TRUE(db.execute("UPDATE queue SET envelope = 99").has_value());
  auto reader = *store->open_reader();

  const auto found = reader->delivery(tenant_, made[0].runs[0].delivery);

  ASSERT_FALSE(found.has_value());
  EXPECT_EQ(found.error().code, Errc::corrupt);
  EXPECT_NE(found.error().message.find("envelope"), std::string::npos);
}

}  // namespace
}  // namespace fanfare
