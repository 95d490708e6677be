#include "delivery/purger.h"

#include <algorithm>

#include "base/limits.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

// A publish that was planned before the delete may be committed after it; by now none is left.
constexpr Millis kBeforeFirstStep = 1s;
// Between two steps, so that a large purge takes a share of the commits and not all of them.
constexpr Millis kBetweenSteps = 10ms;
// The index has to catch up, or the store refuses: asking again at once would help nobody.
constexpr Millis kBeforeNextLook = 250ms;

}  // namespace

void Purger::add(const std::vector<Purge>& purges) {
  const bool was_idle = purges_.empty();
  const SteadyTime ready_at = loop_.clock().steady_now() + kBeforeFirstStep;
  for (const Purge& purge : purges) purges_.push_back({purge, ready_at});
  if (was_idle) begin();
}

void Purger::begin() {
  if (purges_.empty()) return;
  const auto wait =
      std::chrono::ceil<Millis>(purges_.front().ready_at - loop_.clock().steady_now());
  step_after(std::max(kBetweenSteps, wait));
}

void Purger::step_after(Millis wait) {
  loop_.after(wait, [this] { step(); });
}

void Purger::step() {
  if (is_stopped_) return;
  PurgeOp op{.purge = purges_.front().purge,
             .rows_max = limits::kSettleChunkRows,
             .now = loop_.clock().wall_now()};
  journal_.submit(WriteOp{op, std::nullopt}, [this](WriteAction&, Result<OpDone> done) {
    loop_.post([this, done = std::move(done)] { stepped(done); });
  });
}

void Purger::stepped(const Result<OpDone>& done) {
  if (!done) return step_after(kBeforeNextLook);
  const Purged purged = std::get<Purged>(*done);
  if (purged.has_more) return step_after(purged.rows == 0 ? kBeforeNextLook : kBetweenSteps);
  on_done_(purges_.front().purge);
  purges_.pop_front();
  begin();
}

}  // namespace fanfare
