// Events for everybody: one row, expanded step by step.
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

class BroadcastContract : public StoreContract {
 protected:
  BroadcastOp broadcast_op(const std::string& event_id = {}, const std::string& print = "print") {
    BroadcastOp op;
    op.broadcast.id = make_.id<BroadcastId>();
    op.broadcast.type = "system.maintenance";
    op.broadcast.event_id = event_id;
    op.broadcast.data = std::make_shared<const std::string>(R"({"n":1})");
    op.broadcast.metadata = R"({"k":"v"})";
    op.broadcast.attempts_max = 3;
    op.broadcast.created_at = make_.now;
    op.fingerprint = print;
    return op;
  }
  BroadcastStored store(const BroadcastOp& op) { return value_of<BroadcastStored>(commit(op)); }
  ExpandOp step(BroadcastId id, TenantId after, TenantId reached) {
    ExpandOp op{.broadcast = id, .after = after, .reached = reached};
    op.publish.events.push_back(make_.plan(reached, {webhook_}));
    return op;
  }
  Broadcast must_have_broadcast(BroadcastId id) {
    auto found = reader_->broadcast(id);
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return found ? *found : Broadcast{};
  }
};
RUN_ON_ALL_STORES(BroadcastContract);

TEST_P(BroadcastContract, ItReadsBackWholeAndIsOpen) {
  const BroadcastOp op = broadcast_op("b-1");
  EXPECT_EQ(store(op).broadcast.id, op.broadcast.id);

  const Broadcast found = must_have_broadcast(op.broadcast.id);

  EXPECT_EQ(found.type, op.broadcast.type);
  EXPECT_EQ(found.event_id, "b-1");
  EXPECT_EQ(*found.data, *op.broadcast.data);
  EXPECT_EQ(found.metadata, op.broadcast.metadata);
  EXPECT_EQ(found.attempts_max, op.broadcast.attempts_max);
  EXPECT_EQ(found.created_at, op.broadcast.created_at);
  EXPECT_FALSE(found.is_done);
  const auto config = reader_->load_config();
  ASSERT_EQ(config->broadcasts.size(), 1U);
  EXPECT_EQ(config->broadcasts.front().id, op.broadcast.id);
  EXPECT_EQ(error_of(reader_->broadcast(make_.id<BroadcastId>())), Errc::not_found);
}

TEST_P(BroadcastContract, AStepStoresItsEventsAndHowFarItGot) {
  const TenantId first = make_.id<TenantId>();
  const TenantId second = make_.id<TenantId>();
  const BroadcastOp op = broadcast_op();
  store(op);
  const ExpandOp one = step(op.broadcast.id, {}, first);
  ExpandOp two = step(op.broadcast.id, first, second);
  two.is_last = true;

  ASSERT_TRUE(commit(one));
  EXPECT_EQ(must_have_broadcast(op.broadcast.id).reached, first);
  ASSERT_TRUE(commit(two));

  const Broadcast done = must_have_broadcast(op.broadcast.id);
  EXPECT_TRUE(done.is_done);
  EXPECT_EQ(done.tenants, 2);
  EXPECT_EQ(done.deliveries, 2);
  EXPECT_TRUE(reader_->load_config()->broadcasts.empty());
  for (const ExpandOp* each : {&one, static_cast<const ExpandOp*>(&two)}) {
    const auto rows = reader_->deliveries(each->reached, {}, std::nullopt, 10);
    EXPECT_EQ(rows->rows.size(), 1U);
    EXPECT_EQ(reader_->events(each->reached, {}, std::nullopt, 10)->rows.size(), 1U);
  }
}

TEST_P(BroadcastContract, AStepHappensOnce) {
  const TenantId first = make_.id<TenantId>();
  const BroadcastOp op = broadcast_op();
  store(op);
  ASSERT_TRUE(commit(step(op.broadcast.id, {}, first)));

  EXPECT_EQ(error_of(commit(step(op.broadcast.id, {}, first))), Errc::version_mismatch);
  ExpandOp last = step(op.broadcast.id, first, make_.id<TenantId>());
  last.is_last = true;
  ASSERT_TRUE(commit(last));
  EXPECT_EQ(error_of(commit(step(op.broadcast.id, last.reached, make_.id<TenantId>()))),
            Errc::version_mismatch);
  EXPECT_EQ(error_of(commit(step(make_.id<BroadcastId>(), {}, first))), Errc::not_found);

  EXPECT_EQ(reader_->events(first, {}, std::nullopt, 10)->rows.size(), 1U);
}

TEST_P(BroadcastContract, AnEventIdIsOneBroadcastsForSevenDays) {
  const BroadcastOp op = broadcast_op("b-1");
  store(op);

  const BroadcastStored again = store(broadcast_op("b-1"));
  const BroadcastStored other = store(broadcast_op("b-1", "other"));

  EXPECT_TRUE(again.is_duplicate);
  EXPECT_EQ(again.broadcast.id, op.broadcast.id);
  EXPECT_TRUE(other.is_conflict);
  EXPECT_FALSE(other.is_duplicate);
  make_.now += limits::kEventIdUniqueFor;
  EXPECT_FALSE(store(broadcast_op("b-1")).is_duplicate);
}

TEST_P(BroadcastContract, ItsEventIdIsNoTenants) {
  store(broadcast_op("shared"));
  EventPlan plan = make_.plan(tenant_, {});
  plan.event.event_id = "shared";
  plan.fingerprint = "another";

  EXPECT_FALSE(publish(plan).is_conflict);
}

TEST_P(BroadcastContract, NoStepStoresSomethingForATenantThatEnds) {
  CreateTenantOp create;
  create.tenant.id = tenant_;
  create.key.tenant = tenant_;
  ASSERT_TRUE(commit(create));
  const BroadcastOp op = broadcast_op();
  store(op);
  ASSERT_TRUE(commit(DeleteTenantOp{.tenant = tenant_, .now = make_.now}));

  EXPECT_EQ(error_of(commit(step(op.broadcast.id, {}, tenant_))), Errc::not_found);

  EXPECT_TRUE(must_have_broadcast(op.broadcast.id).reached.is_nil());
}

TEST_P(BroadcastContract, RetentionTakesWhatReachedEverybodyAndItsEventIdStays) {
  const BroadcastOp done = broadcast_op("b-1");
  const BroadcastOp open = broadcast_op("b-2");
  store(done);
  store(open);
  ExpandOp last = step(done.broadcast.id, {}, make_.id<TenantId>());
  last.is_last = true;
  ASSERT_TRUE(commit(last));
  make_.now += 1h;
  const RetentionCutoffs cutoffs{make_.now, make_.now, make_.now};
  EXPECT_EQ(reader_->count_expired(cutoffs, 10)->broadcasts, 1U);

  const auto expired = value_of<Expired>(
      commit(ExpireOp{.cutoffs = cutoffs, .versions_after = {}, .now = make_.now}));

  EXPECT_EQ(expired.removed.broadcasts, 1U);
  EXPECT_EQ(error_of(reader_->broadcast(done.broadcast.id)), Errc::not_found);
  EXPECT_EQ(must_have_broadcast(open.broadcast.id).id, open.broadcast.id);
  const BroadcastStored again = store(broadcast_op("b-1"));
  EXPECT_TRUE(again.is_duplicate);
  EXPECT_EQ(again.broadcast.id, done.broadcast.id);
}

TEST_P(BroadcastContract, AnOwnEventOfTheSameIdIsLeftAloneAndAnotherOneIsNoObstacle) {
  const TenantId same = make_.id<TenantId>();
  const TenantId other = make_.id<TenantId>();
  const auto own = [&](TenantId tenant, const std::string& print) {
    EventPlan plan = make_.plan(tenant, {webhook_});
    plan.event.event_id = "b-1";
    plan.fingerprint = print;
    return plan;
  };
  publish(own(same, "print"));
  publish(own(other, "something else"));
  const BroadcastOp op = broadcast_op("b-1");
  store(op);
  ExpandOp all{.broadcast = op.broadcast.id, .after = {}, .reached = other, .is_last = true};
  all.publish.events = {own(same, "print"), own(other, "print")};

  ASSERT_TRUE(commit(all));

  EXPECT_EQ(must_have_broadcast(op.broadcast.id).tenants, 1);
  EXPECT_EQ(reader_->events(same, {}, std::nullopt, 10)->rows.size(), 1U);
  const auto events = reader_->events(other, {}, std::nullopt, 10);
  ASSERT_EQ(events->rows.size(), 2U);
  EXPECT_EQ(events->rows.front().event_id, to_string(op.broadcast.id));
}

}  // namespace
}  // namespace fanfare::contract
