// Which versions of a webhook nothing can refer to any more. Versions are few and in no order of
// time across webhooks, so each webhook is looked at by itself, from its oldest version on.
#pragma once

#include "domain/ids.h"
#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

// A webhook as retention sees it: with `is_gone` all its versions are old, and so is its own row.
struct AgedWebhook {
  WebhookId id;
  bool is_gone = false;  // deleted before the cutoff, and no run of it is open
};
// Reads a row of `SELECT id, is_deleted, updated_at FROM webhooks`.
Result<AgedWebhook> read_aged(Connection& db, Statement& row, Timestamp cutoff);

struct OldVersions {
  std::int64_t below = 0;  // every version under this one is old
  std::size_t count = 0;   // how many those are, counted to `count_max`
};
// The newest version made before `cutoff` was in force then and stays, unless the webhook is gone.
Result<OldVersions> old_versions(Connection& db, const AgedWebhook& webhook, Timestamp cutoff,
                                 std::size_t count_max);

// Of all webhooks, counted to one beyond `count_max`.
Result<std::size_t> count_old_versions(Connection& db, Timestamp cutoff, std::size_t count_max);

}  // namespace fanfare::sqlite
