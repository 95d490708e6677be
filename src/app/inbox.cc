#include "app/inbox.h"

#include "base/json_scan.h"
#include "signing/verifier.h"

namespace fanfare {

namespace {

constexpr std::string_view kPrefix = "/inbox/";

std::string member_of(const std::string& body, std::string_view name) {
  const auto members = scan_json_object(body);
  if (!members) return "?";
  for (const JsonMember& member : *members) {
    if (member.key == name && member.value.size() >= 2) {
      return std::string(member.value.substr(1, member.value.size() - 2));
    }
  }
  return "?";
}

}  // namespace

void Inbox::verify_with(const Directory& directory, TenantId tenant) {
  const std::lock_guard lock(mu_);
  directory_ = &directory;
  tenant_ = tenant;
}

// "signature ok", or what is wrong with it.
std::string Inbox::check(const net::HttpRequest& request) const {
  const Directory* directory = nullptr;
  TenantId tenant;
  {
    const std::lock_guard lock(mu_);
    directory = directory_;
    tenant = tenant_;
  }
  if (!directory) return "nobody's yet";
  for (const WebhookPtr& webhook : directory->webhooks(tenant)) {
    if (!webhook->settings.url.ends_with(request.path) || webhook->secrets.empty()) continue;
    const auto verified = verify(webhook->settings.signature, webhook->secrets.front().text,
                                 request.headers, request.body, clock_.wall_now());
    return verified ? "signature ok" : "signature WRONG: " + verified.error().message;
  }
  return "no webhook has this address";
}

bool Inbox::take(net::HttpRequest& request, net::Responder& respond) {
  if (!request.path.starts_with(kPrefix) || request.path.size() == kPrefix.size()) return false;
  if (request.method != "POST") {
    respond(net::HttpResponse{405, {{"Allow", "POST"}}, "send webhooks here with POST\n"});
    return true;
  }
  const std::string verdict = check(request);
  int status = verdict == "signature ok" ? 200 : 401;
  if (status == 200 && request.path == "/inbox/flaky") {
    const std::lock_guard lock(mu_);
    if (++flaky_requests_ % 3 == 0) status = 503;
  }
  const std::string name = request.path.substr(kPrefix.size());
  const auto id = request.header("webhook-id");
  print_(format_rfc3339(clock_.wall_now()).substr(11, 8) + "  inbox " + name +
         std::string(name.size() < 8 ? 8 - name.size() : 0, ' ') + member_of(request.body, "type") +
         "  " + std::string(id.value_or("(no id)")) + "  " + verdict + "  → " +
         std::to_string(status));
  respond(net::HttpResponse{
      status, {{"Content-Type", "text/plain"}}, status == 200 ? "thank you\n" : "not this time\n"});
  return true;
}

}  // namespace fanfare
