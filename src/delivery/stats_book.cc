#include "delivery/stats_book.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {
namespace {

// Everybody whose numbers a webhook's deliveries are.
std::array<RollupKey, 5> owners_of(const RollupBatch::Live& live, const std::string& event_type) {
  return {RollupKey{RollupScope::webhook, live.webhook.value, {}},
          RollupKey{RollupScope::tenant, live.tenant.value, {}},
          RollupKey{RollupScope::system, {}, {}},
          RollupKey{RollupScope::tenant_type, live.tenant.value, event_type},
          RollupKey{RollupScope::system_type, {}, event_type}};
}

void add_piece(std::vector<RollupPiece>& pieces, const RollupBatch::Count& count,
               std::int64_t seq) {
  // Nearly always the minute of the last one.
  const auto same = std::find_if(pieces.rbegin(), pieces.rend(), [&](const RollupPiece& piece) {
    return piece.minute == count.minute;
  });
  RollupPiece& piece = same != pieces.rend() ? *same : pieces.emplace_back();
  piece.minute = count.minute;
  piece.counts.add(count.counts);
  piece.newest_seq = seq;
}

Result<void> read_covered(Reader& reader, const RollupKey& key, Timestamp when,
                          std::int64_t& covered) {
  TRY(covered, reader.rollup_covered(key, when));
  return {};
}

}  // namespace

// ---- what comes in ----

std::vector<FailedWebhook> StatsBook::add(const RollupTail& tail, bool is_excused) {
  std::vector<FailedWebhook> failed;
  const std::lock_guard lock(mu_);
  FANFARE_ASSERT(tail.seq > seq_);
  seq_ = tail.seq;
  const auto lives = tail.batch.lives();
  for (const RollupBatch::Live& live : lives) add_live(live, tail.seq, is_excused, failed);
  for (const RollupBatch::Count& count : tail.batch.counts()) {
    const RollupBatch::Live& live = lives[count.live];
    webhooks_.at(live.webhook).stats.totals.add(count.counts);
    for (RollupKey& key : owners_of(live, count.event_type))
      add_counts(std::move(key), count, tail.seq);
  }
  return failed;
}

void StatsBook::add_live(const RollupBatch::Live& live, std::int64_t seq, bool is_excused,
                         std::vector<FailedWebhook>& failed) {
  Entry& entry = webhooks_[live.webhook];
  WebhookStats& stats = entry.stats;
  stats.webhook = live.webhook;
  stats.tenant = live.tenant;
  stats.covered = seq;
  if (!std::exchange(entry.is_dirty, true)) dirty_.push_back(live.webhook);
  if (live.change.attempts.count == 0) {
    stats.live.then(live.change);
    return;
  }
  FailedWebhook& one = failed.emplace_back();
  one.webhook = live.webhook;
  one.before = stats.live;
  if (is_excused) {
    LiveState change = live.change;
    change.attempts.excuse(stats.live.attempts);
    change.deliveries.excuse(stats.live.deliveries);
    stats.live.then(change);
  } else {
    stats.live.then(live.change);
  }
  one.after = stats.live;
}

// A tenant may publish under any names if the catalogue is open: past a bound they share one row.
StatsBook::Unit& StatsBook::unit_of(RollupKey& key) {
  const auto found = units_.find(key);
  if (found != units_.end()) return found->second;
  if (!key.event_type.empty()) {
    auto& known = types_[key.owner];
    if (known.size() >= limits::kRollupTypesMax && !known.contains(key.event_type)) {
      key.event_type = kOtherTypes;
    } else {
      known.insert(key.event_type);
    }
  }
  return units_[key];
}

void StatsBook::add_counts(RollupKey key, const RollupBatch::Count& count, std::int64_t seq) {
  add_piece(unit_of(key).fresh, count, seq);
}

// ---- recovery ----

void StatsBook::forget(const Purge& purge) {
  const std::lock_guard lock(mu_);
  const auto is_its = [&](WebhookId id) {
    const auto entry = webhooks_.find(id);
    if (entry == webhooks_.end()) return false;
    return purge.webhook.is_nil() ? entry->second.stats.tenant == purge.tenant
                                  : id == purge.webhook;
  };
  std::erase_if(dirty_, is_its);
  std::erase_if(round_webhooks_, is_its);
  std::erase_if(webhooks_, [&](const auto& entry) { return is_its(entry.first); });
  if (purge.webhook.is_nil()) types_.erase(purge.tenant.value);
}

Result<void> StatsBook::recover(Reader& reader, const IsKnown& is_known) {
  TRY(RollupsAtStart start, reader.load_rollups());
  for (WebhookStats& stats : start.webhooks) {
    const WebhookId id = stats.webhook;
    seq_ = std::max(seq_, stats.covered);
    webhooks_[id].stats = std::move(stats);
  }
  Covers covers;
  for (const TailRow& row : start.tail) TRY_VOID(replay(reader, is_known, covers, row));
  return {};
}

// A row is in an owner's sums as a whole or not at all, and every flush of an owner touches the day
// of what it brought: so that day's row tells.
Result<void> StatsBook::replay(Reader& reader, const IsKnown& is_known, Covers& covers,
                               const TailRow& row) {
  TRY(const RollupBatch batch, RollupBatch::decode(row.bytes));
  seq_ = std::max(seq_, row.seq);
  std::vector<FailedWebhook> ignored;
  std::vector<bool> is_new;
  for (const RollupBatch::Live& live : batch.lives()) {
    const auto entry = webhooks_.find(live.webhook);
    const bool is_there = entry != webhooks_.end();
    const std::int64_t covered = is_there ? entry->second.stats.covered : 0;
    is_new.push_back((is_there || is_known(live.webhook)) && row.seq > covered);
    if (is_new.back()) add_live(live, row.seq, /*is_excused=*/false, ignored);
  }
  for (const RollupBatch::Count& count : batch.counts()) {
    const RollupBatch::Live& live = batch.lives()[count.live];
    if (is_new[count.live]) webhooks_.at(live.webhook).stats.totals.add(count.counts);
    for (RollupKey& key : owners_of(live, count.event_type)) {
      Unit& unit = unit_of(key);
      const auto [day, is_new_day] =
          covers.try_emplace({key, floor_to(count.minute, Resolution::day)});
      if (is_new_day) TRY_VOID(read_covered(reader, key, count.minute, day->second));
      if (row.seq > day->second) add_piece(unit.fresh, count, row.seq);
    }
  }
  return {};
}

// ---- reading ----

std::optional<WebhookStats> StatsBook::webhook(WebhookId id) const {
  const std::lock_guard lock(mu_);
  const auto found = webhooks_.find(id);
  if (found == webhooks_.end()) return std::nullopt;
  return found->second.stats;
}

std::vector<WebhookStats> StatsBook::failing() const {
  const std::lock_guard lock(mu_);
  std::vector<WebhookStats> failing;
  for (const auto& [id, entry] : webhooks_) {
    if (entry.stats.live.attempts.count > 0) failing.push_back(entry.stats);
  }
  return failing;
}

std::vector<RollupPiece> StatsBook::unflushed(const RollupKey& key) const {
  const std::lock_guard lock(mu_);
  const auto found = units_.find(key);
  if (found == units_.end()) return {};
  std::vector<RollupPiece> pieces = found->second.flushing;
  pieces.insert(pieces.end(), found->second.fresh.begin(), found->second.fresh.end());
  for (RollupPiece& piece : pieces) piece.event_type = key.event_type;
  return pieces;
}

std::vector<RollupPiece> StatsBook::unflushed_types(const RollupKey& key) const {
  std::vector<std::string> types;
  {
    const std::lock_guard lock(mu_);
    const auto known = types_.find(key.owner);
    if (known != types_.end()) types.assign(known->second.begin(), known->second.end());
  }
  types.emplace_back(kOtherTypes);
  std::vector<RollupPiece> all;
  for (std::string& type : types) {
    auto pieces = unflushed(RollupKey{key.scope, key.owner, std::move(type)});
    all.insert(all.end(), std::make_move_iterator(pieces.begin()),
               std::make_move_iterator(pieces.end()));
  }
  return all;
}

std::int64_t StatsBook::open_runs(std::optional<TenantId> tenant) const {
  const std::lock_guard lock(mu_);
  std::int64_t open = 0;
  for (const auto& [id, entry] : webhooks_) {
    if (!tenant || entry.stats.tenant == *tenant)
      open += std::max<std::int64_t>(0, entry.stats.live.open);
  }
  return open;
}

FailureShare StatsBook::failure_share(Timestamp now, Millis window) const {
  const std::lock_guard lock(mu_);
  FailureShare share;
  for (const auto& [id, entry] : webhooks_) {
    const LiveState& live = entry.stats.live;
    if (live.last.at <= now - window) continue;
    ++share.tried;
    if (live.last_success_at <= now - window) ++share.failing;
  }
  return share;
}

// ---- flushing ----

void StatsBook::begin_round() {
  is_in_round_ = true;
  round_seq_ = seq_;
  round_keys_.clear();
  for (const auto& [key, unit] : units_) round_keys_.push_back(key);
  // From the back, so in falling order: an operation writes neighbouring rows.
  std::sort(round_keys_.begin(), round_keys_.end(), std::greater<>());
  round_webhooks_ = std::exchange(dirty_, {});
  for (const WebhookId& id : round_webhooks_) webhooks_.at(id).is_dirty = false;
  std::sort(round_webhooks_.begin(), round_webhooks_.end(), std::greater<>());
}

std::optional<FlushRollupsOp> StatsBook::next_flush() {
  const std::lock_guard lock(mu_);
  FANFARE_ASSERT(in_operation_.empty());
  if (!is_in_round_) begin_round();
  if (round_keys_.empty() && round_webhooks_.empty()) {
    is_in_round_ = false;
    covered_ = round_seq_;
    return std::nullopt;
  }
  FlushRollupsOp op;
  op.covered = seq_;
  while (!round_keys_.empty() && op.units.size() < limits::kRollupFlushKeysMax) {
    const RollupKey key = std::move(round_keys_.back());
    round_keys_.pop_back();
    Unit& unit = units_.at(key);
    unit.flushing = std::exchange(unit.fresh, {});
    RollupUnit& out = op.units.emplace_back();
    out.key = key;
    for (const RollupPiece& piece : unit.flushing)
      out.minutes.push_back({piece.minute, piece.counts});
    in_operation_.push_back(key);
  }
  while (!round_webhooks_.empty() && op.webhooks.size() < limits::kRollupFlushKeysMax) {
    op.webhooks.push_back(webhooks_.at(round_webhooks_.back()).stats);
    round_webhooks_.pop_back();
    op.webhooks.back().covered = op.covered;
  }
  return op;
}

void StatsBook::flushed() {
  const std::lock_guard lock(mu_);
  for (const RollupKey& key : std::exchange(in_operation_, {})) {
    const auto unit = units_.find(key);
    unit->second.flushing.clear();
    if (unit->second.fresh.empty()) units_.erase(unit);
  }
}

std::int64_t StatsBook::covered() const {
  const std::lock_guard lock(mu_);
  return covered_;
}

}  // namespace fanfare
