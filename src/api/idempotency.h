// Idempotency-Key: the same request sent twice happens once. A key that is running answers 409; one
// that is kept replays its answer; otherwise the operation commits the key together with its own
// change.
#pragma once

#include "api/exchange.h"

namespace fanfare {

// What the header and the request say. None without the header, 422 if the key is not 1–255
// printable characters.
Checked<std::optional<IdempotencyTag>> idempotency_of(const net::HttpRequest& request,
                                                      const Route& route,
                                                      const Principal& principal);

// Runs the exchange's handler now, unless its key was seen: then it answers what was kept.
void run_idempotent(ApiContext& context, const ExchangePtr& exchange);

// The answer of an operation that shows a secret, sealed for keeping. If it cannot be sealed (an
// admin's own key belongs to no tenant), `without_secret` is kept: a replay then shows everything
// but the secret.
struct SecretAnswer {
  std::optional<TenantId> tenant;
  int status = 200;
  std::string body;
  std::string without_secret;
  HeaderList headers{};
};
StoredAnswer sealed_answer(Vault& vault, const SecretAnswer& answer);
// What sealed_answer() kept, as it was answered.
Result<std::string> opened_answer(const Vault& vault, const StoredAnswer& answer);

// The answer of any other operation, for keeping.
StoredAnswer plain_answer(Answer answer);

// For operations that keep no claim of their own: stores the answer under the key and what was
// noted for the audit log, then sends it.
void answer_and_keep(ApiContext& context, const ExchangePtr& exchange, Answer answer);

}  // namespace fanfare
