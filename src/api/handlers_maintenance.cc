// POST /maintenance/cleanup: removes what retention keeps no longer, or says what it would remove.
#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/json_input.h"
#include "api/list_query.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

// A client waits for it; what is left then is reported as has_more.
constexpr Millis kCleanupBudget = 20s;

// Exact up to the bound; kinds that have more are named.
std::string dry_run_text(RetentionCounts counts, Timestamp now) {
  std::string more_than;
  for (const RetentionKind& kind : kRetentionKinds) {
    if (counts.*kind.count <= kExpireCountMax) continue;
    counts.*kind.count = kExpireCountMax;
    more_than += (more_than.empty() ? "\"" : ",\"") + std::string(kind.name) + "\"";
  }
  return R"({"dry_run":true,"at":")" + format_rfc3339(now) + R"(","would_remove":{)" +
         encode(counts) + R"(},"more_than":[)" + more_than + "]}";
}

Checked<bool> read_dry_run(const Exchange& exchange) {
  if (auto refused = no_query(exchange); !refused) return tl::unexpected<Problem>(refused.error());
  const auto body = parse_object(exchange.request.body);
  if (!body) return tl::unexpected<Problem>(body.error());
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  const bool is_dry_run = reader.flag("dry_run").value_or(false);
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return is_dry_run;
}

void clean_up(ApiContext& context, const ExchangePtr& exchange) {
  context.engine.clean_up(
      kCleanupBudget, context.home,
      reply_to<CleanupReport>(exchange, [&context, exchange](const CleanupReport& report) {
        answer_and_keep(context, exchange, {200, encode(report), {}});
      }));
}

}  // namespace

void handle_cleanup(ApiContext& context, const ExchangePtr& exchange) {
  const auto is_dry_run = read_dry_run(*exchange);
  if (exchange->failed(is_dry_run)) return;
  if (*is_dry_run) {
    const Timestamp now = context.now();
    return answer_list_from_store(context, exchange,
                                  [now, cutoffs = cutoffs_at(context.engine.retention(), now)](
                                      Reader& store) -> Result<std::string> {
                                    TRY(const RetentionCounts counts,
                                        store.count_expired(cutoffs, kExpireCountMax));
                                    return dry_run_text(counts, now);
                                  });
  }
  // On record before the first row goes, whatever becomes of the rest.
  exchange->audit(context, cleaned_up());
  context.engine.record(
      exchange->write_context(), context.home,
      reply_to<Unit>(exchange, [&context, exchange](Unit) { clean_up(context, exchange); }));
}

}  // namespace fanfare
