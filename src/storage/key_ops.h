// What the journal may ask of a store about the keys that seal secrets, and about what they sealed.
// Nothing here is plaintext: keys come wrapped, and sealed bytes are opened by their caller alone
// (delivery/key_work.h).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "domain/ids.h"

namespace fanfare {

// A tenant's data key, wrapped by the master key (auth/vault.h). Opaque here.
struct TenantKey {
  TenantId tenant;
  std::uint32_t key_id = 0;
  std::string wrapped;
};

// Stores data keys of tenants that are still there: new ones beside the old, or, with `must_exist`,
// stored ones that are wrapped anew. Answers how many were written.
struct PutTenantKeysOp {
  std::vector<TenantKey> keys;
  bool must_exist = false;
};
// Removes one data key of a tenant, unless it is the newest: then Errc::conflict.
struct DropTenantKeyOp {
  TenantId tenant;
  std::uint32_t key_id = 0;
};

enum class SealedKind { headers, secret, answer };
// One sealed value where it stands. `number` is the webhook's version for headers, the secret's own
// number for a secret; an answer is of the tenant alone.
struct SealedRow {
  SealedKind kind = SealedKind::headers;
  WebhookId webhook;
  std::int64_t number = 0;
  const std::string& sealed;
};
// How far a ResealOp has come; the next one goes on from there.
struct ResealPosition {
  WebhookId webhook;  // and its version: the last ones looked at
  std::int64_t version = 0;
  bool is_past_webhooks = false;
  std::string answer;  // the store's own name of the last one looked at
  bool operator==(const ResealPosition&) const = default;
};
// Looks at the sealed values of one tenant, of up to `rows_max` webhook versions and kept answers,
// and replaces those that `reseal` answers other bytes for. Run again from where it came to until
// `has_more` is false; begun anew after a crash, it finds what is done already.
struct ResealOp {
  TenantId tenant;
  ResealPosition after;
  std::size_t rows_max = 0;
  std::function<std::optional<std::string>(const SealedRow&)> reseal;  // none: stays as it is
};
struct Resealed {
  ResealPosition next;
  bool has_more = false;
  bool operator==(const Resealed&) const = default;
};

}  // namespace fanfare
