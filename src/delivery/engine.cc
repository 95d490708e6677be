#include "delivery/engine.h"

#include <algorithm>
#include <utility>

#include "delivery/engine_impl.h"
#include "delivery/intake.h"

namespace fanfare {

namespace {

// Beside the slots of the lanes, so that tests at receivers that hang take nothing from deliveries.
constexpr std::size_t kTestsUnderWayMax = 64;

HeldRun held_of(const QueuedRun& run, const Event& event) {
  return HeldRun{.run = run, .data = event.data, .event_created_at = event.created_at};
}

HeaderList masked(HeaderList headers, const std::vector<CustomHeader>& custom) {
  // prepare() puts the webhook's own headers first, in order.
  for (std::size_t i = 0; i < custom.size() && i < headers.size(); ++i) headers[i].second = "***";
  return headers;
}

}  // namespace

Engine::Impl::Impl(Engine& of, Parts given)
    : engine(of),
      parts(std::move(given)),
      journal(parts.store.writer(), parts.clock, parts.random),
      reads(parts.reader_threads),
      cleaner({.loop = parts.reactors.front().loop,
               .journal = journal,
               .on_ended =
                   [this](const QueuedRun& run) {
                     on_lane(run.webhook, nullptr,
                             [webhook = run.webhook, id = run.delivery](LaneSet& set) {
                               set.run_ended(webhook, id);
                             });
                   },
               .on_over = parts.on_cleanup},
              parts.retention),
      keys({parts.reactors.front().loop, parts.vault, journal, last_key_id}),
      purger(journal, parts.reactors.front().loop,
             [this](const Purge& purge) { stats.forget(purge); }),
      broadcaster(directory, journal, parts.reactors.front().loop,
                  [this](PublishOp op, const std::vector<Published>& published) {
                    admit(std::move(op), published, &parts.reactors.front().loop);
                  }) {
  const std::size_t count = parts.reactors.size();
  for (const Parts::Reactor& reactor : parts.reactors) {
    LaneSet::Doors doors{
        .loop = reactor.loop,
        .sender = reactor.sender,
        .journal = journal,
        .reads = reads,
        .directory = directory,
        .random = parts.random,
        .on_gone = [&of](WebhookPtr webhook) { of.disable_gone(std::move(webhook)); },
        .on_attempt = parts.on_attempt};
    lanes.push_back(std::make_unique<LaneSet>(std::move(doors),
                                              std::max<std::size_t>(1, parts.in_flight_max / count),
                                              parts.lane_bytes_max / count));
  }
}

void Engine::Impl::on_lane(WebhookId id, const Loop* here, UniqueFunction<void(LaneSet&)> work) {
  const std::size_t index = reactor_of(id);
  LaneSet& set = *lanes[index];
  Loop& loop = parts.reactors[index].loop;
  if (&loop == here) {
    work(set);
  } else {
    loop.post([&set, work = std::move(work)]() mutable { work(set); });
  }
}

void Engine::Impl::write(WriteOp op, Loop& home, UniqueFunction<void()> committed, WriteDone done) {
  journal.submit(std::move(op), [&home, committed = std::move(committed), done = std::move(done)](
                                    WriteAction& action, Result<OpDone> result) mutable {
    if (result && committed) committed();
    home.post([done = std::move(done), action = std::move(action),
               result = std::move(result)]() mutable { done(action, std::move(result)); });
  });
}

void Engine::Impl::admit(PublishOp op, const std::vector<Published>& published, const Loop* here) {
  for (std::size_t i = 0; i < op.events.size(); ++i) {
    if (published[i].is_duplicate || published[i].is_conflict) continue;
    const EventPlan& plan = op.events[i];
    for (const QueuedRun& run : plan.runs) {
      on_lane(run.webhook, here, [held = held_of(run, plan.event)](LaneSet& set) mutable {
        set.admit(std::move(held));
      });
    }
  }
}

Engine::Engine(Parts parts) : impl_(std::make_unique<Impl>(*this, std::move(parts))) {}
Engine::~Engine() = default;

Directory& Engine::directory() {
  return impl_->directory;
}
const StatsBook& Engine::stats() const {
  return impl_->stats;
}
FailureCounts Engine::failure_counts() const {
  return impl_->parts.failure_counts;
}
Vault& Engine::vault() {
  return impl_->parts.vault;
}

void Engine::publish(std::vector<PublishRequest> requests, WriteContext context, Loop& home,
                     Reply<std::vector<Published>> reply) {
  Result<PublishOp> op = plan_events(impl_->directory, requests);
  if (!op) {
    home.post([reply = std::move(reply), error = std::move(op).error()]() mutable {
      reply(tl::unexpected(std::move(error)));
    });
    return;
  }
  impl_->write(
      write_op(*std::move(op), std::move(context)), home, nullptr,
      [this, &home, reply = std::move(reply)](WriteAction& action, Result<OpDone> done) mutable {
        if (!done) {
          reply(tl::unexpected(std::move(done).error()));
          return;
        }
        auto& published = std::get<std::vector<Published>>(*done);
        reply(published);
        impl_->admit(std::move(std::get<PublishOp>(action)), published, &home);
      });
}

void Engine::Impl::expand(std::vector<Broadcast> broadcasts) {
  parts.reactors.front().loop.post([this, broadcasts = std::move(broadcasts)]() mutable {
    broadcaster.add(std::move(broadcasts));
  });
}

void Engine::broadcast(PublishRequest request, WriteContext context, Loop& home,
                       Reply<BroadcastStored> reply) {
  if (impl_->broadcaster.is_full()) {
    home.post([reply = std::move(reply)]() mutable {
      reply(fail(Errc::overloaded, "too many broadcasts are being expanded; try again shortly"));
    });
    return;
  }
  BroadcastOp op;
  op.fingerprint = publish_fingerprint(request);
  op.broadcast.type = std::move(request.event_type);
  op.broadcast.event_id = std::move(request.event_id);
  op.broadcast.data = std::move(request.data);
  op.broadcast.metadata = std::move(request.metadata);
  op.broadcast.attempts_max = request.max_attempts;
  impl_->write(write_op(std::move(op), std::move(context)), home, nullptr,
               [this, reply = std::move(reply)](WriteAction&, Result<OpDone> done) mutable {
                 if (!done) return reply(tl::unexpected(std::move(done).error()));
                 auto& stored = std::get<BroadcastStored>(*done);
                 if (!stored.is_duplicate && !stored.is_conflict) impl_->expand({stored.broadcast});
                 reply(std::move(stored));
               });
}

void Engine::send_test(WebhookPtr webhook, TestEvent test, WriteContext context, Loop& home,
                       Reply<TestResult> reply) {
  // The place is taken before anything is stored: a test that is refused must not be sent later.
  if (++impl_->tests_under_way > kTestsUnderWayMax) {
    --impl_->tests_under_way;
    home.post([reply = std::move(reply)]() mutable {
      reply(fail(Errc::overloaded, "too many tests are under way; try again shortly"));
    });
    return;
  }
  auto answer = [this, reply = std::move(reply)](Result<TestResult> result) mutable {
    --impl_->tests_under_way;
    reply(std::move(result));
  };
  PublishOp op;
  op.events.push_back(plan_test(*webhook, std::move(test.event_type), std::move(test.data)));
  impl_->write(write_op(std::move(op), std::move(context)), home, nullptr,
               [this, &home, webhook, answer = std::move(answer)](WriteAction& action,
                                                                  Result<OpDone> done) mutable {
                 if (!done) {
                   answer(tl::unexpected(std::move(done).error()));
                   return;
                 }
                 const EventPlan& plan = std::get<PublishOp>(action).events.front();
                 impl_->launch_test(webhook, held_of(plan.runs.front(), plan.event), home,
                                    std::move(answer));
               });
}

void Engine::Impl::launch_test(WebhookPtr webhook, HeldRun held, Loop& home,
                               Reply<TestResult> answer) {
  on_lane(
      webhook->id, &home,
      [&home, webhook, held = std::move(held), answer = std::move(answer)](LaneSet& set) mutable {
        set.send_test(
            std::move(held), webhook,
            [&home, webhook, answer = std::move(answer)](TestResult result) mutable {
              result.request_headers =
                  masked(std::move(result.request_headers), webhook->settings.headers);
              home.post([answer = std::move(answer), result = std::move(result)]() mutable {
                answer(std::move(result));
              });
            });
      });
}

void Engine::retry(TenantId tenant, DeliveryId delivery, WriteContext context, Loop& home,
                   Reply<Requeued> reply) {
  const auto requeue = [this, &home](const Delivery& found, WriteContext taken,
                                     Reply<Requeued> answer) {
    const WebhookPtr webhook = impl_->directory.webhook(found.tenant, found.webhook);
    if (!webhook) {
      answer(fail(Errc::conflict,
                  "the webhook of this delivery was deleted, so there is nowhere to send it"));
      return;
    }
    if (webhook->status == WebhookStatus::disabled) {
      answer(
          fail(Errc::conflict, "the webhook of this delivery is disabled; enable it, then retry"));
      return;
    }
    RequeueOp op{.tenant = found.tenant,
                 .delivery = found.id,
                 .attempts_max = webhook->settings.retry.attempts,
                 .webhook_version = webhook->version,
                 .envelope = webhook->settings.envelope,
                 .trigger = Trigger::retry,
                 .now = impl_->parts.clock.wall_now()};
    impl_->write(
        write_op(op, std::move(taken)), home, nullptr,
        [this, &home, answer = std::move(answer)](WriteAction&, Result<OpDone> done) mutable {
          if (!done) {
            answer(tl::unexpected(std::move(done).error()));
            return;
          }
          const Requeued requeued = std::get<Requeued>(*done);
          impl_->on_lane(requeued.run.webhook, &home,
                         [run = requeued.run](LaneSet& set) { set.run_requeued(run); });
          answer(requeued);
        });
  };
  read<Delivery>([tenant, delivery](Reader& reader) { return reader.delivery(tenant, delivery); },
                 home,
                 [requeue, context = std::move(context),
                  reply = std::move(reply)](Result<Delivery> found) mutable {
                   if (found) {
                     requeue(*found, std::move(context), std::move(reply));
                   } else {
                     reply(tl::unexpected(std::move(found).error()));
                   }
                 });
}

void Engine::cancel(TenantId tenant, DeliveryId delivery, WriteContext context, Loop& home,
                    Reply<Unit> reply) {
  const auto end = [this, &home](const Delivery& found, WriteContext taken, Reply<Unit> answer) {
    EndRunOp op{.tenant = found.tenant,
                .delivery = found.id,
                .status = DeliveryStatus::cancelled,
                .kind = ErrorKind::cancelled,
                .error = "Cancelled on request.",
                .now = impl_->parts.clock.wall_now()};
    impl_->write(write_op(std::move(op), std::move(taken)), home, nullptr,
                 [this, &home, webhook = found.webhook, id = found.id, answer = std::move(answer)](
                     WriteAction&, Result<OpDone> done) mutable {
                   if (!done) {
                     answer(tl::unexpected(std::move(done).error()));
                     return;
                   }
                   impl_->on_lane(webhook, &home,
                                  [webhook, id](LaneSet& set) { set.run_ended(webhook, id); });
                   answer(Unit{});
                 });
  };
  read<Delivery>([tenant, delivery](Reader& reader) { return reader.delivery(tenant, delivery); },
                 home,
                 [end, context = std::move(context),
                  reply = std::move(reply)](Result<Delivery> found) mutable {
                   if (found) {
                     end(*found, std::move(context), std::move(reply));
                   } else {
                     reply(tl::unexpected(std::move(found).error()));
                   }
                 });
}

void Engine::retry_due() {
  for (std::size_t i = 0; i < impl_->lanes.size(); ++i) {
    LaneSet& set = *impl_->lanes[i];
    impl_->parts.reactors[i].loop.post([&set] { set.wake_all(); });
  }
}

void Engine::clean_up(Millis budget, Loop& home, Reply<CleanupReport> reply) {
  impl_->parts.reactors.front().loop.post(
      [this, budget, &home, reply = std::move(reply)]() mutable {
        impl_->cleaner.clean_up(
            budget, [&home, reply = std::move(reply)](Result<CleanupReport> result) mutable {
              home.post([reply = std::move(reply), result = std::move(result)]() mutable {
                reply(std::move(result));
              });
            });
      });
}

const RetentionPolicy& Engine::retention() const {
  return impl_->cleaner.policy();
}

std::string Engine::last_cleanup() const {
  return impl_->cleaner.last_report();
}

void Engine::read_raw(ReadKind kind, UniqueFunction<void(Reader*)> job) {
  impl_->reads.submit(kind, std::move(job));
}

EngineStatus Engine::status() const {
  EngineStatus status;
  for (const auto& set : impl_->lanes) status.in_flight += set->in_flight();
  const std::string error = impl_->journal.last_error();
  if (!impl_->is_recovered) {
    status.reason = "starting";
  } else if (impl_->is_draining) {
    status.reason = "shutting down";
  } else if (!error.empty()) {
    status.reason = "the store refuses writes: " + error;
  } else {
    status.is_ready = true;
  }
  return status;
}

}  // namespace fanfare
