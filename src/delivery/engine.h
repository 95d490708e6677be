// Engine: the application's one face to the heart. The API asks it to publish, change, retry,
// cancel and read; it wires intake → journal → lanes → courier → journal together, and nothing of
// them shows above it.
//
// Any thread may call; every answer comes back through a Reply on the loop that the caller names.
// Replies to writes come after the commit is durable, and the Directory shows the change before the
// reply runs. A WriteContext is stored with the change or not at all: whoever changes something
// brings the audit entry of it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "auth/vault.h"
#include "base/loop.h"
#include "delivery/directory.h"
#include "delivery/read_pool.h"
#include "delivery/stats_book.h"
#include "domain/auto_disable.h"
#include "domain/health.h"
#include "egress/sender.h"
#include "storage/store.h"

namespace fanfare {

template <class T>
using Reply = UniqueFunction<void(Result<T>)>;

// One event as the publisher asked for it, already checked: type known, data valid JSON, sizes
// within limits.
struct PublishRequest {
  TenantId tenant;
  std::string event_type;
  Payload data;
  std::string event_id;                // empty = none
  std::string metadata;                // JSON object text; empty = none
  std::vector<WebhookId> webhook_ids;  // not empty: only these, if they want the event
  std::optional<int> max_attempts;     // for this event's deliveries, instead of the webhooks' own
};

// What the test of a webhook sends.
struct TestEvent {
  std::string event_type;
  Payload data;
};

// What the test of a webhook answers: the delivery and its one attempt, with the body that was
// sent.
struct TestResult {
  DeliveryId delivery;
  Attempt attempt;
  std::string request_body;
  HeaderList request_headers;  // as sent; custom header values masked
};

// A webhook as it shall be from now on; the engine fills in version, times and sealed parts.
struct WebhookChange {
  Webhook next;                       // with plaintext secrets and header values
  std::int64_t expected_version = 0;  // 0 = create
  bool purges_history = false;        // with next.is_deleted: all that is stored of it goes too
};

// A webhook that keeps failing: warned about, or disabled.
struct FailureNotice {
  WebhookPtr webhook;
  DisableDecision decision;
};

struct EngineStatus {
  bool is_ready = false;      // recovered, the last commit worked, not draining
  std::string reason;         // when not ready
  std::size_t in_flight = 0;  // attempts
};

class Engine {
 public:
  struct Parts;  // engine_parts.h: what app/ brings
  explicit Engine(Parts parts);
  ~Engine();

  Directory& directory();
  Vault& vault();
  const StatsBook& stats() const;
  // How far behind the queue is, of one tenant's webhooks or all.
  void queue_age(std::optional<TenantId> tenant, Loop& home, Reply<QueueAge> reply);
  std::string write_error() const;       // of the last commit; empty = it worked
  bool is_own_outage() const;            // most webhooks fail, so none is disabled
  FailureCounts failure_counts() const;  // which failures in a row disable a webhook

  // ---- publishing ----
  // Plans every event, stores all in one transaction, answers one Published for each.
  // Errc::overloaded or Errc::unavailable: nothing is stored.
  void publish(std::vector<PublishRequest> requests, WriteContext context, Loop& home,
               Reply<std::vector<Published>> reply);
  // Stores an event for everybody; its expansion into one for each tenant follows. The request
  // names no tenant and no webhooks. Errc::overloaded while too many others are being expanded.
  void broadcast(PublishRequest request, WriteContext context, Loop& home,
                 Reply<BroadcastStored> reply);
  // Stores a test event and sends it to this webhook at once, whatever its status; answers when the
  // one attempt is over.
  // Of `context` the audit entries are stored with the event; its answer is not made yet.
  void send_test(WebhookPtr webhook, TestEvent test, WriteContext context, Loop& home,
                 Reply<TestResult> reply);

  // ---- deliveries ----
  void retry(TenantId tenant, DeliveryId delivery, WriteContext context, Loop& home,
             Reply<Requeued> reply);
  void cancel(TenantId tenant, DeliveryId delivery, WriteContext context, Loop& home,
              Reply<Unit> reply);
  // Wakes every lane: whatever is due is attempted now. The engine does so by itself; this is for
  // people who want to see it.
  void retry_due();

  // ---- configuration ----
  void create_tenant(Tenant tenant, WriteContext context, Loop& home, Reply<Unit> reply);
  // Errc::version_mismatch if it is no longer `before`, Errc::conflict if the external_id is taken.
  void update_tenant(Tenant before, Tenant next, WriteContext context, Loop& home,
                     Reply<Unit> reply);
  // Its keys and webhooks end with the commit, its external_id is free, its data key is gone; what
  // is stored of it goes afterwards, in the background.
  void delete_tenant(TenantId tenant, WriteContext context, Loop& home, Reply<Unit> reply);
  void put_api_key(ApiKey key, WriteContext context, Loop& home, Reply<Unit> reply);
  void put_event_type(EventType type, bool must_be_new, WriteContext context, Loop& home,
                      Reply<Unit> reply);
  void delete_event_type(std::string name, WriteContext context, Loop& home, Reply<Unit> reply);
  // Stores the webhook and answers it as stored. A change to disabled or deleted settles its queued
  // runs.
  void put_webhook(WebhookChange change, WriteContext context, Loop& home, Reply<WebhookPtr> reply);
  // Stores what belongs to no change: an answer that was made outside an operation's own
  // transaction, audit entries of an action that writes nothing.
  void record(WriteContext context, Loop& home, Reply<Unit> reply);

  // ---- keys: what they are replaced by works on in bounded steps (key_work.h) ----
  // Answers once every one of these tenants has a new data key in use.
  void rotate_tenant_keys(std::vector<TenantId> tenants, Loop& home, Reply<Unit> reply);
  // After Vault::set_master_keys(): moves what older master keys wrapped to the newest.
  void rewrap_keys();

  // ---- reading ----
  // Runs `query` on a reader thread; its result comes back to `home`. Errc::overloaded if too many
  // reads wait.
  // A list is a scan: it may walk far, and must not hold up reads of single rows.
  template <class T>
  void read(std::function<Result<T>(Reader&)> query, Loop& home, Reply<T> reply,
            ReadKind kind = ReadKind::point);

  // The webhook as it was at a version, for answers that rebuild a request. On a reader thread.
  Result<Webhook> webhook_at(Reader& reader, WebhookId id, std::int64_t version) const;

  // ---- retention ----
  // Removes what is kept no longer, in small steps, for at most about `budget`. Errc::conflict
  // while another that was asked for is under way.
  void clean_up(Millis budget, Loop& home, Reply<CleanupReport> reply);
  const RetentionPolicy& retention() const;
  // The report of the last cleanup as JSON; empty if there was none.
  std::string last_cleanup() const;

  EngineStatus status() const;

  // ---- its life, for app/: recover → threads and loops run → drain → threads stop ----
  // Loads the configuration, opens every tenant's key and finds the waiting webhooks. Before any
  // thread runs.
  Result<void> recover();
  void run_journal(const std::stop_token& stop);  // the journal's thread
  void run_reader(Reader& reader,
                  const std::stop_token& stop);  // a reader's thread; any number of them
  // No new attempts; `done`, on some loop's thread, once none is in flight.
  void drain(UniqueFunction<void()> done);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  void read_raw(ReadKind kind, UniqueFunction<void(Reader*)> job);  // null reader: overloaded
  void disable_gone(WebhookPtr webhook);
  void disable_failing(const WebhookPtr& webhook, const DisableDecision& decision);
  Result<void> check_master_key(const ConfigSnapshot& config);
  void count_seals(const ConfigSnapshot& config);
  Result<void> put_in_catalogue(ConfigSnapshot& config);
};

template <class T>
void Engine::read(std::function<Result<T>(Reader&)> query, Loop& home, Reply<T> reply,
                  ReadKind kind) {
  read_raw(kind, [query = std::move(query), &home,
                  reply = std::move(reply)](Reader* reader) mutable {
    Result<T> result =
        reader ? query(*reader)
               : Result<T>(fail(Errc::overloaded, "too many reads are waiting; try again shortly"));
    home.post([result = std::move(result), reply = std::move(reply)]() mutable {
      reply(std::move(result));
    });
  });
}

}  // namespace fanfare
