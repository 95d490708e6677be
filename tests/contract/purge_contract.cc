// The end of tenants and of webhooks' histories: at once what must be, and the rest step by step.
#include <algorithm>

#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class PurgeContract : public StoreContract {
 protected:
  void make_tenant(TenantId id, const std::string& external_id) {
    CreateTenantOp op;
    op.tenant = Tenant{
        .id = id, .external_id = external_id, .name = "T", .metadata = {}, .created_at = make_.now};
    op.key = {.tenant = id, .key_id = 1, .wrapped = "wrapped"};
    ASSERT_TRUE(commit(op));
  }
  ApiKey make_key(TenantId tenant) {
    ApiKey key;
    key.id = make_.id<ApiKeyId>();
    key.tenant = tenant;
    key.sha256 = to_string(key.id);
    EXPECT_TRUE(commit(PutApiKeyOp{key}));
    return key;
  }
  // An event of the tenant with finished, waiting, retried and skipped deliveries.
  EventPlan make_history(TenantId tenant, WebhookId webhook, const std::string& event_id = {}) {
    EventPlan plan = make_.plan(tenant, {webhook, webhook, webhook});
    plan.event.event_id = event_id;
    plan.fingerprint = event_id.empty() ? "" : "print";
    plan.skipped.push_back(plan.runs.back());
    plan.runs.pop_back();
    EXPECT_FALSE(publish(plan).is_duplicate);
    finish(plan.runs.front());
    record(make_.attempt(plan.runs.back(), 500));
    return plan;
  }
  ConfigSnapshot config() { return *reader_->load_config(); }
  // Until nothing is left, with maintenance between the steps; how many there were.
  int purge(const Purge& what, std::size_t rows_max = 2) {
    for (int steps = 1; steps < 10'000; ++steps) {
      const auto done = commit(PurgeOp{.purge = what, .rows_max = rows_max});
      EXPECT_TRUE(done) << (done ? "" : done.error().message);
      if (!done || !value_of<Purged>(done).has_more) return steps;
      if (steps % 3 == 0) maintain();
    }
    ADD_FAILURE() << "the purge has no end";
    return 0;
  }
  Result<OpDone> end_tenant(TenantId tenant) {
    return commit(DeleteTenantOp{.tenant = tenant, .now = make_.now});
  }
  void expect_no_history(TenantId tenant, const EventPlan& plan) {
    EXPECT_TRUE(reader_->events(tenant, {}, std::nullopt, 100)->rows.empty());
    EXPECT_TRUE(reader_->deliveries(tenant, {}, std::nullopt, 100)->rows.empty());
    EXPECT_EQ(error_of(reader_->event(tenant, plan.event.id)), Errc::not_found);
    EXPECT_EQ(error_of(reader_->owner(plan.event.id)), Errc::not_found);
    for (const auto* runs : {&plan.runs, &plan.skipped}) {
      for (const QueuedRun& run : *runs) {
        EXPECT_EQ(error_of(reader_->owner(run.delivery)), Errc::not_found);
        EXPECT_EQ(error_of(reader_->attempts(tenant, run.delivery)), Errc::not_found);
      }
    }
  }
};
RUN_ON_ALL_STORES(PurgeContract);

// ---- changes of tenants ----

TEST_P(PurgeContract, ATenantIsChangedIfItIsAsTheChangerSawIt) {
  make_tenant(tenant_, "acme");
  Tenant before = config().tenants.front();
  Tenant next = before;
  next.name = "Acme Ltd";
  next.external_id = "";
  next.metadata = {{"plan", "gold"}};

  EXPECT_TRUE(commit(UpdateTenantOp{before, next}));
  EXPECT_EQ(error_of(commit(UpdateTenantOp{before, next})), Errc::version_mismatch);

  EXPECT_EQ(config().tenants.front(), next);
}

TEST_P(PurgeContract, AnExternalIdIsOneTenants) {
  make_tenant(tenant_, "acme");
  make_tenant(stranger_, "rival");
  const auto all = config().tenants;
  const Tenant& rival = all[0].id == stranger_ ? all[0] : all[1];
  Tenant next = rival;
  next.external_id = "acme";

  EXPECT_EQ(error_of(commit(UpdateTenantOp{rival, next})), Errc::conflict);
  Tenant nobody = rival;
  nobody.id = make_.id<TenantId>();
  EXPECT_EQ(error_of(commit(UpdateTenantOp{nobody, nobody})), Errc::not_found);
}

// ---- the end of a tenant ----

TEST_P(PurgeContract, ADeletedTenantIsOutOfTheConfigurationAtOnceAndItsNameIsFree) {
  make_tenant(tenant_, "acme");
  make_tenant(stranger_, "rival");
  const ApiKey kept = make_key(stranger_);
  make_key(tenant_);
  put(make_.webhook(tenant_), 0);

  ASSERT_TRUE(end_tenant(tenant_));

  const ConfigSnapshot after = config();
  ASSERT_EQ(after.tenants.size(), 1U);
  EXPECT_EQ(after.tenants.front().id, stranger_);
  ASSERT_EQ(after.tenant_keys.size(), 1U) << "what was sealed for it must not open any more";
  EXPECT_EQ(after.tenant_keys.front().tenant, stranger_);
  ASSERT_EQ(after.api_keys.size(), 1U);
  EXPECT_EQ(after.api_keys.front().id, kept.id);
  EXPECT_TRUE(after.webhooks.empty());
  EXPECT_EQ(after.purges, std::vector<Purge>{{.tenant = tenant_}});
  make_tenant(make_.id<TenantId>(), "acme");
}

TEST_P(PurgeContract, ATenantEndsOnce) {
  make_tenant(tenant_, "");
  EXPECT_TRUE(end_tenant(tenant_));
  EXPECT_EQ(error_of(end_tenant(tenant_)), Errc::not_found);
  EXPECT_EQ(error_of(end_tenant(make_.id<TenantId>())), Errc::not_found);
}

TEST_P(PurgeContract, NothingNewIsStoredForATenantThatEnds) {
  make_tenant(tenant_, "");
  const EventPlan plan = make_.plan(tenant_, {webhook_});
  ApiKey key;
  key.id = make_.id<ApiKeyId>();
  key.tenant = tenant_;

  const auto results = commit_batch(
      DeleteTenantOp{.tenant = tenant_, .now = make_.now}, PublishOp{.events = {plan}},
      PutWebhookOp{.row = make_.webhook(tenant_), .expected_version = 0}, PutApiKeyOp{key});

  ASSERT_EQ(results.size(), 4U);
  EXPECT_TRUE(results[0]);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(error_of(results[i]), Errc::not_found) << i;
  EXPECT_EQ(error_of(reader_->owner(plan.event.id)), Errc::not_found);
}

TEST_P(PurgeContract, AllOfATenantGoesInStepsAndNothingOfANeighbour) {
  make_tenant(tenant_, "");
  make_tenant(stranger_, "");
  const StoredWebhook ours = make_.webhook(tenant_);
  const StoredWebhook theirs = make_.webhook(stranger_);
  put(ours, 0);
  put(theirs, 0);
  std::vector<EventPlan> gone;
  std::vector<EventPlan> kept;
  for (int i = 0; i < 12; ++i) {
    gone.push_back(make_history(tenant_, ours.webhook.id, "order-" + std::to_string(i)));
    kept.push_back(make_history(stranger_, theirs.webhook.id, "order-" + std::to_string(i)));
    if (i == 6) maintain();
  }
  const auto before = texts_of(reader_->deliveries(stranger_, {}, std::nullopt, 100)->rows);
  const auto events = texts_of(reader_->events(stranger_, {}, std::nullopt, 100)->rows);
  ASSERT_TRUE(end_tenant(tenant_));

  EXPECT_GT(purge({.tenant = tenant_}), 10) << "two rows a step";

  for (const EventPlan& plan : gone) expect_no_history(tenant_, plan);
  EXPECT_TRUE(reader_->webhooks_at(tenant_, make_.now)->empty());
  EXPECT_EQ(error_of(reader_->webhook_version(ours.webhook.id, 1)), Errc::not_found);
  EXPECT_EQ(texts_of(reader_->deliveries(stranger_, {}, std::nullopt, 100)->rows), before);
  EXPECT_EQ(texts_of(reader_->events(stranger_, {}, std::nullopt, 100)->rows), events);
  EXPECT_EQ(reader_->attempts(stranger_, kept[0].runs[0].delivery)->size(), 1U);
  EXPECT_EQ(config().webhooks.size(), 1U);
  EXPECT_TRUE(config().purges.empty());
  const auto waiting = reader_->waiting_webhooks();
  for (const WaitingWebhook& one : *waiting) EXPECT_EQ(one.webhook, theirs.webhook.id);
}

TEST_P(PurgeContract, ADeliveryWithMoreAttemptsThanAStepTakesGoesToo) {
  make_tenant(tenant_, "");
  QueuedRun run = queued_run();
  for (int i = 0; i < 9; ++i) run = retry_later(run, 1h);
  ASSERT_TRUE(end_tenant(tenant_));

  purge({.tenant = tenant_}, 3);

  EXPECT_EQ(error_of(reader_->owner(run.delivery)), Errc::not_found);
}

TEST_P(PurgeContract, KeptAnswersOfATenantGoAndOthersStay) {
  make_tenant(tenant_, "");
  const auto keep = [this](const std::string& scope) {
    const auto render = [](const OpDone&) { return StoredAnswer{.status = 202, .body = "x"}; };
    IdempotencyClaim claim{
        .scope = scope, .key = "k", .fingerprint = "f", .now = make_.now, .render = render};
    ASSERT_TRUE(commit(RecordOp{}, std::move(claim)));
  };
  const std::string ours = to_string(tenant_) + " POST /api/v1/events";
  const std::string theirs = to_string(stranger_) + " POST /api/v1/events";
  keep(ours);
  keep(theirs);
  keep("admin POST /api/v1/events");
  ASSERT_TRUE(end_tenant(tenant_));

  purge({.tenant = tenant_});

  EXPECT_FALSE(*reader_->kept_answer(ours, "k", make_.now));
  EXPECT_TRUE(*reader_->kept_answer(theirs, "k", make_.now));
  EXPECT_TRUE(*reader_->kept_answer("admin POST /api/v1/events", "k", make_.now));
}

TEST_P(PurgeContract, AnAttemptUnderWayWhenItsTenantEndsBringsNothingBack) {
  make_tenant(tenant_, "");
  const EventPlan plan = published({webhook_, webhook_});
  ASSERT_TRUE(end_tenant(tenant_));
  AttemptOp retried = make_.attempt(plan.runs[0], 500);
  retried.retry_at = make_.now + 1h;

  EXPECT_TRUE(record(make_.attempt(plan.runs[1], 200)).was_current) << "it is not taken away yet";
  purge({.tenant = tenant_});
  EXPECT_FALSE(record(retried).was_current);
  EXPECT_FALSE(record(make_.attempt(plan.runs[1], 200)).was_current);

  expect_no_history(tenant_, plan);
}

TEST_P(PurgeContract, AnEventIdOfADeletedTenantIsForgotten) {
  make_tenant(tenant_, "");
  make_history(tenant_, webhook_, "order-1");
  ASSERT_TRUE(end_tenant(tenant_));
  purge({.tenant = tenant_});
  EventPlan again = make_.plan(tenant_, {});
  again.event.event_id = "order-1";
  again.fingerprint = "another";

  const Published published = publish(again);

  EXPECT_FALSE(published.is_conflict);
  EXPECT_FALSE(published.is_duplicate);
}

TEST_P(PurgeContract, IdsGoOnGrowingWhateverIsTakenAway) {
  make_tenant(tenant_, "");
  const EventPlan plan = make_history(tenant_, webhook_);
  const Uuid newest = *opened_.store->writer().newest_id();
  ASSERT_TRUE(end_tenant(tenant_));

  purge({.tenant = tenant_});

  EXPECT_EQ(*opened_.store->writer().newest_id(), newest);
}

TEST_P(PurgeContract, APurgeThatWasNeverBegunOrIsOverTakesNothing) {
  const EventPlan plan = make_history(tenant_, webhook_);

  EXPECT_EQ(purge({.tenant = tenant_}), 1);
  EXPECT_EQ(purge({.tenant = tenant_, .webhook = webhook_}), 1);

  EXPECT_TRUE(reader_->event(tenant_, plan.event.id));
}

// ---- the history of one webhook ----

TEST_P(PurgeContract, TheHistoryOfOneWebhookGoesAndItsEventsAndNeighboursStay) {
  const StoredWebhook stays = make_.webhook(tenant_);
  StoredWebhook goes = make_.webhook(tenant_);
  put(stays, 0);
  put(goes, 0);
  EventPlan shared = published({stays.webhook.id, goes.webhook.id});
  for (const QueuedRun& run : shared.runs) finish(run);
  const EventPlan plan = make_history(tenant_, goes.webhook.id);
  goes.webhook.version = 2;
  goes.webhook.settled_below = 2;
  goes.webhook.is_deleted = true;
  ASSERT_TRUE(commit(PutWebhookOp{.row = goes, .expected_version = 1, .begins_purge = true}));
  EXPECT_EQ(config().purges, (std::vector<Purge>{{tenant_, goes.webhook.id}}));

  purge({tenant_, goes.webhook.id});

  const auto left = reader_->deliveries(tenant_, {}, std::nullopt, 100)->rows;
  ASSERT_EQ(left.size(), 1U);
  EXPECT_EQ(left.front().webhook, stays.webhook.id);
  EXPECT_EQ(reader_->event_deliveries(tenant_, shared.event.id)->size(), 1U);
  EXPECT_TRUE(reader_->event(tenant_, plan.event.id));
  EXPECT_EQ(error_of(reader_->webhook_version(goes.webhook.id, 1)), Errc::not_found);
  EXPECT_TRUE(reader_->webhook_version(stays.webhook.id, 1));
  EXPECT_TRUE(config().purges.empty());
}

TEST_P(PurgeContract, TheEndOfATenantTakesInThePurgesOfItsWebhooks) {
  make_tenant(tenant_, "");
  StoredWebhook goes = make_.webhook(tenant_);
  put(goes, 0);
  goes.webhook.version = 2;
  goes.webhook.is_deleted = true;
  ASSERT_TRUE(commit(PutWebhookOp{.row = goes, .expected_version = 1, .begins_purge = true}));

  ASSERT_TRUE(end_tenant(tenant_));

  EXPECT_EQ(config().purges, std::vector<Purge>{{.tenant = tenant_}});
}

}  // namespace
}  // namespace fanfare::contract
