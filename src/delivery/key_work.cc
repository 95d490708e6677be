#include "delivery/key_work.h"

#include <algorithm>
#include <mutex>

#include "base/assert.h"

namespace fanfare {
namespace {

constexpr std::size_t kKeysPerStep = 100;
constexpr std::size_t kRowsPerStep = 100;
constexpr Millis kPauseAfterError{1000};
constexpr const char* kKeyCheck = "key_check";

std::vector<TenantKey> as_stored(const std::vector<WrappedKey>& keys) {
  std::vector<TenantKey> stored;
  for (const WrappedKey& key : keys) stored.push_back({key.tenant, key.key_id, key.bytes});
  return stored;
}

SealPlace place_of(TenantId tenant, const SealedRow& row) {
  switch (row.kind) {
    case SealedKind::headers:
      return {tenant, to_string(row.webhook), "headers", row.number};
    case SealedKind::secret:
      return {tenant, to_string(row.webhook), "signing_secret", row.number};
    case SealedKind::answer:
      return answer_place(tenant);
  }
  FANFARE_ASSERT(false);
  return {};
}

}  // namespace

void KeyWork::write(WriteAction action, UniqueFunction<void()> committed,
                    UniqueFunction<void(Result<OpDone>)> done) {
  doors_.journal.submit(WriteOp{std::move(action), std::nullopt},
                        [&loop = doors_.loop, committed = std::move(committed),
                         done = std::move(done)](WriteAction&, Result<OpDone> result) mutable {
                          if (result && committed) committed();
                          loop.post([done = std::move(done), result = std::move(result)]() mutable {
                            done(std::move(result));
                          });
                        });
}

void KeyWork::pause(UniqueFunction<void()> then) {
  doors_.loop.after(kPauseAfterError, std::move(then));
}

void KeyWork::resume() {
  rewrap();
  doors_.loop.post([this] {
    for (const TenantId tenant : doors_.vault.tenants_with_older_keys()) begin_reseal(tenant);
  });
}

// ---- master keys ----

void KeyWork::rewrap() {
  doors_.loop.post([this] {
    if (!std::exchange(is_rewrapping_, true)) rewrap_next();
  });
}

void KeyWork::rewrap_next() {
  auto keys = std::make_shared<std::vector<WrappedKey>>(doors_.vault.rewrapped(kKeysPerStep));
  if (keys->empty()) return check_next();
  write(
      PutTenantKeysOp{as_stored(*keys), /*must_exist=*/true},
      [this, keys] { doors_.vault.note_rewrapped(*keys); },
      [this](Result<OpDone> done) {
        if (done) return rewrap_next();
        pause([this] { rewrap_next(); });
      });
}

// Last, so that the old key counts as used until every data key is done.
void KeyWork::check_next() {
  if (!doors_.vault.is_key_check_old()) {
    is_rewrapping_ = false;
    return;
  }
  auto check = std::make_shared<std::string>(doors_.vault.make_key_check());
  write(
      SetSettingOp{kKeyCheck, *check},
      [this, check] { (void)doors_.vault.verify_key_check(*check); },
      [this](Result<OpDone> done) {
        if (done) return rewrap_next();
        pause([this] { rewrap_next(); });
      });
}

// ---- data keys ----

struct KeyWork::Rotation {
  std::vector<TenantId> tenants;
  std::size_t reached = 0;
  std::vector<WrappedKey> under_way;
  UniqueFunction<void(Result<void>)> done;
};

void KeyWork::rotate(std::vector<TenantId> tenants, UniqueFunction<void(Result<void>)> done) {
  auto rotation = std::make_shared<Rotation>();
  rotation->tenants = std::move(tenants);
  rotation->done = std::move(done);
  doors_.loop.post([this, rotation] { store_next_keys(rotation); });
}

void KeyWork::store_next_keys(const std::shared_ptr<Rotation>& rotation) {
  rotation->under_way.clear();
  while (rotation->reached < rotation->tenants.size() &&
         rotation->under_way.size() < kKeysPerStep) {
    const TenantId tenant = rotation->tenants[rotation->reached++];
    const std::uint32_t key_id = ++doors_.last_key_id;
    std::string wrapped = doors_.vault.add_spare_key(tenant, key_id);
    // Empty: the tenant was deleted meanwhile.
    if (!wrapped.empty()) rotation->under_way.push_back({tenant, key_id, std::move(wrapped)});
  }
  if (rotation->under_way.empty()) return rotation->done({});
  write(
      PutTenantKeysOp{as_stored(rotation->under_way), /*must_exist=*/false},
      [this, rotation] {
        const std::unique_lock alone(sealing);
        for (const WrappedKey& key : rotation->under_way)
          doors_.vault.use_tenant_key(key.tenant, key.key_id);
      },
      [this, rotation](Result<OpDone> done) { keys_stored(rotation, std::move(done)); });
}

void KeyWork::keys_stored(const std::shared_ptr<Rotation>& rotation, Result<OpDone> done) {
  if (!done) {
    for (const WrappedKey& key : rotation->under_way)
      doors_.vault.drop_spare_key(key.tenant, key.key_id);
    return rotation->done(tl::unexpected(std::move(done).error()));
  }
  for (const WrappedKey& key : rotation->under_way) begin_reseal(key.tenant);
  store_next_keys(rotation);
}

void KeyWork::begin_reseal(TenantId tenant) {
  // One that waits will see the newest key; the one under way is done once more.
  const auto from = to_reseal_.empty() ? to_reseal_.begin() : to_reseal_.begin() + 1;
  if (std::find(from, to_reseal_.end(), tenant) != to_reseal_.end()) return;
  to_reseal_.push_back(tenant);
  if (to_reseal_.size() > 1) return;
  reached_ = {};
  unreadable_ = 0;
  reseal_next();
}

void KeyWork::reseal_next() {
  const TenantId tenant = to_reseal_.front();
  write(ResealOp{.tenant = tenant,
                 .after = reached_,
                 .rows_max = kRowsPerStep,
                 .reseal = [this,
                            tenant](const SealedRow& row) { return resealed_row(tenant, row); }},
        nullptr, [this](Result<OpDone> done) { resealed(std::move(done)); });
}

// On the journal's thread, inside the transaction.
std::optional<std::string> KeyWork::resealed_row(TenantId tenant, const SealedRow& row) {
  const bool is_answer = row.kind == SealedKind::answer;
  const std::string front = is_answer ? row.sealed.substr(0, kAnswerTenantBytes) : "";
  const std::string sealed = is_answer ? row.sealed.substr(front.size()) : row.sealed;
  if (!doors_.vault.is_older(tenant, sealed)) return std::nullopt;
  const SealPlace place = place_of(tenant, row);
  const Result<Secret> text = doors_.vault.open(place, sealed);
  const Result<std::string> anew =
      text ? doors_.vault.seal(place, *text) : tl::unexpected<Error>(text.error());
  if (anew) return front + *anew;
  ++unreadable_;
  return std::nullopt;
}

void KeyWork::resealed(Result<OpDone> done) {
  if (!done) return pause([this] { reseal_next(); });
  const auto& step = std::get<Resealed>(*done);
  reached_ = step.next;
  if (step.has_more) return reseal_next();
  if (unreadable_ > 0) return next_tenant();
  drop_older(to_reseal_.front());
}

void KeyWork::drop_older(TenantId tenant) {
  const auto older = doors_.vault.older_keys(tenant);
  // Rotated again while it was under way: its turn comes once more, and only then is it done.
  const bool comes_again =
      std::find(to_reseal_.begin() + 1, to_reseal_.end(), tenant) != to_reseal_.end();
  if (older.empty() || comes_again) return next_tenant();
  const std::uint32_t key_id = older.front();
  write(
      DropTenantKeyOp{tenant, key_id},
      [this, tenant, key_id] { doors_.vault.retire_key(tenant, key_id); },
      [this, tenant, key_id](Result<OpDone> done) {
        if (done) return drop_older(tenant);
        if (done.error().code != Errc::conflict)
          return pause([this, tenant] { drop_older(tenant); });
        // It is not stored: the tenant was deleted.
        doors_.vault.retire_key(tenant, key_id);
        drop_older(tenant);
      });
}

void KeyWork::next_tenant() {
  to_reseal_.pop_front();
  if (to_reseal_.empty()) return;
  reached_ = {};
  unreadable_ = 0;
  reseal_next();
}

}  // namespace fanfare
