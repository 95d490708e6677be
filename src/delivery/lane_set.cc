#include "delivery/lane_set.h"

#include <utility>

#include "base/assert.h"
#include "base/limits.h"
#include "delivery/courier.h"
#include "delivery/engine.h"

namespace fanfare {

using namespace std::chrono_literals;

struct LaneSet::Entry {
  explicit Entry(WebhookPtr webhook) : lane(std::move(webhook)) {}

  Lane lane;
  std::optional<Signer> signer;  // of lane.webhook()'s version
  Loop::TimerId timer = 0;
  Timestamp timer_at;
  bool is_parked = false;
  bool is_removed = false;        // its tenant was deleted
  std::int64_t settle_below = 0;  // rows with a lower version are being moved; 0 = none
  std::int64_t settled = 0;       // all rows below this version have been moved
};

struct LaneSet::Flight {
  HeldRun held;
  WebhookPtr webhook;  // as it was when the attempt began
  Timestamp started_at;
  Lane::Answer answer = Lane::Answer::nothing;
  std::string body;                          // tests only: what was sent
  HeaderList headers;                        // tests only
  UniqueFunction<void(TestResult)> on_test;  // set for a test, which takes no slot of its lane
};

namespace {

HttpOutcome not_sent(const std::string& why) {
  HttpOutcome outcome;
  outcome.error = ErrorKind::internal;
  outcome.error_text = why;
  return outcome;
}

Lane::Answer answer_of(const HttpOutcome& outcome) {
  if (outcome.status >= 200 && outcome.status <= 299) return Lane::Answer::success;
  return outcome.status != 0 ? Lane::Answer::status : Lane::Answer::nothing;
}

}  // namespace

LaneSet::LaneSet(Doors doors, std::size_t in_flight_max, std::size_t bytes_max)
    : doors_(std::move(doors)), in_flight_max_(in_flight_max), bytes_max_(bytes_max) {}

LaneSet::~LaneSet() = default;

LaneSet::Entry* LaneSet::entry_of(WebhookId id) {
  if (const auto found = lanes_.find(id); found != lanes_.end()) return found->second.get();
  WebhookPtr webhook = doors_.directory.webhook(id);
  if (!webhook) return nullptr;
  return lanes_.emplace(id, std::make_unique<Entry>(std::move(webhook))).first->second.get();
}

// Keeps the sum of held bytes right around anything that a lane does.
template <class Work>
auto LaneSet::with_bytes(Lane& lane, Work work) {
  const std::size_t before = lane.held_bytes();
  struct Settle {
    LaneSet& set;
    Lane& lane;
    std::size_t before;
    ~Settle() { set.held_bytes_ = set.held_bytes_ - before + lane.held_bytes(); }
  } const settle_up{*this, lane, before};
  return work();
}

// ---- what comes in ----

void LaneSet::admit(HeldRun held) {
  Entry* entry = entry_of(held.run.webhook);
  // Its plan came from the directory, but its tenant may have been deleted since.
  if (!entry || entry->is_removed) return;
  const std::int64_t settled_below = entry->lane.webhook().settled_below;
  if (held.run.webhook_version < settled_below) {
    settle(*entry, settled_below);
    return;
  }
  with_bytes(entry->lane, [&] { entry->lane.offer(std::move(held), now(), has_room()); });
  pump(*entry);
}

void LaneSet::webhook_changed(const WebhookPtr& webhook) {
  Entry* entry = entry_of(webhook->id);
  if (!entry || entry->is_removed || entry->lane.webhook().version > webhook->version) return;
  entry->lane.set_webhook(webhook);
  entry->signer.reset();
  const bool has_settled = webhook->settled_below > entry->settled;
  if (has_settled || webhook->is_deleted || webhook->status != WebhookStatus::active) {
    with_bytes(entry->lane, [&] { entry->lane.forget_waiting(); });
  }
  if (has_settled) settle(*entry, webhook->settled_below);
  pump(*entry);
}

// What it leaves in the store is purged, not settled. Attempts under way come back to their lane.
void LaneSet::webhook_removed(WebhookId id) {
  const auto found = lanes_.find(id);
  if (found == lanes_.end()) return;
  Entry& entry = *found->second;
  Webhook gone = entry.lane.webhook();
  gone.is_deleted = true;
  gone.settled_below = gone.version + 1;
  gone.secrets.clear();
  gone.settings.headers.clear();
  entry.lane.set_webhook(std::make_shared<const Webhook>(std::move(gone)));
  entry.signer.reset();
  entry.is_removed = true;
  with_bytes(entry.lane, [&] { entry.lane.forget_waiting(); });
}

void LaneSet::run_requeued(const QueuedRun& run) {
  Entry* entry = entry_of(run.webhook);
  if (!entry || entry->is_removed) return;
  const std::int64_t settled_below = entry->lane.webhook().settled_below;
  if (run.webhook_version < settled_below) settle(*entry, settled_below);
  entry->lane.bring_forward(run.delivery, now());
  pump(*entry);
}

void LaneSet::run_ended(WebhookId webhook, DeliveryId delivery) {
  const auto found = lanes_.find(webhook);
  if (found == lanes_.end()) return;
  with_bytes(found->second->lane, [&] { return found->second->lane.forget(delivery); });
  pump(*found->second);
}

void LaneSet::wake_all() {
  for (auto& [id, entry] : lanes_) pump(*entry);
}

namespace {
constexpr Millis kBehindAfter = 1min;
}  // namespace

QueueAge LaneSet::queue_age(std::optional<TenantId> tenant) const {
  QueueAge age;
  const Timestamp at = now();
  for (const auto& [id, entry] : lanes_) {
    if (tenant && entry->lane.webhook().tenant != *tenant) continue;
    const auto since = entry->lane.due_since(at);
    if (!since) continue;
    if (entry->lane.has_slot()) {
      age.add({.oldest_due = since});
    } else if (at - *since > kBehindAfter) {
      ++age.webhooks_behind;
    }
  }
  return age;
}

// ---- recovery ----

namespace {
// Lanes are woken a few at a time, and each starts with one slot: the backlog of an outage does not
// fire in one second.
constexpr std::size_t kRecoveredLanesAtOnce = 20;
constexpr Millis kRecoverEvery = 10ms;
}  // namespace

void LaneSet::recover(std::vector<WaitingWebhook> waiting) {
  recovering_.insert(recovering_.end(), waiting.begin(), waiting.end());
  recover_some();
}

void LaneSet::recover_some() {
  for (std::size_t i = 0; i < kRecoveredLanesAtOnce && !recovering_.empty(); ++i) {
    const WaitingWebhook waiting = recovering_.front();
    recovering_.pop_front();
    Entry* entry = entry_of(waiting.webhook);
    if (!entry) continue;
    const Webhook& webhook = entry->lane.webhook();
    const bool is_over = webhook.is_deleted || webhook.status == WebhookStatus::disabled;
    // A disabled webhook has no live rows; one whose test was cut off by a crash still has that
    // row.
    if (is_over || webhook.settled_below > 0)
      settle(*entry, is_over ? webhook.version + 1 : webhook.settled_below);
    entry->lane.wake_at(waiting.next_attempt_at);
    pump(*entry);
  }
  if (!recovering_.empty()) doors_.loop.after(kRecoverEvery, [this] { recover_some(); });
}

// ---- scheduling ----

bool LaneSet::may_start() const {
  return !is_draining_ && in_flight_ < in_flight_max_;
}

void LaneSet::pump(Entry& entry) {
  if (is_draining_) return;
  const Timestamp at = now();
  while (entry.lane.has_slot() && entry.lane.has_due(at)) {
    if (!may_start()) {
      park(entry);
      break;
    }
    std::optional<HeldRun> held = entry.lane.take(at);
    if (!held) break;
    start(entry, std::move(*held));
  }
  // While rows are being settled a refill would read them for nothing; the end of it pumps again.
  if (entry.settle_below == 0 && entry.lane.wants_refill(at, has_room())) refill(entry);
  arm_timer(entry);
}

void LaneSet::park(Entry& entry) {
  if (std::exchange(entry.is_parked, true)) return;
  parked_.push_back(entry.lane.webhook().id);
}

// Gives freed slots to the lanes that have waited longest. One that wants more parks again behind
// the others; one that has nothing to send any more leaves its turn to the next.
void LaneSet::unpark() {
  while (!parked_.empty() && may_start()) {
    const WebhookId id = parked_.front();
    parked_.pop_front();
    Entry& entry = *lanes_.at(id);
    entry.is_parked = false;
    pump(entry);
  }
}

namespace {
// Lanes wait by wall time, timers run by steady time: after a jump of the wall clock nothing is
// late by more.
constexpr Millis kTimerMax = 5min;
}  // namespace

void LaneSet::arm_timer(Entry& entry) {
  const Timestamp at = now();
  const std::optional<Timestamp> due = entry.lane.next_due(at);
  if (!due || *due <= at) return;
  if (entry.timer != 0 && entry.timer_at <= *due) return;
  if (entry.timer != 0) doors_.loop.cancel(entry.timer);
  entry.timer_at = *due;
  const WebhookId id = entry.lane.webhook().id;
  const Millis wait = std::min<Millis>(*due - at, kTimerMax);
  entry.timer = doors_.loop.after(wait, [this, id] {
    Entry& woken = *lanes_.at(id);
    woken.timer = 0;
    pump(woken);
  });
}

void LaneSet::refill(Entry& entry) {
  const WebhookId id = entry.lane.webhook().id;
  // On the loop's thread only; other lanes may take some of it while this one reads.
  const auto bytes_free = [this] { return has_room() ? bytes_max_ - held_bytes_ : 0; };
  auto window = entry.lane.begin_refill(bytes_free());
  doors_.reads.submit(
      ReadKind::refill, [this, id, bytes_free, window = std::move(window)](Reader* reader) {
        Result<Queued> queued = reader ? reader->queued(id, window)
                                       : Result<Queued>(fail(Errc::overloaded, "reads are busy"));
        doors_.loop.post([this, id, bytes_free, queued = std::move(queued)]() mutable {
          Entry& refilled = *lanes_.at(id);
          if (queued) {
            with_bytes(refilled.lane,
                       [&] { refilled.lane.end_refill(std::move(*queued), now(), bytes_free()); });
          } else {
            refilled.lane.refill_failed(now() + 250ms);
          }
          pump(refilled);
        });
      });
}

// ---- one attempt ----

Result<const Signer*> LaneSet::signer_of(Entry& entry) {
  if (!entry.signer) {
    const Webhook& webhook = entry.lane.webhook();
    TRY(Signer signer, Signer::make(webhook.settings.signature, webhook.secrets));
    entry.signer.emplace(std::move(signer));
  }
  return &*entry.signer;
}

void LaneSet::start(Entry& entry, HeldRun held) {
  ++in_flight_;
  auto flight = std::make_unique<Flight>();
  flight->held = std::move(held);
  flight->webhook = entry.lane.webhook_ptr();
  flight->started_at = now();
  const Result<const Signer*> signer = signer_of(entry);
  if (signer) {
    launch(std::move(flight), **signer);
    return;
  }
  doors_.loop.post(
      [this, flight = std::move(flight), outcome = not_sent(signer.error().message)]() mutable {
        answered(std::move(flight), std::move(outcome));
      });
}

void LaneSet::launch(std::unique_ptr<Flight> flight, const Signer& signer) {
  SendRequest request = prepare(flight->held, *flight->webhook, signer, flight->started_at);
  if (flight->on_test) {
    flight->body = request.body;
    flight->headers = request.headers;
  }
  doors_.sender.send(std::move(request),
                     [this, flight = std::move(flight)](HttpOutcome outcome) mutable {
                       answered(std::move(flight), std::move(outcome));
                     });
}

void LaneSet::send_test(HeldRun held, WebhookPtr webhook, UniqueFunction<void(TestResult)> done) {
  ++tests_in_flight_;
  auto flight = std::make_unique<Flight>();
  flight->held = std::move(held);
  flight->webhook = std::move(webhook);
  flight->started_at = now();
  flight->on_test = std::move(done);
  const Result<Signer> signer =
      Signer::make(flight->webhook->settings.signature, flight->webhook->secrets);
  if (signer) {
    launch(std::move(flight), *signer);
  } else {
    answered(std::move(flight), not_sent(signer.error().message));
  }
}

void LaneSet::answered(std::unique_ptr<Flight> flight, HttpOutcome outcome) {
  if (outcome.error == ErrorKind::shutdown && !flight->on_test) {
    // Costs no attempt: the row is still queued as it was, and is attempted again after the
    // restart.
    lanes_.at(flight->webhook->id)->lane.release_slot(Lane::Answer::nothing);
    landed();
    return;
  }
  flight->answer = answer_of(outcome);
  AttemptOp op = conclude(flight->held, *flight->webhook, std::move(outcome),
                          AttemptTimes{.started_at = flight->started_at, .finished_at = now()},
                          doors_.random.uniform01());
  if (doors_.on_attempt) doors_.on_attempt(op);
  // Apart from the attempt's own transaction: if we crash in between, the next delivery gets the
  // same 410.
  if (op.attempt.kind == ErrorKind::gone && doors_.on_gone) doors_.on_gone(flight->webhook);
  doors_.journal.submit_outcome(
      std::move(op),
      [this, flight = std::move(flight)](WriteAction& action, Result<OpDone> done) mutable {
        doors_.loop.post([this, flight = std::move(flight), done = std::move(done),
                          stored = std::move(std::get<AttemptOp>(action))]() mutable {
          recorded(std::move(flight), stored, done);
        });
      });
}

// The attempt is in flight until it is stored: so the slots bound the outcomes that wait for the
// store, and a crash repeats at most as many attempts as there are slots.
void LaneSet::recorded(std::unique_ptr<Flight> flight, AttemptOp& op, const Result<OpDone>& done) {
  if (flight->on_test) {
    --tests_in_flight_;
    flight->on_test(TestResult{.delivery = op.attempt.delivery,
                               .attempt = std::move(op.attempt),
                               .request_body = std::move(flight->body),
                               .request_headers = std::move(flight->headers)});
    tell_if_drained();
    return;
  }
  Entry& entry = *lanes_.at(flight->webhook->id);
  entry.lane.release_slot(flight->answer);
  with_bytes(entry.lane, [&] { settle_held(entry, std::move(flight->held), op, done); });
  landed();
  pump(entry);
}

// What becomes of a run whose attempt is stored, or could not be.
void LaneSet::settle_held(Entry& entry, HeldRun held, const AttemptOp& op,
                          const Result<OpDone>& done) {
  if (!done) {
    // The store refused this one operation; the row is as it was. Looked at again, but not at once.
    entry.lane.finish(op.attempt.delivery);
    entry.lane.wake_at(now() + 60s);
    return;
  }
  const bool was_current = std::get<AttemptApplied>(*done).was_current;
  if (was_current && op.retry_at) {
    held.run.attempts_made = op.attempt.number;
    held.run.next_attempt_at = *op.retry_at;
    entry.lane.put_back(std::move(held), now(), has_room());
    return;
  }
  entry.lane.finish(op.attempt.delivery);
  // Cancelled or settled while in flight, and perhaps started anew since: the store knows.
  if (!was_current) entry.lane.wake_at(now());
}

// A slot of the node is free.
void LaneSet::landed() {
  --in_flight_;
  tell_if_drained();
  unpark();
}

void LaneSet::tell_if_drained() {
  if (is_draining_ && in_flight_ == 0 && tests_in_flight_ == 0 && on_drained_)
    std::exchange(on_drained_, nullptr)();
}

void LaneSet::drain(UniqueFunction<void()> done) {
  is_draining_ = true;
  on_drained_ = std::move(done);
  tell_if_drained();
}

// ---- settling: what a disabled or deleted webhook leaves behind ----

void LaneSet::settle(Entry& entry, std::int64_t below_version) {
  const bool is_running = entry.settle_below != 0;
  entry.settle_below = std::max(entry.settle_below, below_version);
  if (!is_running) settle_step(entry.lane.webhook().id);
}

void LaneSet::settle_step(WebhookId id) {
  if (is_draining_) return;  // goes on after the restart
  Entry& entry = *lanes_.at(id);
  if (entry.is_removed) return;
  const bool is_deleted = entry.lane.webhook().is_deleted;
  SettleOp op;
  op.webhook = id;
  op.below_version = entry.settle_below;
  op.status = is_deleted ? DeliveryStatus::cancelled : DeliveryStatus::failed;
  op.kind = is_deleted ? ErrorKind::webhook_deleted : ErrorKind::webhook_disabled;
  // As readers show these rows before they are moved, so that a final state does not change.
  op.error = diagnosis(op.kind, 0, {});
  op.rows_max = limits::kSettleChunkRows;
  op.now = entry.lane.webhook().updated_at;
  doors_.journal.submit(WriteOp{std::move(op)}, [this, id](WriteAction& action,
                                                           Result<OpDone> done) {
    const std::int64_t below = std::get<SettleOp>(action).below_version;
    doors_.loop.post([this, id, below, done = std::move(done)] { step_settled(id, below, done); });
  });
}

void LaneSet::step_settled(WebhookId id, std::int64_t below_version, const Result<OpDone>& done) {
  if (!done) {
    doors_.loop.after(250ms, [this, id] { settle_step(id); });
    return;
  }
  Entry& entry = *lanes_.at(id);
  if (std::get<Settled>(*done).has_more || entry.settle_below > below_version) {
    settle_step(id);
    return;
  }
  entry.settled = below_version;
  entry.settle_below = 0;
  pump(entry);
}

}  // namespace fanfare
