// What only SQLite promises of the audit log: the file itself refuses changes, and its seal shows
// those that were made all the same.
#include <gmock/gmock.h>

#include "storage/sqlite/audit_verify.h"
#include "storage/sqlite/sqlite_store_fixture.h"

namespace fanfare {
namespace {

class SqliteAuditLog : public SqliteStoreTest {
 protected:
  SqliteAuditLog() {
    auto store = open();
    EXPECT_TRUE(store->writer().seal_audit_log(key_));
    for (const char* action : {"a.one", "a.two", "a.three"}) record(*store, action);
  }
  void record(Store& store, const std::string& action) {
    AuditEntry entry;
    entry.id = AuditId{ids_.next(clock_.wall_now())};
    entry.at = clock_.wall_now();
    entry.action = action;
    std::vector<WriteOp> ops;
    ops.push_back(WriteOp{.action = RecordOp{}, .audit = {entry}});
    const auto done = store.writer().commit(ops);
    ASSERT_TRUE(done && done->front());
  }
  std::string refusal_of(const std::string& sql) {
    auto db = sqlite::Connection::open(path_, SQLITE_OPEN_READWRITE);
    const auto done = (*db)->execute(sql);
    return done ? "" : done.error().message;
  }
  // What the log's seal says of the file after `sql`, which no trigger keeps from anything.
  Result<void> sealed_after(const std::string& sql) {
    change_file(
        "DROP TRIGGER audit_log_appends; DROP TRIGGER audit_log_never_changes;"
        "DROP TRIGGER audit_log_keeps_rows; DROP TRIGGER audit_anchor_moves_on;");
    change_file(sql);
    return open()->writer().seal_audit_log(key_);
  }

  Secret key_{"the key of the seal"};
};

TEST_F(SqliteAuditLog, RefusesEveryChangeOfARow) {
  EXPECT_THAT(refusal_of("UPDATE audit_log SET action = 'x'"),
              testing::HasSubstr("rows are never changed"));
  EXPECT_THAT(refusal_of("DELETE FROM audit_log"),
              testing::HasSubstr("only rows up to the anchor may go"));
  EXPECT_THAT(refusal_of("INSERT OR REPLACE INTO audit_log SELECT * FROM audit_log LIMIT 1"),
              testing::HasSubstr("new rows go behind the last one"));
  EXPECT_THAT(refusal_of("DELETE FROM audit_anchor"), testing::HasSubstr("stays"));
  EXPECT_THAT(refusal_of("INSERT INTO audit_anchor SELECT * FROM audit_anchor"),
              testing::HasSubstr("one anchor"));
}

TEST_F(SqliteAuditLog, TheAnchorOnlyMovesOn) {
  change_file("UPDATE audit_anchor SET id = (SELECT min(id) FROM audit_log)");

  EXPECT_THAT(refusal_of("UPDATE audit_anchor SET id = zeroblob(16)"),
              testing::HasSubstr("only moves on"));
}

TEST_F(SqliteAuditLog, AnUntouchedLogIsAsItsSealSays) {
  EXPECT_TRUE(open()->writer().seal_audit_log(key_));
}

TEST_F(SqliteAuditLog, ExpiryMovesTheSealWithTheAnchor) {
  {
    auto store = open();
    ASSERT_TRUE(store->writer().seal_audit_log(key_));
    std::vector<WriteOp> ops;
    ops.push_back(
        WriteOp{.action = ExpireAuditOp{.before = clock_.wall_now() + Millis{1}, .rows_max = 2}});
    ASSERT_TRUE(store->writer().commit(ops)->front());
  }

  EXPECT_TRUE(open()->writer().seal_audit_log(key_));
}

TEST_F(SqliteAuditLog, AStoreThatNobodyGaveAKeyGoesOnWithoutASeal) {
  auto store = open();

  record(*store, "a.four");

  EXPECT_EQ(store->writer().seal_audit_log(key_).error().code, Errc::corrupt);
}

TEST_F(SqliteAuditLog, NothingExpiresFromASealedLogWithoutTheKey) {
  auto store = open();
  std::vector<WriteOp> ops;
  ops.push_back(
      WriteOp{.action = ExpireAuditOp{.before = clock_.wall_now() + Millis{1}, .rows_max = 2}});

  const auto refused = store->writer().commit(ops);

  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->front().error().code, Errc::conflict);
  EXPECT_TRUE(store->writer().seal_audit_log(key_)) << "nothing is gone";
}

TEST_F(SqliteAuditLog, ACutTailIsSeen) {
  const auto sealed =
      sealed_after("DELETE FROM audit_log WHERE id = (SELECT max(id) FROM audit_log)");

  ASSERT_FALSE(sealed);
  EXPECT_THAT(sealed.error().message, testing::HasSubstr("ends with"));
}

TEST_F(SqliteAuditLog, AnAnchorThatWasMovedIsSeen) {
  const auto sealed = sealed_after(
      "UPDATE audit_anchor SET (id, hash) = (SELECT id, hash FROM audit_log ORDER BY id LIMIT 1);"
      "DELETE FROM audit_log WHERE id <= (SELECT id FROM audit_anchor)");

  ASSERT_FALSE(sealed);
  EXPECT_THAT(sealed.error().message, testing::HasSubstr("begins behind"));
}

TEST_F(SqliteAuditLog, AMissingSealIsSeen) {
  EXPECT_FALSE(sealed_after("DELETE FROM settings WHERE key = 'audit_seal'"));
}

TEST_F(SqliteAuditLog, ASealOfAnotherKeyIsSeen) {
  EXPECT_FALSE(open()->writer().seal_audit_log(Secret("another key")));
}

TEST_F(SqliteAuditLog, VerificationWalksInStepsOfAnySize) {
  for (const std::size_t rows_each : {1, 2, 3, 4}) {
    std::vector<std::int64_t> progress;
    const auto verdict = verify_audit_log(
        path_, {.sealer = key_,
                .broken_action = {},
                .rows_each = rows_each,
                .on_progress = [&](std::int64_t rows) { progress.push_back(rows); }});

    ASSERT_TRUE(verdict) << verdict.error().message;
    EXPECT_TRUE(verdict->is_whole()) << verdict->reason;
    EXPECT_EQ(verdict->rows, 3);
    EXPECT_EQ(progress.size(), 3 / rows_each + 1);
  }
}

TEST_F(SqliteAuditLog, VerificationBeginsBehindWhatExpired) {
  {
    auto store = open();
    ASSERT_TRUE(store->writer().seal_audit_log(key_));
    std::vector<WriteOp> ops;
    ops.push_back(
        WriteOp{.action = ExpireAuditOp{.before = clock_.wall_now() + Millis{1}, .rows_max = 2}});
    ASSERT_TRUE(store->writer().commit(ops)->front());
  }

  const auto verdict = verify_audit_log(path_, {.sealer = key_, .broken_action = {}});

  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->is_whole()) << verdict->reason;
  EXPECT_EQ(verdict->rows, 1);
}

TEST_F(SqliteAuditLog, VerificationNamesARowThatCannotBeRead) {
  change_file(
      "DROP TRIGGER audit_log_never_changes;"
      "UPDATE audit_log SET actor_kind = 99 WHERE action = 'a.two'");

  const auto verdict = verify_audit_log(path_, {.sealer = key_, .broken_action = {}});

  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->rows, 1);
  EXPECT_THAT(verdict->reason, testing::HasSubstr("cannot be read"));
}

TEST_F(SqliteAuditLog, ListsReadAnIndex) {
  auto db = sqlite::Connection::open(path_, SQLITE_OPEN_READWRITE);
  const auto plan_of = [&db](sqlite::Sql sql) {
    auto row = (*db)->prepare(sql);
    std::string text;
    while (*row->next()) {
      std::int64_t id = 0, parent = 0, unused = 0;
      std::string detail;
      EXPECT_TRUE(row->read(id, parent, unused, detail));
      text += detail + ";";
    }
    return text;
  };

  EXPECT_THAT(plan_of("EXPLAIN QUERY PLAN SELECT * FROM audit_log WHERE id >= ?1 AND id < ?2"
                      " AND tenant = ?3 ORDER BY id DESC"),
              testing::AllOf(testing::HasSubstr("audit_log_by_tenant (tenant=? AND id>? AND id<?)"),
                             testing::Not(testing::HasSubstr("TEMP B-TREE"))));
  EXPECT_THAT(plan_of("EXPLAIN QUERY PLAN SELECT * FROM audit_log WHERE id >= ?1 AND id < ?2"
                      " AND object_id = ?3 ORDER BY id DESC"),
              testing::AllOf(testing::HasSubstr("audit_log_by_object (object_id=? AND id>? AND "
                                                "id<?)"),
                             testing::Not(testing::HasSubstr("TEMP B-TREE"))));
}

}  // namespace
}  // namespace fanfare
