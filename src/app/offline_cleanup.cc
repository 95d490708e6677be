#include "app/offline_cleanup.h"

#include <algorithm>

#include "app/database.h"
#include "app/retention_options.h"
#include "delivery/cleaner.h"
#include "storage/sqlite/migrator.h"

namespace fanfare {

namespace {

Result<std::unique_ptr<Store>> open_as_it_is(const Config& config, const Clock& clock) {
  if (config.database.kind != DatabaseKind::sqlite) {
    return fail(Errc::invalid, "a database in memory is its server's alone; nothing to clean up");
  }
  TRY(const auto migrations, sqlite::migration_status(config.database.path));
  const bool is_current = std::all_of(migrations.begin(), migrations.end(),
                                      [](const auto& one) { return one.applied_at.has_value(); });
  if (!is_current) {
    return fail(Errc::invalid, "the database " + config.database.path +
                                   " is not there or not at the schema of this version; name "
                                   "another, or run `fanfare migrate up` first");
  }
  return open_database(config.database, clock);
}

// The policy, if it lets every webhook end its retries: as the server asks at its start.
Result<RetentionPolicy> policy_for(const Config& config, Store& store) {
  TRY(const RetentionPolicy policy, retention_of(config));
  TRY(const auto reader, store.open_reader());
  TRY(const ConfigSnapshot stored, reader->load_config());
  for (const StoredWebhook& row : stored.webhooks) TRY_VOID(check_retries(row.webhook, policy));
  return policy;
}

Result<OpDone> commit_one(Store& store, WriteAction action) {
  WriteOp op{.action = std::move(action)};
  TRY(auto results, store.writer().commit(std::span(&op, 1)));
  return std::move(results.front());
}

}  // namespace

Result<CleanupReport> clean_up_offline(const Config& config, const Clock& clock,
                                       const std::function<void(const CleanupReport&)>& on_step) {
  TRY(const auto store, open_as_it_is(config, clock));
  TRY(const RetentionPolicy policy, policy_for(config, *store));
  const SteadyTime started = clock.steady_now();
  CleanupReport report{.at = clock.wall_now(), .duration = {}, .removed = {}, .has_more = true};
  ExpireOp op;
  op.cutoffs = cutoffs_at(policy, report.at);
  while (report.has_more) {
    op.now = clock.wall_now();
    TRY(const OpDone done, commit_one(*store, op));
    const auto& expired = std::get<Expired>(done);
    report.removed += expired.removed;
    report.has_more = expired.has_more;
    op.versions_after = expired.versions_after;
    on_step(report);
    TRY_VOID(store->writer().maintain(op.now, /*is_idle=*/false));
  }
  report.duration = std::chrono::duration_cast<Millis>(clock.steady_now() - started);
  TRY_VOID(commit_one(*store, SetSettingOp{kLastCleanupSetting, encode(report)}));
  for (bool has_more = true; has_more;) {
    TRY(has_more, store->writer().maintain(clock.wall_now(), /*is_idle=*/true));
  }
  return report;
}

Result<RetentionCounts> count_expired_offline(const Config& config, const Clock& clock) {
  TRY(const auto store, open_as_it_is(config, clock));
  TRY(const RetentionPolicy policy, policy_for(config, *store));
  TRY(const auto reader, store->open_reader());
  RetentionCutoffs cutoffs = cutoffs_at(policy, clock.wall_now());
  cutoffs.audit = {};
  return reader->count_expired(cutoffs, kExpireCountMax);
}

}  // namespace fanfare
