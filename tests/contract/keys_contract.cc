// Replacing the keys that seal: data keys wrapped anew, new ones, and what older ones sealed.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class KeysContract : public StoreContract {
 protected:
  KeysContract() {
    for (const TenantId tenant : {tenant_, other_}) {
      commit(CreateTenantOp{
          .tenant =
              {.id = tenant, .external_id = "", .name = "x", .metadata = {}, .created_at = {}},
          .key = {.tenant = tenant, .key_id = tenant == tenant_ ? 1U : 2U, .wrapped = "w"}});
    }
  }
  std::vector<std::pair<std::uint32_t, std::string>> keys_of(TenantId tenant) {
    std::vector<std::pair<std::uint32_t, std::string>> keys;
    const auto config = reader_->load_config();
    for (const TenantKey& key : config->tenant_keys) {
      if (key.tenant == tenant) keys.emplace_back(key.key_id, key.wrapped);
    }
    return keys;
  }
  // A webhook with so many versions, whose sealed parts say what they are.
  WebhookId put_webhook(TenantId tenant, int versions) {
    StoredWebhook row = make_.webhook(tenant);
    row.webhook.secrets = {
        {.number = 5, .text = Secret(), .created_at = make_.now, .expires_at = {}},
        {.number = 4, .text = Secret(), .created_at = make_.now, .expires_at = make_.now + 1h}};
    for (int version = 1; version <= versions; ++version) {
      row.webhook.version = version;
      row.sealed_headers = "headers" + std::to_string(version);
      row.sealed_secrets = {"secret5", "secret4"};
      EXPECT_TRUE(commit(PutWebhookOp{row, version - 1}));
    }
    return row.webhook.id;
  }
  void keep_answer(const std::string& key, const std::string& body, bool is_sealed = true) {
    IdempotencyClaim claim{
        .scope = "scope",
        .key = key,
        .fingerprint = "f",
        .now = make_.now,
        .render = [body, is_sealed](const OpDone&) { return StoredAnswer{201, body, is_sealed}; }};
    EXPECT_TRUE(commit(RecordOp{}, std::move(claim)));
  }
  std::string answer(const std::string& key) {
    return (*reader_->kept_answer("scope", key, make_.now))->answer.body;
  }
  // Marks everything of the tenant that is not marked yet, in steps of so many rows. Answers how
  // many were marked.
  int reseal(TenantId tenant, std::size_t rows_max) {
    auto marked = std::make_shared<int>(0);
    ResealOp op{.tenant = tenant, .after = {}, .rows_max = rows_max, .reseal = {}};
    op.reseal = [marked](const SealedRow& row) -> std::optional<std::string> {
      if (row.sealed.ends_with('!')) return std::nullopt;
      ++*marked;
      const std::string number =
          row.kind == SealedKind::answer ? "" : ":" + std::to_string(row.number);
      return row.sealed + number + "!";
    };
    for (int steps = 0; steps < 100; ++steps) {
      const auto done = commit(op);
      EXPECT_TRUE(done) << done.error().message;
      const auto& resealed = std::get<Resealed>(*done);
      if (!resealed.has_more) return *marked;
      op.after = resealed.next;
    }
    ADD_FAILURE() << "it does not end";
    return -1;
  }

  const TenantId other_ = make_.id<TenantId>();
};
RUN_ON_ALL_STORES(KeysContract);

using Keys = std::vector<std::pair<std::uint32_t, std::string>>;

TEST_P(KeysContract, ANewDataKeyStandsBesideTheOld) {
  const auto done = commit(PutTenantKeysOp{{{tenant_, 9, "new"}}, false});

  EXPECT_EQ(std::get<Settled>(*done).rows, 1U);
  EXPECT_EQ(keys_of(tenant_), (Keys{{1, "w"}, {9, "new"}}));
  EXPECT_EQ(keys_of(other_), (Keys{{2, "w"}}));
}

TEST_P(KeysContract, ATenantThatIsGoneGetsNoKey) {
  const auto done = commit(PutTenantKeysOp{{{make_.id<TenantId>(), 9, "new"}}, false});

  EXPECT_EQ(std::get<Settled>(*done).rows, 0U);
  EXPECT_EQ(reader_->load_config()->tenant_keys.size(), 2U);
}

TEST_P(KeysContract, KeysAreWrappedAnewOnlyWhereTheyAre) {
  const auto done = commit(PutTenantKeysOp{
      {{tenant_, 1, "again"}, {other_, 2, "again"}, {tenant_, 8, "never stored"}}, true});

  EXPECT_EQ(std::get<Settled>(*done).rows, 2U);
  EXPECT_EQ(keys_of(tenant_), (Keys{{1, "again"}}));
  EXPECT_EQ(keys_of(other_), (Keys{{2, "again"}}));
}

TEST_P(KeysContract, TheNewestKeyIsNeverDropped) {
  commit(PutTenantKeysOp{{{tenant_, 9, "new"}}, false});

  EXPECT_EQ(error_of(commit(DropTenantKeyOp{tenant_, 9})), Errc::conflict);
  EXPECT_EQ(error_of(commit(DropTenantKeyOp{other_, 2})), Errc::conflict);
  EXPECT_EQ(error_of(commit(DropTenantKeyOp{tenant_, 3})), Errc::conflict);
  EXPECT_TRUE(commit(DropTenantKeyOp{tenant_, 1}));
  EXPECT_EQ(keys_of(tenant_), (Keys{{9, "new"}}));
}

TEST_P(KeysContract, EverythingSealedIsFoundInStepsOfAnySizeAndOnce) {
  for (const std::size_t rows_max : {1, 2, 3, 100}) {
    const TenantId tenant = make_.id<TenantId>();
    const WebhookId one = put_webhook(tenant, 3);
    const WebhookId two = put_webhook(tenant, 2);
    const std::string mine = "of " + std::to_string(rows_max);
    keep_answer(mine + "a", to_string(tenant) + "a");
    keep_answer(mine + "b", to_string(tenant) + "b");

    EXPECT_EQ(reseal(tenant, rows_max), 5 * 3 + 2) << rows_max;

    for (const auto& [webhook, versions] : {std::pair(one, 3), std::pair(two, 2)}) {
      for (int version = 1; version <= versions; ++version) {
        const auto row = *reader_->webhook_version(webhook, version);
        const std::string number = std::to_string(version);
        EXPECT_EQ(row.sealed_headers, "headers" + number + ":" + number + "!");
        EXPECT_EQ(row.sealed_secrets, (std::vector<std::string>{"secret5:5!", "secret4:4!"}));
      }
    }
    EXPECT_EQ(answer(mine + "a"), to_string(tenant) + "a!");
    EXPECT_EQ(answer(mine + "b"), to_string(tenant) + "b!");
    EXPECT_EQ(reseal(tenant, rows_max), 0) << "begun anew, nothing is left to do";
  }
}

TEST_P(KeysContract, WhatStartsRunsWithWhatWasSealedAnew) {
  put_webhook(tenant_, 2);

  reseal(tenant_, 1);

  const auto webhooks = reader_->load_config()->webhooks;
  ASSERT_EQ(webhooks.size(), 1U);
  EXPECT_EQ(webhooks[0].sealed_headers, "headers2:2!");
  EXPECT_EQ(webhooks[0].sealed_secrets, (std::vector<std::string>{"secret5:5!", "secret4:4!"}));
}

TEST_P(KeysContract, WhatIsAnothersOrNotSealedIsNotTouched) {
  const WebhookId theirs = put_webhook(other_, 1);
  keep_answer("theirs", to_string(other_) + "a");
  keep_answer("plain", to_string(tenant_) + " is only text", false);

  EXPECT_EQ(reseal(tenant_, 1), 0);

  EXPECT_EQ(reader_->webhook_version(theirs, 1)->sealed_headers, "headers1");
  EXPECT_EQ(answer("theirs"), to_string(other_) + "a");
  EXPECT_EQ(answer("plain"), to_string(tenant_) + " is only text");
}

}  // namespace
}  // namespace fanfare::contract
