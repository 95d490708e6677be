// The operations (write_ops.h) that change and end a tenant, and that take away what an end
// leaves behind.
#pragma once

#include <compare>
#include <cstddef>

#include "domain/tenant.h"

namespace fanfare {

// Compare and set: Errc::version_mismatch unless the tenant is stored as `before`, Errc::not_found
// if it is gone, Errc::conflict if the next external_id is another's.
struct UpdateTenantOp {
  Tenant before;
  Tenant next;
};
// The end of a tenant. Its row and its data key go at once: its external_id is free, and nothing
// that was sealed for it opens any more. Everything else of it goes by PurgeOps; until the last of
// them, whatever would store something new for it is refused as Errc::not_found. Errc::not_found if
// there is no such tenant.
struct DeleteTenantOp {
  TenantId tenant;
  Timestamp now;
};

// What is to be taken away for good: all that is stored of a deleted tenant, or of one webhook.
struct Purge {
  TenantId tenant;
  WebhookId webhook{};  // nil = all of the tenant

  auto operator<=>(const Purge&) const = default;
};
// Takes away up to about `rows_max` rows of a purge that a DeleteTenantOp or a PutWebhookOp began,
// which is remembered until the last of them. Run again until `has_more` is false; a crash in
// between loses nothing. Rows that came after the beginning are found too, unless they come after
// the first of these operations.
struct PurgeOp {
  Purge purge;
  std::size_t rows_max = 0;
  Timestamp now{};  // when open runs that go count as cancelled
};
struct Purged {
  std::size_t rows = 0;
  bool has_more = false;  // with 0 rows: an index has to catch up first
  bool operator==(const Purged&) const = default;
};

}  // namespace fanfare
