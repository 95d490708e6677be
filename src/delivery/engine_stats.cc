// The engine's statistics: what commits count as goes into the book, the book's sums go back into
// the store every few seconds, and webhooks that keep failing are disabled.
#include <memory>
#include <mutex>
#include <utility>

#include "auth/audit_change.h"
#include "base/json_text.h"
#include "delivery/engine.h"
#include "delivery/engine_impl.h"

namespace fanfare {

namespace {

using namespace std::chrono_literals;

constexpr Millis kFlushAgain = 500ms;  // after the store refused
// How often a look at all webhooks is worth it when one of them is to be disabled.
constexpr Millis kOutageLookEvery = 1s;
// An outage of our own shows at once in the short window and, for webhooks that are tried seldom,
// in the long one. The long one alone would see it only when the successes from before it are ten
// minutes old, when a busy server has disabled everybody.
constexpr Millis kOutageWindows[] = {1min, 10min};

std::string metadata_of(const DisableDecision& decision) {
  std::string out = "{\"failures\":" + std::to_string(decision.failures);
  if (decision.percent > 0) out += ",\"percent\":" + std::to_string(decision.percent);
  out += ",\"detail\":";
  append_json_string(out, decision.detail);
  return out += '}';
}

}  // namespace

// ---- counting: on the journal's thread ----

void Engine::Impl::start_stats() {
  journal.set_on_tail([this](const RollupTail& tail) { count(tail); });
  // A decision may have been due when the process ended.
  parts.reactors.front().loop.post([this] {
    for (const WebhookStats& failing : stats.failing()) {
      decide(FailedWebhook{failing.webhook, failing.live, failing.live});
    }
    flush_later();
  });
}

void Engine::Impl::count(const RollupTail& tail) {
  const std::vector<FailedWebhook> failed = stats.add(tail, is_own_outage);
  if (failed.empty()) return;
  has_failures = true;
  for (const FailedWebhook& one : failed) decide(one);
}

// ---- webhooks that keep failing ----

void Engine::Impl::check_outage() {
  const Timestamp now = parts.clock.wall_now();
  outage_checked_at_ms = ms_of(now);
  has_failures = false;
  bool is_outage = false;
  for (const Millis window : kOutageWindows) {
    const FailureShare share = stats.failure_share(now, window);
    is_outage = is_outage || fanfare::is_own_outage(share.tried, share.failing);
  }
  is_own_outage = is_outage;
}

void Engine::Impl::decide(const FailedWebhook& failed) {
  const WebhookPtr webhook = directory.webhook(failed.webhook);
  if (!webhook || webhook->is_deleted || webhook->status == WebhookStatus::disabled) return;
  const DisableRules rules{.threshold = webhook->settings.failure_threshold,
                           .counts = parts.failure_counts,
                           .after = parts.disable_after};
  DisableDecision decision = decide_disable(rules, failed.before, failed.after, is_own_outage);
  if (decision.verdict == DisableDecision::Verdict::none) return;
  // The last look for an outage may be seconds old; this one looks at every webhook.
  if (ms_of(parts.clock.wall_now()) - outage_checked_at_ms >= kOutageLookEvery.count())
    check_outage();
  if (is_own_outage) return;
  if (decision.verdict == DisableDecision::Verdict::warn) {
    warn(webhook, decision);
    return;
  }
  parts.reactors[reactor_of(webhook->id)].loop.post(
      [this, webhook, decision = std::move(decision)] {
        engine.disable_failing(webhook, decision);
      });
}

void Engine::Impl::warn(const WebhookPtr& webhook, const DisableDecision& decision) {
  if (parts.on_failing) parts.on_failing({webhook, decision});
  AuditEntry entry{.tenant = webhook->tenant,
                   .action = "webhook.failure_warning",
                   .object = {.type = "webhook", .id = to_string(webhook->id)},
                   .metadata = metadata_of(decision)};
  write_unit(write_op(RecordOp{}, std::move(entry)), parts.reactors.front().loop, nullptr,
             [](const Result<Unit>&) {});
}

// If somebody changes the webhook at the same moment, the newer state is looked at again. What
// fails otherwise is decided again by the next failure.
void Engine::disable_failing(const WebhookPtr& webhook, const DisableDecision& decision) {
  const WebhookPtr current = impl_->directory.webhook(webhook->tenant, webhook->id);
  if (!current || current->status == WebhookStatus::disabled) return;
  const auto known = impl_->stats.webhook(webhook->id);
  if (!known || known->live.attempts.count == 0) return;  // it was enabled anew, or works again
  WebhookChange change{.next = *current, .expected_version = current->version};
  change.next.status = WebhookStatus::disabled;
  change.next.disabled_reason = "failures";
  Loop& home = impl_->parts.reactors[impl_->reactor_of(webhook->id)].loop;
  AuditEntry entry = status_change_entry(*current, change.next);
  entry.metadata = metadata_of(decision);
  put_webhook(std::move(change), std::move(entry), home,
              [this, webhook, decision](Result<WebhookPtr> result) {
                if (result) {
                  if (impl_->parts.on_failing) impl_->parts.on_failing({*result, decision});
                } else if (result.error().code == Errc::version_mismatch) {
                  disable_failing(webhook, decision);
                }
              });
}

bool Engine::is_own_outage() const {
  return impl_->is_own_outage;
}

std::string Engine::write_error() const {
  return impl_->journal.last_error();
}

void Engine::queue_age(std::optional<TenantId> tenant, Loop& home, Reply<QueueAge> reply) {
  struct Asked {
    std::mutex mu;
    std::size_t left = 0;
    QueueAge age;
    Reply<QueueAge> reply;
  };
  auto asked = std::make_shared<Asked>();
  asked->left = impl_->lanes.size();
  asked->reply = std::move(reply);
  for (std::size_t i = 0; i < impl_->lanes.size(); ++i) {
    impl_->parts.reactors[i].loop.post([&set = *impl_->lanes[i], tenant, asked, &home] {
      const QueueAge age = set.queue_age(tenant);
      const std::lock_guard lock(asked->mu);
      asked->age.add(age);
      if (--asked->left > 0) return;
      home.post([asked] { asked->reply(asked->age); });
    });
  }
}

// ---- flushing ----

void Engine::Impl::flush_later() {
  parts.reactors.front().loop.after(limits::kRollupFlushEvery, [this] {
    if (is_draining) return;  // the end has a flush of its own
    if (has_failures || is_own_outage) check_outage();
    flush_stats();
  });
}

void Engine::Impl::flush_stats() {
  is_flushing = false;
  if (is_draining && !on_stats_ended) return;  // attempts are still coming back
  if (auto op = stats.next_flush()) {
    is_flushing = true;
    write_flush(*std::move(op));
  } else if (on_stats_ended && last_rounds > 0) {
    --last_rounds;
    flush_stats();
  } else if (on_stats_ended) {
    std::exchange(on_stats_ended, {})();
  } else {
    trim_tail();
  }
}

void Engine::Impl::end_stats(UniqueFunction<void()> done) {
  on_stats_ended = std::move(done);
  if (!is_flushing) flush_stats();
}

void Engine::Impl::write_flush(WriteAction action) {
  Loop& home = parts.reactors.front().loop;
  write(WriteOp{std::move(action), std::nullopt}, home, nullptr,
        [this, &home](WriteAction& given, Result<OpDone> done) {
          const bool is_refused = !done && (done.error().code == Errc::unavailable ||
                                            done.error().code == Errc::overloaded);
          if (is_refused && on_stats_ended)
            return std::exchange(on_stats_ended, {})();  // the tail has it
          if (is_refused) {
            home.after(kFlushAgain, [this, again = std::move(given)]() mutable {
              write_flush(std::move(again));
            });
            return;
          }
          // Any other error is of a row that cannot be read: its numbers are lost, and only they.
          stats.flushed();
          flush_stats();
        });
}

void Engine::Impl::trim_tail() {
  const std::int64_t up_to = stats.covered();
  if (up_to == trimmed_up_to) {
    flush_later();
    return;
  }
  TrimRollupTailOp op{.up_to = up_to, .rows_max = limits::kRollupTailTrimMax};
  write(WriteOp{op, std::nullopt}, parts.reactors.front().loop, nullptr,
        [this, up_to](WriteAction&, Result<OpDone> done) {
          if (done && std::get<Trimmed>(*done).has_more) {
            trim_tail();
            return;
          }
          if (done) trimmed_up_to = up_to;
          flush_later();
        });
}

}  // namespace fanfare
