#include "api/handlers.h"
#include "api/list_query.h"

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

// What a client may rely on here, whoever it is.
void handle_get_profile(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(only_tenant(*exchange))) return;
  const Profile& profile = context.shared.profile;
  JsonWriter out;
  out.begin_object().text("name", profile.name).text("title", profile.title);
  out.text("description", profile.description).text("tenant_word", profile.tenant_word);
  out.text("catalogue", context.shared.config.catalogue_is_open ? "open" : "closed");
  write_webhook_defaults(out, profile.webhooks);
  out.end_object();
  exchange->answer({200, out.take(), {}});
}

}  // namespace fanfare
