// What every store promises of the audit log: entries come and go with their changes, in one chain.
#include "storage/audit_chain.h"
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class AuditContract : public StoreContract {
 protected:
  AuditEntry entry(const std::string& action, std::optional<TenantId> tenant = std::nullopt) {
    AuditEntry made;
    made.id = make_.id<AuditId>();
    made.at = make_.now;
    made.tenant = tenant;
    made.actor = {.kind = ActorKind::api_key, .id = "key_1", .name = "ci"};
    made.action = action;
    made.object = {.type = "webhook", .id = to_string(webhook_)};
    made.before = R"({"url":"a"})";
    made.after = R"({"url":"b"})";
    made.ip = "192.0.2.7";
    made.user_agent = std::string("agent\0\xff", 7);
    made.request_id = "req_1";
    made.metadata = R"({"n":1})";
    return made;
  }
  Result<OpDone> write(WriteAction action, std::vector<AuditEntry> audit) {
    std::vector<WriteOp> ops;
    ops.push_back(WriteOp{.action = std::move(action), .claim = {}, .audit = std::move(audit)});
    auto results = opened_.store->writer().commit(ops);
    if (!results) return tl::unexpected<Error>(results.error());
    return std::move(results->front());
  }
  AuditEntry stored(const std::string& action, std::optional<TenantId> tenant = std::nullopt) {
    const AuditEntry made = entry(action, tenant);
    EXPECT_TRUE(write(RecordOp{}, {made}));
    return made;
  }
  std::vector<AuditRow> rows(const AuditFilter& filter = {}) {
    const auto page = reader_->audit_entries(filter, std::nullopt, 100);
    EXPECT_TRUE(page) << (page ? "" : page.error().message);
    return page ? page->rows : std::vector<AuditRow>{};
  }
  std::vector<std::string> actions(const AuditFilter& filter = {}) {
    std::vector<std::string> found;
    for (const AuditRow& row : rows(filter)) found.push_back(row.entry.action);
    return found;
  }
  AuditExpired expire(Timestamp before, std::size_t rows_max) {
    return value_of<AuditExpired>(commit(ExpireAuditOp{.before = before, .rows_max = rows_max}));
  }
};

using Texts = std::vector<std::string>;

TEST_P(AuditContract, KeepsEveryFieldOfAnEntry) {
  const AuditEntry made = stored("webhook.updated", tenant_);

  const auto found = reader_->audit_entry(made.id);

  ASSERT_TRUE(found);
  EXPECT_EQ(found->entry, made);
}

TEST_P(AuditContract, AnEntryWithoutATenantReadsAsSuch) {
  const AuditEntry made = stored("server.started");

  EXPECT_EQ(reader_->audit_entry(made.id)->entry.tenant, std::nullopt);
}

TEST_P(AuditContract, AnUnknownEntryIsNotFound) {
  EXPECT_EQ(error_of(reader_->audit_entry(make_.id<AuditId>())), Errc::not_found);
}

TEST_P(AuditContract, AnEntryIsStoredWithItsChange) {
  ASSERT_TRUE(write(PutWebhookOp{.row = make_.webhook(tenant_), .expected_version = 0},
                    {entry("webhook.created", tenant_)}));

  EXPECT_EQ(actions(), Texts{"webhook.created"});
}

TEST_P(AuditContract, AChangeThatIsRefusedLeavesNoEntry) {
  const auto refused = write(DeleteEventTypeOp{"none.such"}, {entry("event_type.deleted")});

  EXPECT_EQ(error_of(refused), Errc::not_found);
  EXPECT_EQ(actions(), Texts{});
}

TEST_P(AuditContract, ARepetitionUnderAnIdempotencyKeyLeavesNoSecondEntry) {
  const auto claimed = [this](const std::string& action) {
    std::vector<WriteOp> ops;
    IdempotencyClaim claim{.scope = "s",
                           .key = "k",
                           .fingerprint = "f",
                           .now = make_.now,
                           .render = [](const OpDone&) { return StoredAnswer{.status = 200}; }};
    ops.push_back(
        WriteOp{.action = RecordOp{}, .claim = std::move(claim), .audit = {entry(action)}});
    return std::move(opened_.store->writer().commit(ops)->front());
  };
  ASSERT_TRUE(claimed("first.time"));

  EXPECT_EQ(error_of(claimed("second.time")), Errc::idempotency_conflict);
  EXPECT_EQ(actions(), Texts{"first.time"});
}

TEST_P(AuditContract, EntriesFormAChainInCommitOrder) {
  std::vector<WriteOp> ops;
  ops.push_back(WriteOp{.action = RecordOp{}, .audit = {entry("a.one"), entry("a.two")}});
  ops.push_back(WriteOp{.action = DeleteEventTypeOp{"none"}, .audit = {entry("a.refused")}});
  ops.push_back(WriteOp{.action = RecordOp{}, .audit = {entry("a.three")}});
  ASSERT_TRUE(opened_.store->writer().commit(ops));
  stored("a.four");

  auto newest_first = rows();
  std::string hash = AuditPoint{}.hash;
  Texts seen;
  for (auto row = newest_first.rbegin(); row != newest_first.rend(); ++row) {
    hash = next_audit_hash(hash, row->entry);
    EXPECT_EQ(row->hash, hash) << row->entry.action;
    seen.push_back(row->entry.action);
  }
  EXPECT_EQ(seen, (Texts{"a.one", "a.two", "a.three", "a.four"}));
}

TEST_P(AuditContract, AnEntryThatIsNotTheNewestIsRefusedWithItsChange) {
  const AuditEntry late = entry("a.late");
  stored("a.newer");
  const StoredWebhook row = make_.webhook(tenant_);

  const auto refused = write(PutWebhookOp{.row = row, .expected_version = 0}, {late});

  EXPECT_EQ(error_of(refused), Errc::conflict);
  EXPECT_EQ(error_of(reader_->webhook_version(row.webhook.id, 1)), Errc::not_found);
  EXPECT_EQ(actions(), Texts{"a.newer"});
}

TEST_P(AuditContract, NewestIdCountsEntriesEvenWhenTheyAreGone) {
  const AuditEntry last = stored("a.last");
  EXPECT_EQ(opened_.store->writer().newest_id(), last.id.value);

  expire(make_.now + 1ms, 10);

  EXPECT_EQ(opened_.store->writer().newest_id(), last.id.value);
}

TEST_P(AuditContract, ATenantsListHasItsOwnOnly) {
  stored("a.mine", tenant_);
  stored("a.theirs", stranger_);
  stored("a.nobodys");

  EXPECT_EQ(actions({.tenant = tenant_}), Texts{"a.mine"});
  EXPECT_EQ(actions(), (Texts{"a.nobodys", "a.theirs", "a.mine"}));
}

TEST_P(AuditContract, AnObjectsListIsOfItsTenantTooIfOneIsNamed) {
  AuditEntry mine = entry("a.mine", tenant_);
  ASSERT_TRUE(write(RecordOp{}, {mine}));
  stored("a.theirs", stranger_);

  EXPECT_EQ(actions({.object = to_string(webhook_)}), (Texts{"a.theirs", "a.mine"}));
  EXPECT_EQ(actions({.tenant = tenant_, .object = to_string(webhook_)}), Texts{"a.mine"});
  EXPECT_EQ(actions({.object = "webhook"}), (Texts{"a.theirs", "a.mine"}));
  EXPECT_EQ(actions({.object = to_string(make_.id<WebhookId>())}), Texts{});
}

TEST_P(AuditContract, FiltersByActionActorAndTime) {
  stored("webhook.created");
  make_.now += 1h;
  const Timestamp later = make_.now;
  stored("tenant.created");

  EXPECT_EQ(actions({.action = "webhook.*"}), Texts{"webhook.created"});
  EXPECT_EQ(actions({.action = "tenant.created"}), Texts{"tenant.created"});
  EXPECT_EQ(actions({.actor = "jwt"}), Texts{});
  EXPECT_EQ(actions({.actor = "key_1"}).size(), 2U);
  EXPECT_EQ(actions({.since = later}), Texts{"tenant.created"});
  EXPECT_EQ(actions({.until = later}), Texts{"webhook.created"});
}

TEST_P(AuditContract, PagesMeetWithoutGapOrRepetition) {
  Texts expected;
  for (int i = 0; i < 7; ++i)
    expected.insert(expected.begin(), stored("a.n" + std::to_string(i), tenant_).action);

  Texts seen;
  std::optional<AuditId> before;
  bool has_more = true;
  while (has_more && seen.size() < 20) {
    const auto page = reader_->audit_entries({.tenant = tenant_}, before, 3);
    ASSERT_TRUE(page);
    for (const AuditRow& row : page->rows) seen.push_back(row.entry.action);
    before = page->rows.back().entry.id;
    has_more = page->has_more;
  }

  EXPECT_EQ(seen, expected);
}

TEST_P(AuditContract, ExpiryTakesTheOldestInBoundedSteps) {
  for (const char* action : {"a.one", "a.two", "a.three"}) stored(action);
  make_.now += 1h;
  stored("a.four");

  EXPECT_EQ(expire(make_.now, 2), (AuditExpired{.rows = 2, .has_more = true}));
  EXPECT_EQ(actions(), (Texts{"a.four", "a.three"}));
  EXPECT_EQ(expire(make_.now, 2), (AuditExpired{.rows = 1, .has_more = false}));
  EXPECT_EQ(expire(make_.now, 2), (AuditExpired{.rows = 0, .has_more = false}));
  EXPECT_EQ(actions(), Texts{"a.four"});
}

TEST_P(AuditContract, TheChainGoesOnBehindWhatExpired) {
  stored("a.old");
  const std::string last_hash = rows().front().hash;
  expire(make_.now + 1ms, 10);
  ASSERT_EQ(actions(), Texts{});

  const AuditEntry next = stored("a.next");

  EXPECT_EQ(rows().front().hash, next_audit_hash(last_hash, next));
}

RUN_ON_ALL_STORES(AuditContract);

}  // namespace
}  // namespace fanfare::contract
