#include "storage/sqlite/old_versions.h"

#include <algorithm>
#include <limits>

#include "storage/sqlite/rows.h"

namespace fanfare::sqlite {
namespace {

Result<bool> has_open_run(Connection& db, WebhookId id) {
  TRY(auto row, db.prepare("SELECT 1 FROM queue WHERE webhook = ? LIMIT 1"));
  row.bind(id);
  return row.next();
}

}  // namespace

Result<AgedWebhook> read_aged(Connection& db, Statement& row, Timestamp cutoff) {
  AgedWebhook webhook;
  bool is_deleted = false;
  Timestamp updated_at;
  TRY_VOID(row.read(webhook.id, is_deleted, updated_at));
  if (is_deleted && updated_at < cutoff) {
    TRY(const bool is_open, has_open_run(db, webhook.id));
    webhook.is_gone = !is_open;
  }
  return webhook;
}

Result<OldVersions> old_versions(Connection& db, const AgedWebhook& webhook, Timestamp cutoff,
                                 std::size_t count_max) {
  TRY(auto row, db.prepare("SELECT version, updated_at FROM webhook_versions WHERE id = ?"
                           " ORDER BY version LIMIT ?"));
  row.bind(webhook.id, count_max + 1);
  OldVersions old;
  std::size_t seen = 0;
  while (true) {
    TRY(const bool found, row.next());
    if (!found) break;
    std::int64_t version = 0;
    Timestamp updated_at;
    TRY_VOID(row.read(version, updated_at));
    if (!webhook.is_gone && updated_at >= cutoff) break;
    old.below = version;
    ++seen;
  }
  if (webhook.is_gone && seen <= count_max) {
    return OldVersions{.below = std::numeric_limits<std::int64_t>::max(), .count = seen};
  }
  old.count = seen == 0 ? 0 : seen - 1;
  return old;
}

Result<std::size_t> count_old_versions(Connection& db, Timestamp cutoff, std::size_t count_max) {
  TRY(auto row, db.prepare("SELECT id, is_deleted, updated_at FROM webhooks ORDER BY id"));
  std::size_t count = 0;
  while (count <= count_max) {
    TRY(const bool found, row.next());
    if (!found) break;
    TRY(const AgedWebhook webhook, read_aged(db, row, cutoff));
    TRY(const OldVersions old, old_versions(db, webhook, cutoff, count_max + 1 - count));
    count += old.count;
  }
  return std::min(count, count_max + 1);
}

}  // namespace fanfare::sqlite
