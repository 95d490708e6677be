#include "delivery/broadcaster.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "delivery/engine.h"
#include "delivery/intake.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

// Events and deliveries of one step: a commit of some milliseconds.
constexpr std::size_t kStepRowsMax = 500;
constexpr std::size_t kStepBytesMax = 4 * 1024 * 1024;
// Tenants that one step looks at: those without a webhook for it cost no row and still some time.
constexpr std::size_t kStepTenantsMax = 2'000;
// The store refuses: asking again at once would help nobody.
constexpr Millis kAfterRefusal = 250ms;

PublishRequest request_for(const Broadcast& broadcast, TenantId tenant) {
  PublishRequest request;
  request.tenant = tenant;
  request.event_type = broadcast.type;
  request.data = broadcast.data;
  request.metadata = broadcast.metadata;
  request.max_attempts = broadcast.attempts_max;
  return request;
}

}  // namespace

void Broadcaster::add(std::vector<Broadcast> broadcasts) {
  const bool was_idle = broadcasts_.empty();
  std::move(broadcasts.begin(), broadcasts.end(), std::back_inserter(broadcasts_));
  open_ = broadcasts_.size();
  if (was_idle) begin();
}

void Broadcaster::begin() {
  if (broadcasts_.empty()) return;
  tenants_.clear();
  for (const auto& tenant : directory_.tenants()) {
    // Ids grow with time.
    if (tenant->id.value < broadcasts_.front().id.value) tenants_.push_back(tenant->id);
  }
  std::ranges::sort(tenants_);
  fingerprint_ = publish_fingerprint(request_for(broadcasts_.front(), TenantId{}));
  step();
}

ExpandOp Broadcaster::next_step() const {
  const Broadcast& broadcast = broadcasts_.front();
  ExpandOp op{.broadcast = broadcast.id, .after = broadcast.reached, .reached = broadcast.reached};
  const std::size_t event_bytes = broadcast.data->size() + broadcast.metadata.size();
  std::size_t rows = 0;
  std::size_t bytes = 0;
  auto next = std::ranges::upper_bound(tenants_, broadcast.reached);
  const auto end = static_cast<std::size_t>(tenants_.end() - next) > kStepTenantsMax
                       ? next + static_cast<std::ptrdiff_t>(kStepTenantsMax)
                       : tenants_.end();
  for (; next != end && rows < kStepRowsMax && bytes < kStepBytesMax; ++next) {
    op.reached = *next;
    EventPlan plan = plan_event(directory_, request_for(broadcast, *next));
    if (plan.event.deliveries == 0) continue;
    // As if it had been published to this tenant alone, so that either of the two is once.
    plan.event.event_id = broadcast.event_id.empty() ? to_string(broadcast.id) : broadcast.event_id;
    plan.fingerprint = fingerprint_;
    rows += 1 + static_cast<std::size_t>(plan.event.deliveries);
    bytes += event_bytes;
    op.publish.events.push_back(std::move(plan));
  }
  op.is_last = next == tenants_.end();
  return op;
}

void Broadcaster::step() {
  if (is_stopped_) return;
  journal_.submit(WriteOp{next_step(), std::nullopt},
                  [this](WriteAction& action, Result<OpDone> done) {
                    loop_.post([this, action = std::move(action),
                                done = std::move(done)]() mutable { stepped(action, done); });
                  });
}

void Broadcaster::stepped(WriteAction& action, const Result<OpDone>& done) {
  if (!done) {
    // Planned anew then: a tenant among them may have been deleted.
    loop_.after(kAfterRefusal, [this] { step(); });
    return;
  }
  auto& op = std::get<ExpandOp>(action);
  admit_(std::move(op.publish), std::get<std::vector<Published>>(*done));
  broadcasts_.front().reached = op.reached;
  if (!op.is_last) return step();
  broadcasts_.pop_front();
  open_ = broadcasts_.size();
  begin();
}

}  // namespace fanfare
