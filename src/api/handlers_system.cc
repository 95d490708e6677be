#include "api/handlers.h"

namespace fanfare {

namespace {

// Anybody may ask, so the disk's own words after the colon (paths, sizes) stay in the log.
std::string public_reason(const std::string& reason) {
  return reason.substr(0, reason.find(':')) + '.';
}

}  // namespace

// The process runs; nothing else is asked, so that a slow disk does not get it restarted.
void handle_livez(ApiContext&, const ExchangePtr& exchange) {
  exchange->answer({200, R"({"status":"ok"})", {}});
}

// Able to take work: recovered, not draining, store answering.
void handle_readyz(ApiContext& context, const ExchangePtr& exchange) {
  const EngineStatus status = context.engine.status();
  if (!status.is_ready) {
    return exchange->fail(
        Problem(ProblemKind::unavailable, "Not ready: " + public_reason(status.reason)));
  }
  answer_from_store(context, exchange, [](Reader& reader) -> Result<std::string> {
    TRY_VOID(reader.ping());
    return R"({"status":"ready"})";
  });
}

}  // namespace fanfare
