// Properties: whatever happened, every store answers every question as the reference in memory
// does, and maintenance at any moment changes no answer. Seeds are fixed, so a failure names the
// one to repeat.
#include <algorithm>

#include "storage/memory/memory_store.h"
#include "tests/contract/store_contract.h"

namespace fanfare::contract {
namespace {

// Random operations over a few tenants and webhooks, with everything they made to choose from.
class Scenario {
 public:
  explicit Scenario(std::uint64_t seed) : make(seed) {
    for (int i = 0; i < 2; ++i) {
      tenants.push_back(make.id<TenantId>());
      CreateTenantOp op;
      op.tenant.id = tenants.back();
      op.key.tenant = tenants.back();
      creations.push_back(op);
    }
    for (int i = 0; i < 4; ++i) {
      webhooks.push_back(make.webhook(tenants[make.below(2)]));
      first_puts.push_back(PutWebhookOp{.row = webhooks.back(), .expected_version = 0});
    }
  }

  WriteAction next() {
    make.now += Millis{static_cast<std::int64_t>(make.below(3'600'000))};
    const std::size_t choice = deliveries.empty() ? 0 : make.below(20);
    if (choice < 8) return publish();
    if (choice < 13) return attempt();
    if (choice < 14) return end();
    if (choice < 17) return requeue();
    return choice < 18 ? WriteAction(settle()) : WriteAction(change_webhook());
  }

  // Begins to take a webhook's history away, or everything of a tenant, and what that is.
  std::pair<WriteAction, Purge> next_purge() {
    if (make.below(2) == 0) {
      const TenantId tenant = tenants[make.below(2)];
      return {DeleteTenantOp{.tenant = tenant, .now = make.now}, {.tenant = tenant}};
    }
    StoredWebhook& stored = webhooks[make.below(webhooks.size())];
    stored.webhook.version += 1;
    stored.webhook.is_deleted = true;
    return {
        PutWebhookOp{
            .row = stored, .expected_version = stored.webhook.version - 1, .begins_purge = true},
        {stored.webhook.tenant, stored.webhook.id}};
  }

  // A narrow window of a reader that holds every third run.
  QueueWindow window() const {
    QueueWindow window{.rows_max = 3, .bytes_max = 40};
    for (std::size_t i = 0; i < deliveries.size(); i += 3) {
      window.held.push_back(deliveries[i].delivery);
    }
    std::ranges::sort(window.held);
    return window;
  }

  Maker make;
  std::vector<TenantId> tenants;
  std::vector<StoredWebhook> webhooks;  // as they are now
  std::vector<CreateTenantOp> creations;
  std::vector<PutWebhookOp> first_puts;
  std::vector<QueuedRun> deliveries;  // each as it was planned
  std::vector<EventId> events;

 private:
  PublishOp publish() {
    PublishOp op;
    for (std::size_t i = 0; i < 1 + make.below(3); ++i) op.events.push_back(plan());
    return op;
  }
  EventPlan plan() {
    const TenantId tenant = tenants[make.below(2)];
    EventPlan plan = make.plan(tenant, {});
    plan.event.type = make.below(2) == 0 ? "invoice.paid" : "user.created";
    if (make.below(2) == 0) plan.event.event_id = "order-" + std::to_string(make.below(5));
    plan.fingerprint = std::to_string(make.below(2));
    for (const StoredWebhook& stored : webhooks) {
      if (stored.webhook.tenant != tenant || make.below(3) == 0) continue;
      QueuedRun run = make.run(plan.event, stored.webhook.id);
      run.webhook_version = stored.webhook.version;
      (make.below(5) == 0 ? plan.skipped : plan.runs).push_back(run);
    }
    for (const auto& runs : {plan.runs, plan.skipped}) {
      deliveries.insert(deliveries.end(), runs.begin(), runs.end());
    }
    events.push_back(plan.event.id);
    return plan;
  }
  // Often the wrong number or run: the reference decides what that means.
  AttemptOp attempt() {
    QueuedRun run = deliveries[make.below(deliveries.size())];
    run.run = 1 + static_cast<int>(make.below(3));
    run.attempts_made = static_cast<int>(make.below(2));
    AttemptOp op = make.attempt(run, make.below(2) == 0 ? 200 : 500);
    if (make.below(2) == 0) op.retry_at = make.now + 1h;
    return op;
  }
  EndRunOp end() {
    const QueuedRun& run = deliveries[make.below(deliveries.size())];
    return EndRunOp{.tenant = tenants[make.below(2)],
                    .delivery = run.delivery,
                    .status = DeliveryStatus::cancelled,
                    .kind = ErrorKind::cancelled,
                    .error = "cancelled",
                    .now = make.now};
  }
  RequeueOp requeue() {
    const QueuedRun& run = deliveries[make.below(deliveries.size())];
    return RequeueOp{.tenant = make.below(8) == 0 ? tenants[0] : run.tenant,
                     .delivery = run.delivery,
                     .attempts_max = 2,
                     .webhook_version = version_of(run.webhook),
                     .envelope = Envelope::raw,
                     .trigger = Trigger::replay,
                     .now = make.now};
  }
  std::int64_t version_of(WebhookId id) const {
    for (const StoredWebhook& stored : webhooks) {
      if (stored.webhook.id == id) return stored.webhook.version;
    }
    return 1;
  }
  SettleOp settle() {
    const Webhook& webhook = webhooks[make.below(webhooks.size())].webhook;
    return SettleOp{.webhook = webhook.id,
                    .below_version = webhook.settled_below,
                    .status = DeliveryStatus::failed,
                    .kind = ErrorKind::webhook_disabled,
                    .error = "disabled",
                    .rows_max = make.below(4),
                    .now = make.now};
  }
  PutWebhookOp change_webhook() {
    StoredWebhook& stored = webhooks[make.below(webhooks.size())];
    Webhook& webhook = stored.webhook;
    webhook.version += 1;
    webhook.updated_at = make.now;
    if (make.below(2) == 0) webhook.settled_below = webhook.version;
    webhook.is_deleted = make.below(4) == 0;
    return PutWebhookOp{.row = stored, .expected_version = webhook.version - 1};
  }
};

template <class T>
std::string text_or_error(const Result<T>& result) {
  return result ? text_of(*result)
                : "error " + std::to_string(static_cast<int>(result.error().code));
}

template <class T>
std::vector<std::string> texts_or_error(const Result<std::vector<T>>& result) {
  if (result) return texts_of(*result);
  return {"error " + std::to_string(static_cast<int>(result.error().code))};
}

template <class T>
std::vector<std::string> texts_or_error(const Result<Rows<T>>& result) {
  if (!result) return {"error " + std::to_string(static_cast<int>(result.error().code))};
  auto texts = texts_of(result->rows);
  texts.push_back(result->has_more ? "more" : "end");
  return texts;
}

std::string answer_text(const Result<OpDone>& done) {
  if (!done) return "error " + std::to_string(static_cast<int>(done.error().code));
  if (const auto* answers = std::get_if<std::vector<Published>>(&*done)) {
    std::string text = "published";
    for (const Published& answer : *answers) {
      text += ' ' + to_string(answer.id) + '/' + std::to_string(answer.deliveries) +
              (answer.is_duplicate ? "d" : "") + (answer.is_conflict ? "c" : "");
    }
    return text;
  }
  if (const auto* applied = std::get_if<AttemptApplied>(&*done)) {
    return applied->was_current ? "current" : "stale";
  }
  if (const auto* settled = std::get_if<Settled>(&*done)) {
    return "settled " + std::to_string(settled->rows) + (settled->has_more ? " more" : "");
  }
  if (const auto* requeued = std::get_if<Requeued>(&*done)) {
    return std::string(requeued->is_new_run ? "new " : "same ") + text_of(requeued->run);
  }
  return "done";
}

// Every list in pages of three, with every kind of filter.
void append_lists(Reader& reader, const Scenario& scenario, std::vector<std::string>& out) {
  const auto append = [&out](const std::vector<std::string>& texts) {
    out.insert(out.end(), texts.begin(), texts.end());
  };
  std::vector<DeliveryFilter> filters(6);
  filters[1].webhook = scenario.webhooks[0].webhook.id;
  filters[2].webhook = scenario.webhooks[1].webhook.id;
  filters[3].status = DeliveryStatus::failed;
  filters[4].code = 200;
  filters[4].event_type = "user.created";
  filters[5].webhook = scenario.webhooks[2].webhook.id;
  filters[5].since = scenario.make.now - 10h;
  filters[5].until = scenario.make.now - 2h;
  for (const TenantId tenant : scenario.tenants) {
    for (const DeliveryFilter& filter : filters) {
      append(texts_or_error(reader.deliveries(tenant, filter, std::nullopt, 1000)));
      std::optional<DeliveryId> before;
      for (int page = 0; page < 3; ++page) {
        const auto rows = reader.deliveries(tenant, filter, before, 3);
        append(texts_or_error(rows));
        if (!rows || rows->rows.empty()) break;
        before = rows->rows.back().id;
      }
    }
    append(texts_or_error(reader.events(tenant, {}, std::nullopt, 1000)));
    append(texts_or_error(reader.events(tenant, {.event_id = "order-1"}, std::nullopt, 2)));
    append(texts_or_error(reader.webhooks_at(tenant, scenario.make.now - 5h)));
  }
}

void append_queued(Reader& reader, WebhookId webhook, const QueueWindow& window,
                   std::vector<std::string>& out) {
  const auto queued = reader.queued(webhook, window);
  for (const DueRun& due : queued->rows) out.push_back(text_of(due.run) + *due.data);
  out.emplace_back(queued->has_more ? "more" : "end");
}

// All that a reader can say.
std::vector<std::string> everything(Reader& reader, const Scenario& scenario) {
  std::vector<std::string> out;
  const auto append = [&out](const std::vector<std::string>& texts) {
    out.insert(out.end(), texts.begin(), texts.end());
  };
  append_lists(reader, scenario, out);
  for (const QueuedRun& run : scenario.deliveries) {
    out.push_back(text_or_error(reader.delivery(run.tenant, run.delivery)));
    append(texts_or_error(reader.attempts(run.tenant, run.delivery)));
  }
  for (const EventId event : scenario.events) {
    append(texts_or_error(reader.event_deliveries(scenario.tenants[0], event)));
  }
  for (const StoredWebhook& stored : scenario.webhooks) {
    append_queued(reader, stored.webhook.id, {.rows_max = 1000, .bytes_max = 1 << 30}, out);
    append_queued(reader, stored.webhook.id, scenario.window(), out);
  }
  const auto waiting_webhooks = reader.waiting_webhooks();
  for (const WaitingWebhook& waiting : *waiting_webhooks) {
    out.push_back(to_string(waiting.webhook) + std::to_string(ms_of(waiting.next_attempt_at)));
  }
  append(texts_of(reader.load_config()->webhooks));
  return out;
}

class RandomContract : public StoreContract {
 protected:
  void apply_to_both(std::vector<WriteAction> actions) {
    std::vector<WriteOp> ours(actions.size());
    std::vector<WriteOp> theirs(actions.size());
    for (std::size_t i = 0; i < actions.size(); ++i) {
      ours[i].action = actions[i];
      theirs[i].action = std::move(actions[i]);
    }
    const auto done = opened_.store->writer().commit(ours);
    const auto expected = reference_->writer().commit(theirs);
    ASSERT_TRUE(done.has_value()) << done.error().message;
    for (std::size_t i = 0; i < done->size(); ++i) {
      ASSERT_EQ(answer_text(done->at(i)), answer_text(expected->at(i)));
    }
  }
  static void finish_purge(Writer& writer, const Purge& purge) {
    for (bool has_more = true; has_more;) {
      std::vector<WriteOp> ops(1);
      ops[0].action = PurgeOp{.purge = purge, .rows_max = 3};
      const auto done = writer.commit(ops);
      ASSERT_TRUE(done.has_value() && done->front().has_value());
      has_more = std::get<Purged>(*done->front()).has_more;
    }
  }
  // Something is taken away while other things happen, among them such to what is being taken.
  void purge_in_both(Scenario& scenario) {
    auto [begin, purge] = scenario.next_purge();
    ASSERT_NO_FATAL_FAILURE(apply_to_both({std::move(begin), scenario.next(), scenario.next()}));
    ASSERT_NO_FATAL_FAILURE(finish_purge(opened_.store->writer(), purge));
    ASSERT_NO_FATAL_FAILURE(finish_purge(reference_->writer(), purge));
    for (const CreateTenantOp& op : scenario.creations) {
      if (op.tenant.id == purge.tenant) apply_to_both({op});
    }
  }
  void expect_same_answers(const Scenario& scenario) {
    auto theirs = reference_->open_reader();
    ASSERT_EQ(everything(*reader_, scenario), everything(**theirs, scenario));
  }

  std::unique_ptr<Store> reference_ = make_memory_store();
};
RUN_ON_ALL_STORES(RandomContract);

TEST_P(RandomContract, AnswersAreTheReferencesWheneverMaintenanceRuns) {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    opened_ = GetParam().open();
    reader_ = *opened_.store->open_reader();
    reference_ = make_memory_store();
    Scenario scenario(seed);
    for (const CreateTenantOp& op : scenario.creations) apply_to_both({op});
    for (PutWebhookOp& op : scenario.first_puts) apply_to_both({op});
    for (int round = 0; round < 25; ++round) {
      std::vector<WriteAction> actions;
      for (std::size_t i = 0; i <= scenario.make.below(6); ++i) actions.push_back(scenario.next());
      ASSERT_NO_FATAL_FAILURE(apply_to_both(std::move(actions)));
      const bool is_idle = scenario.make.below(2) == 0;
      for (std::size_t i = 0; i < scenario.make.below(3); ++i) {
        ASSERT_TRUE(opened_.store->writer().maintain(scenario.make.now, is_idle).has_value());
      }
      if (round % 9 == 8) purge_in_both(scenario);
      ASSERT_FALSE(HasFatalFailure());
      if (round % 5 != 4) continue;
      ASSERT_NO_FATAL_FAILURE(expect_same_answers(scenario));
    }
    EXPECT_EQ(*opened_.store->writer().newest_id(), *reference_->writer().newest_id());
  }
}

}  // namespace
}  // namespace fanfare::contract
