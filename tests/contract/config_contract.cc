// Configuration and kept answers.
#include <algorithm>

#include "domain/webhook_codec.h"
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

const std::string kBinary("\0\x01sealed\xff\0", 10);

class ConfigContract : public StoreContract {
 protected:
  ConfigSnapshot config() {
    auto loaded = reader_->load_config();
    EXPECT_TRUE(loaded.has_value()) << (loaded ? "" : loaded.error().message);
    return loaded ? *loaded : ConfigSnapshot{};
  }
  CreateTenantOp new_tenant(const std::string& external_id) {
    Tenant tenant{.id = make_.id<TenantId>(),
                  .external_id = external_id,
                  .name = "Acme \xc3\xa9",
                  .metadata = {{"plan", "gold"}, {"", "empty key"}},
                  .created_at = make_.now};
    return {.tenant = tenant, .key = {.tenant = tenant.id, .key_id = 7, .wrapped = kBinary}};
  }
  ApiKey new_key() {
    return ApiKey{.id = make_.id<ApiKeyId>(),
                  .tenant = tenant_,
                  .role = Role::publish,
                  .name = "shop",
                  .prefix = "ff_live_abc",
                  .sha256 = std::string(31, '\xaa') + std::string(1, '\0'),
                  .created_at = make_.now,
                  .expires_at = make_.now + 1h,
                  .revoked_at = {}};
  }
  EventType type_named(const std::string& name) {
    return EventType{.name = name,
                     .description = "an invoice was paid",
                     .category = "billing",
                     .sample = R"({"total":1})",
                     .schema = R"({"type":"object"})",
                     .created_at = make_.now};
  }
  StoredWebhook full_webhook() {
    StoredWebhook row = make_.webhook(tenant_);
    Webhook& webhook = row.webhook;
    webhook.status = WebhookStatus::disabled;
    webhook.disabled_reason = "gone";
    webhook.settled_below = 1;
    webhook.settings.description = "for tests";
    webhook.settings.headers = {{.name = "X-One", .value = Secret()},
                                {.name = "X-Two", .value = Secret()}};
    webhook.settings.envelope = Envelope::type;
    webhook.settings.metadata = {{"team", "billing"}};
    webhook.secrets = {
        {.number = 2, .text = Secret(), .created_at = make_.now, .expires_at = {}},
        {.number = 1, .text = Secret(), .created_at = make_.now, .expires_at = make_.now + 1h}};
    row.sealed_headers = kBinary;
    row.sealed_secrets = {kBinary + "2", kBinary + "1"};
    return row;
  }
  static StoredWebhook next_version(StoredWebhook row, Timestamp now) {
    row.webhook.version += 1;
    row.webhook.updated_at = now;
    return row;
  }
  IdempotencyClaim claim(const std::string& key, StoredAnswer answer = {.status = 201}) {
    return IdempotencyClaim{.scope = "key_1 POST /events",
                            .key = key,
                            .fingerprint = kBinary,
                            .now = make_.now,
                            .render = [answer](const OpDone&) { return answer; }};
  }
  Result<std::optional<KeptAnswer>> kept(const std::string& key) {
    return reader_->kept_answer("key_1 POST /events", key, make_.now);
  }
};
RUN_ON_ALL_STORES(ConfigContract);

// ---- tenants, keys, event types, settings ----

TEST_P(ConfigContract, AnEmptyStoreHasNoConfiguration) {
  const ConfigSnapshot loaded = config();

  EXPECT_TRUE(loaded.tenants.empty() && loaded.tenant_keys.empty() && loaded.api_keys.empty());
  EXPECT_TRUE(loaded.event_types.empty() && loaded.webhooks.empty() && loaded.settings.empty());
}

TEST_P(ConfigContract, ATenantAndItsKeyReadBackWhole) {
  const CreateTenantOp op = new_tenant("acme");
  commit(op);

  const ConfigSnapshot loaded = config();

  ASSERT_EQ(loaded.tenants.size(), 1U);
  const Tenant& tenant = loaded.tenants[0];
  EXPECT_EQ(tenant.id, op.tenant.id);
  EXPECT_EQ(tenant.external_id, "acme");
  EXPECT_EQ(tenant.name, op.tenant.name);
  EXPECT_EQ(tenant.metadata, op.tenant.metadata);
  EXPECT_EQ(tenant.created_at, make_.now);
  ASSERT_EQ(loaded.tenant_keys.size(), 1U);
  EXPECT_EQ(loaded.tenant_keys[0].tenant, tenant.id);
  EXPECT_EQ(loaded.tenant_keys[0].key_id, 7U);
  EXPECT_EQ(loaded.tenant_keys[0].wrapped, kBinary);
}

TEST_P(ConfigContract, AnExternalIdIsTakenOnce) {
  commit(new_tenant("acme"));

  EXPECT_EQ(error_of(commit(new_tenant("acme"))), Errc::conflict);
  EXPECT_EQ(config().tenants.size(), 1U);
  EXPECT_EQ(config().tenant_keys.size(), 1U);
}

TEST_P(ConfigContract, ManyTenantsMayHaveNoExternalId) {
  EXPECT_TRUE(commit(new_tenant("")).has_value());
  EXPECT_TRUE(commit(new_tenant("")).has_value());
  EXPECT_EQ(config().tenants.at(1).external_id, "");
}

TEST_P(ConfigContract, AnApiKeyReadsBackWhole) {
  const ApiKey key = new_key();
  commit(PutApiKeyOp{key});

  const ConfigSnapshot loaded = config();

  ASSERT_EQ(loaded.api_keys.size(), 1U);
  const ApiKey& read = loaded.api_keys[0];
  EXPECT_EQ(read.id, key.id);
  EXPECT_EQ(read.tenant, key.tenant);
  EXPECT_EQ(read.role, key.role);
  EXPECT_EQ(read.name, key.name);
  EXPECT_EQ(read.prefix, key.prefix);
  EXPECT_EQ(read.sha256, key.sha256);
  EXPECT_EQ(read.created_at, key.created_at);
  EXPECT_EQ(read.expires_at, key.expires_at);
  EXPECT_EQ(read.revoked_at, std::nullopt);
}

TEST_P(ConfigContract, AnAdminKeyBelongsToNoTenant) {
  ApiKey key = new_key();
  key.tenant.reset();
  key.role = Role::admin;
  commit(PutApiKeyOp{key});

  EXPECT_EQ(config().api_keys.at(0).tenant, std::nullopt);
}

TEST_P(ConfigContract, OnlyExpiryAndRevocationOfAKnownKeyChange) {
  ApiKey key = new_key();
  commit(PutApiKeyOp{key});
  key.name = "renamed";
  key.role = Role::admin;
  key.expires_at.reset();
  key.revoked_at = make_.now;

  commit(PutApiKeyOp{key});

  const ConfigSnapshot loaded = config();
  ASSERT_EQ(loaded.api_keys.size(), 1U);
  EXPECT_EQ(loaded.api_keys[0].name, "shop");
  EXPECT_EQ(loaded.api_keys[0].role, Role::publish);
  EXPECT_EQ(loaded.api_keys[0].expires_at, std::nullopt);
  EXPECT_EQ(loaded.api_keys[0].revoked_at, make_.now);
}

TEST_P(ConfigContract, AnEventTypeReadsBackWholeAndByName) {
  commit(PutEventTypeOp{type_named("user.created")});
  commit(PutEventTypeOp{type_named("invoice.paid")});

  const ConfigSnapshot loaded = config();

  ASSERT_EQ(loaded.event_types.size(), 2U);
  const EventType& read = loaded.event_types[0];
  EXPECT_EQ(read.name, "invoice.paid");
  EXPECT_EQ(read.description, "an invoice was paid");
  EXPECT_EQ(read.category, "billing");
  EXPECT_EQ(read.sample, R"({"total":1})");
  EXPECT_EQ(read.schema, R"({"type":"object"})");
  EXPECT_EQ(read.created_at, make_.now);
}

TEST_P(ConfigContract, ANewEventTypeNeedsAFreeName) {
  commit(PutEventTypeOp{type_named("invoice.paid")});

  EXPECT_EQ(error_of(commit(PutEventTypeOp{type_named("invoice.paid")})), Errc::conflict);
}

TEST_P(ConfigContract, AChangedEventTypeMustExist) {
  EventType type = type_named("invoice.paid");
  EXPECT_EQ(error_of(commit(PutEventTypeOp{type, false})), Errc::not_found);
  commit(PutEventTypeOp{type});
  type.category = "money";

  EXPECT_TRUE(commit(PutEventTypeOp{type, false}).has_value());
  EXPECT_EQ(config().event_types.at(0).category, "money");
}

TEST_P(ConfigContract, ADeletedEventTypeIsGone) {
  commit(PutEventTypeOp{type_named("invoice.paid")});

  EXPECT_TRUE(commit(DeleteEventTypeOp{"invoice.paid"}).has_value());
  EXPECT_EQ(error_of(commit(DeleteEventTypeOp{"invoice.paid"})), Errc::not_found);
  EXPECT_TRUE(config().event_types.empty());
}

TEST_P(ConfigContract, ASettingIsReplaced) {
  commit(SetSettingOp{"key_check", "old"});
  commit(SetSettingOp{"key_check", kBinary});

  EXPECT_EQ(config().settings,
            (std::vector<std::pair<std::string, std::string>>{{"key_check", kBinary}}));
}

// ---- webhooks ----

TEST_P(ConfigContract, AWebhookReadsBackWhole) {
  const StoredWebhook row = full_webhook();
  put(row, 0);

  EXPECT_EQ(texts_of(config().webhooks), texts_of(std::vector{row}));
  EXPECT_EQ(text_of(*reader_->webhook_version(row.webhook.id, 1)), text_of(row));
}

TEST_P(ConfigContract, PlaintextIsNeverStored) {
  StoredWebhook row = full_webhook();
  const std::string expected = text_of(row);
  row.webhook.settings.headers[0].value = Secret("Bearer abc");
  row.webhook.secrets[0].text = Secret("whsec_abc");
  put(row, 0);

  EXPECT_EQ(text_of(config().webhooks.at(0)), expected);
}

TEST_P(ConfigContract, AWebhookIsCreatedOnce) {
  const StoredWebhook row = full_webhook();
  put(row, 0);

  EXPECT_EQ(error_of(commit(PutWebhookOp{row, 0})), Errc::conflict);
}

TEST_P(ConfigContract, ALegacyIdNamesOneWebhookOfATenant) {
  StoredWebhook first = make_.webhook(tenant_);
  first.webhook.settings.legacy_id = "17";
  commit(PutWebhookOp{first, 0});
  StoredWebhook second = make_.webhook(tenant_);
  second.webhook.settings.legacy_id = "17";

  EXPECT_EQ(error_of(commit(PutWebhookOp{second, 0})), Errc::conflict);

  ASSERT_EQ(config().webhooks.size(), 1U);
  EXPECT_EQ(config().webhooks[0].webhook.id, first.webhook.id);
  EXPECT_EQ(config().webhooks[0].webhook.settings.legacy_id, "17");
}

TEST_P(ConfigContract, ALegacyIdIsFreeAgainWhenItsWebhookIsDeleted) {
  StoredWebhook first = make_.webhook(tenant_);
  first.webhook.settings.legacy_id = "17";
  commit(PutWebhookOp{first, 0});
  StoredWebhook deleted = next_version(first, make_.now + 1s);
  deleted.webhook.is_deleted = true;
  commit(PutWebhookOp{deleted, 1});
  StoredWebhook second = make_.webhook(tenant_);
  second.webhook.settings.legacy_id = "17";

  commit(PutWebhookOp{second, 0});

  EXPECT_EQ(config().webhooks.size(), 1U);
}

TEST_P(ConfigContract, ManyWebhooksMayHaveNoLegacyId) {
  commit(PutWebhookOp{make_.webhook(tenant_), 0});
  commit(PutWebhookOp{make_.webhook(tenant_), 0});

  EXPECT_EQ(config().webhooks.size(), 2U);
}

TEST_P(ConfigContract, AChangeNeedsTheStoredVersion) {
  const StoredWebhook row = full_webhook();
  put(row, 0);
  const StoredWebhook changed = next_version(row, make_.now);

  EXPECT_EQ(error_of(commit(PutWebhookOp{changed, 2})), Errc::version_mismatch);
  EXPECT_TRUE(commit(PutWebhookOp{changed, 1}).has_value());
  EXPECT_EQ(error_of(commit(PutWebhookOp{changed, 1})), Errc::version_mismatch);
}

TEST_P(ConfigContract, OnlyOneOfTwoChangesInABatchHappens) {
  const StoredWebhook row = full_webhook();
  put(row, 0);
  const StoredWebhook changed = next_version(row, make_.now);

  const auto done = commit_batch(PutWebhookOp{changed, 1}, PutWebhookOp{changed, 1});

  EXPECT_TRUE(done[0].has_value());
  EXPECT_EQ(error_of(done[1]), Errc::version_mismatch);
}

TEST_P(ConfigContract, AnUnknownOrForeignWebhookCannotBeChanged) {
  StoredWebhook row = full_webhook();
  EXPECT_EQ(error_of(commit(PutWebhookOp{next_version(row, make_.now), 1})), Errc::not_found);
  put(row, 0);
  row = next_version(row, make_.now);
  row.webhook.tenant = stranger_;

  EXPECT_EQ(error_of(commit(PutWebhookOp{row, 1})), Errc::not_found);
  EXPECT_EQ(config().webhooks.at(0).webhook.tenant, tenant_);
}

TEST_P(ConfigContract, TheListOfSecretsReplacesTheStoredOne) {
  const StoredWebhook row = full_webhook();
  put(row, 0);
  StoredWebhook changed = next_version(row, make_.now);
  changed.webhook.secrets = {
      {.number = 3, .text = Secret(), .created_at = make_.now, .expires_at = {}}};
  changed.sealed_secrets = {"three"};

  put(changed, 1);

  EXPECT_EQ(text_of(config().webhooks.at(0)), text_of(changed));
  EXPECT_EQ(text_of(*reader_->webhook_version(row.webhook.id, 1)), text_of(row));
}

TEST_P(ConfigContract, EveryVersionStaysReadable) {
  StoredWebhook first = full_webhook();
  put(first, 0);
  StoredWebhook second = next_version(first, make_.now + 1s);
  second.webhook.settings.url = "https://example.com/other";
  put(second, 1);

  EXPECT_EQ(text_of(*reader_->webhook_version(first.webhook.id, 1)), text_of(first));
  EXPECT_EQ(text_of(*reader_->webhook_version(first.webhook.id, 2)), text_of(second));
  EXPECT_EQ(error_of(reader_->webhook_version(first.webhook.id, 3)), Errc::not_found);
  EXPECT_EQ(error_of(reader_->webhook_version(make_.id<WebhookId>(), 1)), Errc::not_found);
}

TEST_P(ConfigContract, WebhooksOfAMomentAreTheirNewestVersionsUntilThen) {
  const Timestamp start = make_.now;
  const StoredWebhook one = full_webhook();
  put(one, 0);
  const StoredWebhook one_later = next_version(one, start + 10s);
  put(one_later, 1);
  make_.now += 5s;
  const StoredWebhook two = full_webhook();
  put(two, 0);
  StoredWebhook theirs = make_.webhook(stranger_);
  put(theirs, 0);

  EXPECT_TRUE(reader_->webhooks_at(tenant_, start - 1ms)->empty());
  EXPECT_EQ(texts_of(*reader_->webhooks_at(tenant_, start)), texts_of(std::vector{one}));
  EXPECT_EQ(texts_of(*reader_->webhooks_at(tenant_, start + 5s)), texts_of(std::vector{two, one}));
  EXPECT_EQ(texts_of(*reader_->webhooks_at(tenant_, start + 10s)),
            texts_of(std::vector{two, one_later}));
}

TEST_P(ConfigContract, ADeletedWebhookIsLoadedWhileRunsOfItAreQueued) {
  StoredWebhook row = full_webhook();
  row.webhook.id = webhook_;
  put(row, 0);
  const QueuedRun run = queued_run();
  row = next_version(row, make_.now);
  row.webhook.is_deleted = true;
  put(row, 1);

  EXPECT_EQ(texts_of(config().webhooks), texts_of(std::vector{row}));
  finish(run);
  EXPECT_TRUE(config().webhooks.empty());
  EXPECT_TRUE(reader_->webhook_version(webhook_, 2)->webhook.is_deleted);
}

// ---- kept answers ----

TEST_P(ConfigContract, AnAnswerIsKeptWithItsOperation) {
  const StoredAnswer answer{.status = 201,
                            .body = kBinary,
                            .is_sealed = true,
                            .headers = {{"ETag", "\"1\""}, {"Location", ""}, {"ETag", kBinary}}};

  commit(SetSettingOp{"a", "1"}, claim("k1", answer));

  const auto found = kept("k1");
  ASSERT_TRUE(found.has_value() && found->has_value());
  EXPECT_EQ((*found)->fingerprint, kBinary);
  EXPECT_EQ((*found)->answer, answer);
}

TEST_P(ConfigContract, TheAnswerIsRenderedFromWhatTheOperationDid) {
  const EventPlan plan = make_.plan(tenant_, {webhook_});
  auto with_id = claim("k1");
  with_id.render = [](const OpDone& done) {
    return StoredAnswer{.status = 202,
                        .body = to_string(std::get<std::vector<Published>>(done).at(0).id)};
  };

  commit(PublishOp{{plan}}, std::move(with_id));

  EXPECT_EQ((*kept("k1"))->answer.body, to_string(plan.event.id));
}

TEST_P(ConfigContract, AnUnknownKeyHasNoAnswer) {
  commit(RecordOp{}, claim("k1"));

  EXPECT_EQ(*kept("k2"), std::nullopt);
  EXPECT_EQ(*reader_->kept_answer("key_2 POST /events", "k1", make_.now), std::nullopt);
}

TEST_P(ConfigContract, ATakenKeyStopsTheOperation) {
  commit(SetSettingOp{"a", "1"}, claim("k1"));
  make_.now += limits::kIdempotencyKeyKept - 1ms;

  EXPECT_EQ(error_of(commit(SetSettingOp{"a", "2"}, claim("k1", {.status = 500}))),
            Errc::idempotency_conflict);

  EXPECT_EQ(config().settings.at(0).second, "1");
  EXPECT_EQ((*kept("k1"))->answer.status, 201);
}

TEST_P(ConfigContract, TwoEqualRequestsInABatchHappenOnce) {
  std::vector<WriteOp> ops(2);
  ops[0] = WriteOp{.action = SetSettingOp{"a", "1"}, .claim = claim("k1")};
  ops[1] = WriteOp{.action = SetSettingOp{"a", "2"}, .claim = claim("k1")};

  const auto done = opened_.store->writer().commit(ops);

  EXPECT_TRUE(done->at(0).has_value());
  EXPECT_EQ(error_of(done->at(1)), Errc::idempotency_conflict);
  EXPECT_EQ(config().settings.at(0).second, "1");
}

TEST_P(ConfigContract, AKeyIsFreeAgainAfterADay) {
  commit(SetSettingOp{"a", "1"}, claim("k1"));
  make_.now += limits::kIdempotencyKeyKept;
  EXPECT_EQ(*kept("k1"), std::nullopt);

  EXPECT_TRUE(commit(SetSettingOp{"a", "2"}, claim("k1", {.status = 200})).has_value());

  EXPECT_EQ((*kept("k1"))->answer.status, 200);
  EXPECT_EQ(config().settings.at(0).second, "2");
}

TEST_P(ConfigContract, AFailedOperationKeepsNoAnswer) {
  EXPECT_EQ(error_of(commit(DeleteEventTypeOp{"none"}, claim("k1"))), Errc::not_found);

  EXPECT_EQ(*kept("k1"), std::nullopt);
  EXPECT_TRUE(commit(SetSettingOp{"a", "1"}, claim("k1")).has_value());
}

TEST_P(ConfigContract, MaintenanceDropsOnlyExpiredAnswers) {
  commit(RecordOp{}, claim("old"));
  make_.now += 1h;
  commit(RecordOp{}, claim("young"));
  make_.now += limits::kIdempotencyKeyKept - 1h;

  maintain();

  EXPECT_EQ(*kept("old"), std::nullopt);
  EXPECT_TRUE(kept("young")->has_value());
}

}  // namespace
}  // namespace fanfare::contract
