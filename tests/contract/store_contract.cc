#include "tests/contract/store_contract.h"

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "base/encoding.h"
#include "domain/webhook_codec.h"
#include "storage/memory/memory_store.h"
#include "storage/sqlite/sqlite_store.h"

namespace fanfare::contract {
namespace {

// A directory that goes with its last owner, and the clock of the store in it.
struct Ground {
  Ground() {
    std::string pattern = (std::filesystem::temp_directory_path() / "fanfare-XXXXXX").string();
    EXPECT_NE(mkdtemp(pattern.data()), nullptr);
    path = pattern;
  }
  Ground(const Ground&) = delete;
  ~Ground() { std::filesystem::remove_all(path); }
  std::filesystem::path path;
  SystemClock clock;
};

OpenedStore open_sqlite(const SqliteTuning& tuning) {
  auto ground = std::make_shared<Ground>();
  auto store = SqliteStore::open(ground->path / "fanfare.db", ground->clock, tuning);
  EXPECT_TRUE(store.has_value()) << (store ? "" : store.error().message);
  return OpenedStore{.ground = ground, .store = store ? std::move(*store) : nullptr};
}

void write(std::ostream& out, const std::optional<Timestamp>& t) {
  if (t) {
    out << ms_of(*t);
  } else {
    out << '-';
  }
}

std::string hex(std::string_view bytes) {
  return hex_encode(bytes_of(bytes));
}

}  // namespace

std::vector<StoreKind> all_stores() {
  SqliteTuning eager;
  eager.index = {.chunk = 3,
                 .slice = 2,
                 .idle_chunk = 1,
                 .idle_slice = 2,
                 .found_ids = 2,
                 .remembered_max = 9};
  eager.log = {.idle_bytes = 0, .soft_bytes = 1 << 16, .hard_bytes = 1 << 30};
  return {{"Memory", [] { return OpenedStore{.ground = {}, .store = make_memory_store()}; }},
          {"Sqlite", [] { return open_sqlite({}); }},
          {"SqliteEagerIndex", [eager] { return open_sqlite(eager); }}};
}

// ---- Maker ----

QueuedRun Maker::run(const Event& event, WebhookId webhook) {
  return QueuedRun{.delivery = id<DeliveryId>(),
                   .run = 1,
                   .event = event.id,
                   .webhook = webhook,
                   .tenant = event.tenant,
                   .event_type = event.type,
                   .attempts_made = 0,
                   .attempts_max = 5,
                   .next_attempt_at = now,
                   .webhook_version = 1,
                   .envelope = Envelope::standard,
                   .trigger = Trigger::event,
                   .is_test = false,
                   .created_at = now};
}

EventPlan Maker::plan(TenantId tenant, const std::vector<WebhookId>& webhooks) {
  EventPlan plan;
  plan.event = Event{.id = id<EventId>(),
                     .tenant = tenant,
                     .type = "invoice.paid",
                     .event_id = {},
                     .data = std::make_shared<const std::string>(R"({"total": 12.50})"),
                     .metadata = {},
                     .created_at = now,
                     .deliveries = static_cast<int>(webhooks.size()),
                     .is_test = false};
  for (const WebhookId webhook : webhooks) plan.runs.push_back(run(plan.event, webhook));
  return plan;
}

StoredWebhook Maker::webhook(TenantId tenant) {
  StoredWebhook stored;
  stored.webhook.id = id<WebhookId>();
  stored.webhook.tenant = tenant;
  stored.webhook.settings.url = "https://example.com/hook";
  stored.webhook.settings.events = {"invoice.*"};
  stored.webhook.settings.retry = *retry_preset("standard");
  stored.webhook.created_at = now;
  stored.webhook.updated_at = now;
  return stored;
}

AttemptOp Maker::attempt(const QueuedRun& run, int status) {
  AttemptOp op{.run = run, .attempt = {}, .retry_at = {}, .final_status = {}, .finished_at = now};
  op.final_status = status / 100 == 2 ? DeliveryStatus::success : DeliveryStatus::failed;
  Attempt& attempt = op.attempt;
  attempt.id = id<AttemptId>();
  attempt.delivery = run.delivery;
  attempt.run = run.run;
  attempt.number = run.attempts_made + 1;
  attempt.webhook = run.webhook;
  attempt.tenant = run.tenant;
  attempt.webhook_version = run.webhook_version;
  attempt.started_at = now;
  attempt.signed_at = std::chrono::floor<std::chrono::seconds>(now);
  attempt.outcome.status = status;
  attempt.outcome.timing.total_ms = 7;
  attempt.outcome.body = "answer " + std::to_string(status);
  if (status / 100 != 2) {
    attempt.kind = ErrorKind::http_status;
    attempt.error = "the receiver answered " + std::to_string(status);
  }
  return op;
}

// ---- StoreContract ----

StoreContract::StoreContract() : opened_(GetParam().open()) {
  tenant_ = make_.id<TenantId>();
  stranger_ = make_.id<TenantId>();
  webhook_ = make_.id<WebhookId>();
  auto reader = opened_.store->open_reader();
  EXPECT_TRUE(reader.has_value()) << (reader ? "" : reader.error().message);
  reader_ = std::move(*reader);
}

Result<OpDone> StoreContract::commit(WriteAction action, std::optional<IdempotencyClaim> claim) {
  std::vector<WriteOp> ops(1);
  ops[0] = WriteOp{.action = std::move(action), .claim = std::move(claim)};
  auto results = opened_.store->writer().commit(ops);
  if (!results) return tl::unexpected<Error>(results.error());
  EXPECT_EQ(results->size(), 1U);
  return std::move(results->front());
}

Published StoreContract::publish(const EventPlan& plan) {
  const auto done = commit(PublishOp{{plan}});
  const auto& answers = value_of<std::vector<Published>>(done);
  EXPECT_EQ(answers.size(), 1U);
  return answers.empty() ? Published{} : answers.front();
}

EventPlan StoreContract::published(const std::vector<WebhookId>& webhooks) {
  EventPlan plan = make_.plan(tenant_, webhooks);
  EXPECT_EQ(publish(plan).id, plan.event.id);
  return plan;
}

QueuedRun StoreContract::queued_run() {
  return published({webhook_}).runs.front();
}

QueuedRun StoreContract::queued_run_of(std::size_t payload_bytes) {
  EventPlan plan = make_.plan(tenant_, {webhook_});
  plan.event.data = std::make_shared<const std::string>(payload_bytes, 'x');
  publish(plan);
  return plan.runs.front();
}

Queued StoreContract::queued(std::size_t rows_max) {
  return *reader_->queued(webhook_, {.rows_max = rows_max, .bytes_max = limits::kLanesBytesMax});
}

AttemptApplied StoreContract::record(const AttemptOp& op) {
  return value_of<AttemptApplied>(commit(op));
}

void StoreContract::finish(const QueuedRun& run, int status) {
  EXPECT_TRUE(record(make_.attempt(run, status)).was_current);
}

QueuedRun StoreContract::retry_later(const QueuedRun& run, Millis delay) {
  AttemptOp op = make_.attempt(run, 500);
  op.retry_at = make_.now + delay;
  EXPECT_TRUE(record(op).was_current);
  QueuedRun later = run;
  later.attempts_made += 1;
  later.next_attempt_at = *op.retry_at;
  return later;
}

Delivery StoreContract::must_have(DeliveryId id) {
  auto found = delivery(id);
  EXPECT_TRUE(found.has_value()) << (found ? "" : found.error().message);
  return found ? *found : Delivery{};
}

RequeueOp StoreContract::requeue(DeliveryId id) const {
  return RequeueOp{.tenant = tenant_,
                   .delivery = id,
                   .attempts_max = 3,
                   .webhook_version = 4,
                   .envelope = Envelope::raw,
                   .trigger = Trigger::retry,
                   .now = make_.now};
}

EndRunOp StoreContract::cancel(DeliveryId id) const {
  return EndRunOp{.tenant = tenant_,
                  .delivery = id,
                  .status = DeliveryStatus::cancelled,
                  .kind = ErrorKind::cancelled,
                  .error = "cancelled by a person",
                  .now = make_.now};
}

void StoreContract::put(const StoredWebhook& row, std::int64_t expected_version) {
  const auto done = commit(PutWebhookOp{.row = row, .expected_version = expected_version});
  ASSERT_TRUE(done.has_value()) << done.error().message;
}

void StoreContract::maintain() {
  for (int steps = 0; steps < 1000; ++steps) {
    const auto has_more = opened_.store->writer().maintain(make_.now, true);
    ASSERT_TRUE(has_more.has_value()) << has_more.error().message;
    if (!*has_more) return;
  }
  FAIL() << "maintenance never ends";
}

// ---- texts ----

std::string text_of(const Event& event) {
  std::ostringstream out;
  out << to_string(event.id) << ' ' << to_string(event.tenant) << ' ' << event.type << " ["
      << event.event_id << "] " << hex(event.data ? *event.data : "none") << " [" << event.metadata
      << "] at " << ms_of(event.created_at) << " deliveries " << event.deliveries << " test "
      << event.is_test;
  return out.str();
}

std::string text_of(const QueuedRun& run) {
  std::ostringstream out;
  out << to_string(run.delivery) << '#' << run.run << ' ' << to_string(run.event) << ' '
      << to_string(run.webhook) << ' ' << to_string(run.tenant) << ' ' << run.event_type << ' '
      << run.attempts_made << '/' << run.attempts_max << " next " << ms_of(run.next_attempt_at)
      << " v" << run.webhook_version << ' ' << name_of(run.envelope) << ' ' << name_of(run.trigger)
      << " test " << run.is_test << " at " << ms_of(run.created_at);
  return out.str();
}

std::string text_of(const Delivery& delivery) {
  std::ostringstream out;
  out << to_string(delivery.id) << '#' << delivery.run << ' ' << to_string(delivery.event) << ' '
      << to_string(delivery.webhook) << ' ' << to_string(delivery.tenant) << ' '
      << delivery.event_type << ' ' << name_of(delivery.status) << ' ' << delivery.attempts << '/'
      << delivery.attempts_max << " answered " << delivery.response_status << " in "
      << delivery.response_time_ms << " [" << hex(delivery.response_body) << "] "
      << name_of(delivery.error_kind) << " [" << delivery.last_error << "] test "
      << delivery.is_test << ' ' << name_of(delivery.trigger) << " v" << delivery.webhook_version
      << ' ' << name_of(delivery.envelope) << " at " << ms_of(delivery.created_at) << " next ";
  write(out, delivery.next_attempt_at);
  out << " delivered ";
  write(out, delivery.delivered_at);
  out << " completed ";
  write(out, delivery.completed_at);
  return out.str();
}

std::string text_of(const Attempt& attempt) {
  std::ostringstream out;
  const HttpOutcome& outcome = attempt.outcome;
  out << to_string(attempt.id) << ' ' << to_string(attempt.delivery) << '#' << attempt.run << '.'
      << attempt.number << ' ' << to_string(attempt.webhook) << ' ' << to_string(attempt.tenant)
      << " v" << attempt.webhook_version << " started " << ms_of(attempt.started_at) << " signed "
      << ms_of(attempt.signed_at) << ' ' << name_of(attempt.kind) << " [" << attempt.error << "] "
      << name_of(outcome.error) << " [" << outcome.error_text << "] " << outcome.status;
  for (const auto& [name, value] : outcome.headers) out << ' ' << hex(name) << '=' << hex(value);
  out << " body " << hex(outcome.body) << " truncated " << outcome.is_truncated;
  for (const auto& part : {outcome.timing.dns_ms, outcome.timing.connect_ms, outcome.timing.tls_ms,
                           outcome.timing.first_byte_ms}) {
    out << ' ' << part.value_or(-1);
  }
  out << ' ' << outcome.timing.total_ms << ' ' << outcome.peer << ' ' << outcome.tls;
  return out.str();
}

std::string text_of(const StoredWebhook& stored) {
  std::ostringstream out;
  const Webhook& webhook = stored.webhook;
  out << to_string(webhook.id) << ' ' << to_string(webhook.tenant) << " v" << webhook.version << ' '
      << name_of(webhook.status) << " [" << webhook.disabled_reason << "] settled "
      << webhook.settled_below << " deleted " << webhook.is_deleted << ' '
      << encode_settings(webhook.settings) << " headers " << hex(stored.sealed_headers)
      << " created " << ms_of(webhook.created_at) << " updated " << ms_of(webhook.updated_at);
  for (const auto& header : webhook.settings.headers) out << " <" << header.value.reveal() << '>';
  for (std::size_t i = 0; i < webhook.secrets.size(); ++i) {
    const SigningSecret& secret = webhook.secrets[i];
    out << " secret " << secret.number << " <" << secret.text.reveal() << "> "
        << ms_of(secret.created_at) << ' ';
    write(out, secret.expires_at);
    out << ' ' << hex(stored.sealed_secrets.at(i));
  }
  return out.str();
}

std::vector<DeliveryId> ids_of(const std::vector<Delivery>& deliveries) {
  std::vector<DeliveryId> ids;
  for (const Delivery& delivery : deliveries) ids.push_back(delivery.id);
  return ids;
}

std::vector<DeliveryId> ids_of(const Queued& queued) {
  std::vector<DeliveryId> ids;
  for (const DueRun& due : queued.rows) ids.push_back(due.run.delivery);
  return ids;
}

std::vector<EventId> ids_of(const std::vector<Event>& events) {
  std::vector<EventId> ids;
  for (const Event& event : events) ids.push_back(event.id);
  return ids;
}

}  // namespace fanfare::contract
