// The lazy indexes, by what is in their tables after each commit. That lists never change by them
// is in tests/contract too, where one of the stores indexes eagerly.
#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

class LazyIndexTest : public SqliteStoreTest {
 protected:
  // Chunks of four events with a delivery each, six entries a slice, nothing when idle.
  static SqliteTuning sliced() {
    return {.index = {.chunk = 12,
                      .slice = 6,
                      .idle_chunk = 1'000,
                      .idle_slice = 6,
                      .found_ids = 4,
                      .remembered_max = 1'000}};
  }
  static sqlite::Connection& db_of(Store& store) {
    return dynamic_cast<SqliteStore&>(store).connection_for_test();
  }
  static std::int64_t indexed(Store& store) {
    return *db_of(store).number(
        "SELECT (SELECT count(*) FROM webhook_deliveries) + (SELECT count(*) FROM"
        " tenant_deliveries) + (SELECT count(*) FROM tenant_events)");
  }
  // How many stored events lie above the watermark.
  static std::int64_t unmarked(Store& store) {
    return *db_of(store).number(
        "SELECT count(*) FROM events WHERE id > (SELECT watermark FROM index_watermark)");
  }
  // A commit that stores nothing to index.
  static bool commits_nothing(Store& store) {
    std::vector<WriteOp> ops(1);
    ops[0].action = SetSettingOp{.key = "key", .value = "value"};
    return store.writer().commit(ops).has_value();
  }
  static void commit_nothing(Store& store) { EXPECT_TRUE(commits_nothing(store)); }
  void expect_whole_lists(Store& store, std::size_t count) {
    EXPECT_EQ(count_deliveries(store), count);
    auto reader = store.open_reader();
    EXPECT_EQ((*reader)->events(tenant_, {}, std::nullopt, 1000)->rows.size(), count);
    DeliveryFilter filter;
    filter.webhook = webhook_;
    EXPECT_EQ((*reader)->deliveries(tenant_, filter, std::nullopt, 1000)->rows.size(), count);
  }
};

TEST_F(LazyIndexTest, AChunkGoesInWithTheCommitsThatFollow) {
  auto store = open(sliced());
  commit(*store, plans(4));
  EXPECT_EQ(indexed(*store), 0);

  commit_nothing(*store);
  EXPECT_EQ(indexed(*store), 6);
  EXPECT_EQ(unmarked(*store), 4) << "the watermark waits for the whole chunk";
  expect_whole_lists(*store, 4);

  commit_nothing(*store);
  EXPECT_EQ(indexed(*store), 12);
  EXPECT_EQ(unmarked(*store), 0);
  expect_whole_lists(*store, 4);
}

TEST_F(LazyIndexTest, ASliceIsTwiceWhatItsCommitStores) {
  auto store = open(sliced());
  commit(*store, plans(20));

  commit(*store, plans(5));

  EXPECT_EQ(indexed(*store), 30);
}

TEST_F(LazyIndexTest, LessThanAChunkWaits) {
  auto store = open(sliced());
  commit(*store, plans(3));

  commit_nothing(*store);

  EXPECT_EQ(indexed(*store), 0);
  expect_whole_lists(*store, 3);
}

TEST_F(LazyIndexTest, ASliceOfACommitThatIsRolledBackGoesInLater) {
  auto store = open(sliced());
  commit(*store, plans(4));
  // Fails in COMMIT, when the slice is in.
  sqlite3_commit_hook(db_of(*store).handle(), [](void*) { return 1; }, nullptr);
  ASSERT_FALSE(commits_nothing(*store));
  sqlite3_commit_hook(db_of(*store).handle(), nullptr, nullptr);
  EXPECT_EQ(indexed(*store), 0);

  commit_nothing(*store);
  commit_nothing(*store);

  EXPECT_EQ(indexed(*store), 12);
  EXPECT_EQ(unmarked(*store), 0);
  expect_whole_lists(*store, 4);
}

TEST_F(LazyIndexTest, NothingOfARefusedCommitIsIndexed) {
  auto store = open(sliced());
  commit(*store, plans(4));
  ASSERT_TRUE(dynamic_cast<SqliteStore&>(*store).limit_growth_for_test(1).has_value());
  ASSERT_FALSE(commit(*store, plans(50, 20'000)).has_value());
  ASSERT_TRUE(dynamic_cast<SqliteStore&>(*store).limit_growth_for_test(0).has_value());

  for (int i = 0; i < 5; ++i) commit_nothing(*store);

  EXPECT_EQ(indexed(*store), 12);
  expect_whole_lists(*store, 4);
}

TEST_F(LazyIndexTest, ACommitIsStoredThoughItsSliceCannotBe) {
  SqliteTuning tuning = sliced();
  tuning.index.slice = 100'000;
  tuning.index.remembered_max = 100'000;
  auto store = open(tuning);
  commit(*store, plans(1500));
  ASSERT_TRUE(dynamic_cast<SqliteStore&>(*store).limit_growth_for_test(2).has_value());

  commit_nothing(*store);
  EXPECT_EQ(indexed(*store), 0);
  EXPECT_EQ(count_deliveries(*store), 1500U);
  EXPECT_TRUE(commit(*store, plans(1)).has_value()) << "the index rests";

  ASSERT_TRUE(dynamic_cast<SqliteStore&>(*store).limit_growth_for_test(0).has_value());
  store->writer().maintain(clock_.wall_now(), false);
  commit_nothing(*store);
  EXPECT_EQ(indexed(*store), 4500);
  EXPECT_EQ(unmarked(*store), 1);
}

TEST_F(LazyIndexTest, WhatIsTooMuchToRememberIsFoundInTheTables) {
  SqliteTuning tuning = sliced();
  tuning.index.remembered_max = 20;
  auto store = open(tuning);
  commit(*store, plans(9));
  expect_whole_lists(*store, 9);

  for (int i = 0; i < 9; ++i) {
    commit_nothing(*store);
    expect_whole_lists(*store, 9);
  }

  EXPECT_EQ(indexed(*store), 27);
  EXPECT_EQ(unmarked(*store), 0);
}

TEST_F(LazyIndexTest, AnEntryWithoutItsEventIsPassedOver) {
  auto store = open(sliced());
  const auto made = plans(2);
  commit(*store, made);
  auto entry = db_of(*store).run("INSERT INTO tenant_events VALUES (?, ?)", tenant_,
                                 ids_.next(clock_.wall_now()));
  ASSERT_TRUE(entry.has_value());

  expect_whole_lists(*store, 2);
}

TEST_F(LazyIndexTest, FoundRowsThatAreGoneMeanwhileDoNotHoldTheWatermark) {
  {
    auto store = open(sliced());
    commit(*store, plans(3));
  }
  auto store = open(sliced());
  ASSERT_TRUE(db_of(*store).execute("DELETE FROM events; DELETE FROM queue").has_value());

  commit_nothing(*store);
  commit(*store, plans(4));
  commit_nothing(*store);
  commit_nothing(*store);

  EXPECT_EQ(unmarked(*store), 0);
  expect_whole_lists(*store, 4);
}

TEST_F(LazyIndexTest, WhatWasRefusedAloneIsNotIndexed) {
  auto store = open(sliced());
  auto made = plans(5);
  made[4].event.id = made[3].event.id;  // cannot be stored: the others are
  const auto results = commit(*store, made);
  ASSERT_TRUE(results.has_value());
  ASSERT_FALSE(results->back().has_value());

  for (int i = 0; i < 3; ++i) commit_nothing(*store);

  EXPECT_EQ(indexed(*store), 12);
}

TEST_F(LazyIndexTest, AProcessThatEndedAmidAChunkLeavesNoGapAndNoDouble) {
  {
    auto store = open(sliced());
    commit(*store, plans(9));
    commit_nothing(*store);
    ASSERT_EQ(indexed(*store), 6);
  }
  auto store = open(sliced());
  expect_whole_lists(*store, 9);
  commit(*store, plans(2));

  for (int i = 0; i < 10; ++i) {
    commit_nothing(*store);
    expect_whole_lists(*store, 11);
  }

  EXPECT_EQ(indexed(*store), 27) << "the two that followed make no chunk yet";
  EXPECT_EQ(unmarked(*store), 2);
}

TEST_F(LazyIndexTest, RunsThatEndedBeforeAStartAreFoundToo) {
  {
    auto store = open(sliced());
    auto made = plans(2);
    made[0].skipped = std::exchange(made[0].runs, {});
    commit(*store, made);
  }
  auto store = open(sliced());

  commit_nothing(*store);

  EXPECT_EQ(indexed(*store), 6);
  EXPECT_EQ(unmarked(*store), 0);
}

TEST_F(LazyIndexTest, WhenIdleAWholeChunkGoesInStepByStep) {
  SqliteTuning tuning = sliced();
  tuning.index.idle_chunk = 9;
  auto store = open(tuning);
  commit(*store, plans(3));

  EXPECT_TRUE(*store->writer().maintain(clock_.wall_now(), true)) << "there is more";
  EXPECT_EQ(indexed(*store), 6);
  while (*store->writer().maintain(clock_.wall_now(), true)) {
  }

  EXPECT_EQ(indexed(*store), 9);
  EXPECT_EQ(unmarked(*store), 0);
}

TEST_F(LazyIndexTest, AnIndexThatCannotGrowChangesNoAnswer) {
  SqliteTuning tuning;
  tuning.index = {.chunk = 100'000, .slice = 64, .idle_chunk = 1'000, .idle_slice = 100'000};
  auto store = open(tuning);
  auto& sqlite = dynamic_cast<SqliteStore&>(*store);
  commit(*store, plans(1500));
  ASSERT_TRUE(sqlite.limit_growth_for_test(1).has_value());

  const auto step = store->writer().maintain(clock_.wall_now(), true);
  EXPECT_FALSE(step.has_value());
  EXPECT_EQ(count_deliveries(*store), 1500U);

  ASSERT_TRUE(sqlite.limit_growth_for_test(0).has_value());
  EXPECT_TRUE(store->writer().maintain(clock_.wall_now(), true).has_value());
  EXPECT_EQ(count_deliveries(*store), 1500U);
  EXPECT_EQ(unmarked(*store), 0);
}

}  // namespace
}  // namespace fanfare
