#include "api/idempotency.h"

#include <algorithm>

#include "base/limits.h"
#include "signing/digest.h"

namespace fanfare {
namespace {

constexpr std::size_t kKeyBytesMax = 255;

std::string fingerprint_of(const net::HttpRequest& request) {
  // Lengths first, so that no two different requests run into the same bytes.
  std::string bytes = request.method + ' ' + std::to_string(request.path.size()) + ' ' +
                      std::to_string(request.query.size()) + ' ';
  bytes += request.path;
  bytes += request.query;
  bytes += request.body;
  return sha256_bytes(bytes);
}

void replay(ApiContext& context, const ExchangePtr& exchange, const KeptAnswer& kept) {
  if (kept.fingerprint != exchange->idempotency->fingerprint) {
    return exchange->fail(
        Problem(ProblemKind::idempotency_key_reused,
                "This Idempotency-Key was used for another request. Use a new key for each "
                "operation, and the same one only to send the same request again."));
  }
  Answer answer{kept.answer.status, kept.answer.body, kept.answer.headers};
  if (kept.answer.is_sealed) {
    auto body = opened_answer(context.engine.vault(), kept.answer);
    if (!body && body.error().code == Errc::not_found) {
      return exchange->fail(Problem(
          ProblemKind::conflict,
          "The first request with this Idempotency-Key was for a tenant that has been deleted "
          "since. Nothing was done now; use a new key."));
    }
    if (!body) return exchange->fail(body.error());
    answer.body = *std::move(body);
  }
  answer.headers.emplace_back("Idempotency-Replayed", "true");
  exchange->answer(std::move(answer));
}

}  // namespace

Checked<std::optional<IdempotencyTag>> idempotency_of(const net::HttpRequest& request,
                                                      const Route& route,
                                                      const Principal& principal) {
  const auto key = request.header("idempotency-key");
  if (!key || request.method != "POST") return std::nullopt;
  const bool is_printable =
      std::all_of(key->begin(), key->end(), [](char c) { return c >= 0x20 && c <= 0x7E; });
  if (key->empty() || key->size() > kKeyBytesMax || !is_printable) {
    return refuse(ProblemKind::validation_failed,
                  "Idempotency-Key must have 1 to 255 printable ASCII characters, such as a UUID.");
  }
  IdempotencyTag tag;
  tag.scope =
      principal.scope() + ' ' + std::string(route.method) + ' ' + std::string(route.pattern);
  tag.key = *key;
  tag.fingerprint = fingerprint_of(request);
  return tag;
}

void run_idempotent(ApiContext& context, const ExchangePtr& exchange) {
  const IdempotencyTag& tag = *exchange->idempotency;
  const std::string running = tag.scope + '\n' + tag.key;
  if (!context.shared.running->start(running)) {
    return exchange->fail(
        Problem(ProblemKind::idempotency_key_in_use,
                "The first request with this Idempotency-Key is still running; its answer will be "
                "repeated to you once it is done."));
  }
  exchange->ticket = RunningTicket(context.shared.running, running);
  context.engine.read<std::optional<KeptAnswer>>(
      [scope = tag.scope, key = tag.key, now = context.now()](Reader& reader) {
        return reader.kept_answer(scope, key, now);
      },
      context.home,
      reply_to<std::optional<KeptAnswer>>(exchange,
                                          [&context, exchange](std::optional<KeptAnswer> kept) {
                                            if (kept) return replay(context, exchange, *kept);
                                            exchange->route->handler(context, exchange);
                                          }));
}

StoredAnswer sealed_answer(Vault& vault, const SecretAnswer& answer) {
  if (answer.tenant) {
    const auto sealed = vault.seal(answer_place(*answer.tenant), Secret(answer.body));
    if (sealed) return {answer.status, to_string(*answer.tenant) + *sealed, true, answer.headers};
  }
  return {answer.status, answer.without_secret, false, answer.headers};
}

StoredAnswer plain_answer(Answer answer) {
  return {answer.status, std::move(answer.body), false, std::move(answer.headers)};
}

Result<std::string> opened_answer(const Vault& vault, const StoredAnswer& answer) {
  if (answer.body.size() < kAnswerTenantBytes)
    return fail(Errc::corrupt, "a kept answer is too short");
  TRY(const TenantId tenant,
      parse_id<TenantTag>(std::string_view(answer.body).substr(0, kAnswerTenantBytes)));
  TRY(const Secret body, vault.open(answer_place(tenant), answer.body.substr(kAnswerTenantBytes)));
  return body.reveal();
}

void answer_and_keep(ApiContext& context, const ExchangePtr& exchange, Answer answer) {
  // What the store keeps for a day is bounded; the few answers above it (a test's long payload)
  // are sent and not kept, so that a repetition runs again.
  const bool is_kept = answer.body.size() <= limits::kKeptAnswerBytesMax;
  WriteContext write = !is_kept ? exchange->write_context()
                                : exchange->write_context(context.now(), [answer](const OpDone&) {
                                    return plain_answer(answer);
                                  });
  if (!write.claim && write.audit.empty()) return exchange->answer(std::move(answer));
  // The operation has happened whatever becomes of the key, so its answer is sent even if it could
  // not be kept.
  context.engine.record(std::move(write), context.home,
                        [exchange, answer = std::move(answer)](const Result<Unit>&) mutable {
                          exchange->answer(std::move(answer));
                        });
}

}  // namespace fanfare
