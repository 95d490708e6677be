#include "delivery/cleaner.h"

#include <algorithm>
#include <utility>

namespace fanfare {

namespace {

using namespace std::chrono_literals;

constexpr Millis kFirstAfter = 60s;  // a server that is restarted often cleans up too
constexpr int kPauseFactor = 2;      // of what a step took: at most a third of the journal's time
constexpr Millis kPauseMin = 5ms;
constexpr Millis kPauseMax = 1s;

}  // namespace

struct Cleaner::Pass {
  SteadyTime started;
  SteadyTime deadline;
  ExpireOp op;
  bool is_held_up = false;       // and whoever reads the log was told
  bool is_history_done = false;  // then old entries of the audit log go
  CleanupReport report;

  WriteAction next_action() const {
    if (!is_history_done) return op;
    return ExpireAuditOp{.before = op.cutoffs.audit, .rows_max = kExpireStepRows};
  }
  // True if more is left.
  bool take(const OpDone& answer) {
    if (const auto* audit = std::get_if<AuditExpired>(&answer)) {
      report.removed.audit_entries += audit->rows;
      return audit->has_more;
    }
    const auto& expired = std::get<Expired>(answer);
    report.removed += expired.removed;
    op.versions_after = expired.versions_after;
    is_history_done = !expired.has_more;
    return true;
  }
  Done done;
};

void Cleaner::schedule(Millis interval) {
  doors_.loop.after(std::min(interval, kFirstAfter), [this, interval] { run_scheduled(interval); });
}

void Cleaner::run_scheduled(Millis interval) {
  begin(Millis::max(), [this, interval](const Result<CleanupReport>&) {
    doors_.loop.after(interval, [this, interval] { run_scheduled(interval); });
  });
}

void Cleaner::clean_up(Millis budget, Done done) {
  if (std::exchange(is_asked_one_under_way_, true)) {
    done(fail(Errc::conflict, "a cleanup is under way already; ask again when it is over"));
    return;
  }
  begin(budget, [this, done = std::move(done)](Result<CleanupReport> result) mutable {
    is_asked_one_under_way_ = false;
    done(std::move(result));
  });
}

void Cleaner::begin(Millis budget, Done done) {
  const Clock& clock = doors_.loop.clock();
  auto pass = std::make_shared<Pass>();
  pass->started = clock.steady_now();
  pass->deadline = budget == Millis::max() ? SteadyTime::max() : pass->started + budget;
  pass->report.at = clock.wall_now();
  pass->op.cutoffs = cutoffs_at(policy_, pass->report.at);
  pass->done = std::move(done);
  step(std::move(pass));
}

void Cleaner::step(std::shared_ptr<Pass> pass) {
  if (is_stopped_) return end_early(pass, fail(Errc::unavailable, "the server is shutting down"));
  const SteadyTime asked_at = doors_.loop.clock().steady_now();
  pass->op.now = doors_.loop.clock().wall_now();
  WriteOp op{.action = pass->next_action()};
  doors_.journal.submit(std::move(op), [this, pass = std::move(pass), asked_at](
                                           WriteAction&, Result<OpDone> done) mutable {
    if (const auto* expired = done ? std::get_if<Expired>(&*done) : nullptr) {
      for (const QueuedRun& run : expired->ended) doors_.on_ended(run);
    }
    doors_.loop.post([this, pass = std::move(pass), asked_at, done = std::move(done)] {
      stepped(pass, asked_at, done);
    });
  });
}

void Cleaner::stepped(const std::shared_ptr<Pass>& pass, SteadyTime asked_at,
                      const Result<OpDone>& done) {
  if (!done) return refused(pass, done.error());
  pass->report.has_more = pass->take(*done);
  const SteadyTime now = doors_.loop.clock().steady_now();
  if (!pass->report.has_more || now >= pass->deadline) {
    finish(pass);
    return;
  }
  const auto took = std::chrono::duration_cast<Millis>(now - asked_at);
  doors_.loop.after(std::clamp(kPauseFactor * took, kPauseMin, kPauseMax),
                    [this, pass] { step(pass); });
}

// A full journal and a store that is away pass: the old rows are still there to be removed.
void Cleaner::refused(const std::shared_ptr<Pass>& pass, const Error& error) {
  const bool passes = error.code == Errc::overloaded || error.code == Errc::unavailable;
  if (!passes || is_stopped_ || doors_.loop.clock().steady_now() >= pass->deadline)
    return end_early(pass, tl::unexpected<Error>(error));
  const bool is_first = !std::exchange(pass->is_held_up, true);
  if (is_first && doors_.on_over) doors_.on_over(tl::unexpected<Error>(error));
  doors_.loop.after(kPauseMax, [this, pass] { step(pass); });
}

// What has gone has gone, whatever came in between.
void Cleaner::end_early(const std::shared_ptr<Pass>& pass, const tl::unexpected<Error>& error) {
  if (pass->report.removed.total() == 0) return finish_with(pass, error);
  pass->report.has_more = true;
  pass->report.duration =
      std::chrono::duration_cast<Millis>(doors_.loop.clock().steady_now() - pass->started);
  finish_with(pass, pass->report);
}

// The report is kept for whoever asks for the server's health, also after a restart.
void Cleaner::finish(const std::shared_ptr<Pass>& pass) {
  const SteadyTime now = doors_.loop.clock().steady_now();
  pass->report.duration = std::chrono::duration_cast<Millis>(now - pass->started);
  const std::string json = encode(pass->report);
  WriteOp op{.action = SetSettingOp{kLastCleanupSetting, json}};
  doors_.journal.submit(std::move(op), [this, pass, json](WriteAction&, Result<OpDone> done) {
    doors_.loop.post([this, pass, json, done = std::move(done)] {
      if (!done) return end_early(pass, tl::unexpected<Error>(done.error()));
      set_last_report(json);
      finish_with(pass, pass->report);
    });
  });
}

void Cleaner::finish_with(const std::shared_ptr<Pass>& pass, const Result<CleanupReport>& result) {
  if (doors_.on_over) doors_.on_over(result);
  pass->done(result);
}

std::string Cleaner::last_report() const {
  const std::lock_guard lock(mu_);
  return last_report_;
}

void Cleaner::set_last_report(std::string json) {
  const std::lock_guard lock(mu_);
  last_report_ = std::move(json);
}

}  // namespace fanfare
