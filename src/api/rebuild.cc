#include "api/rebuild.h"

#include <algorithm>

#include "api/custom_headers.h"
#include "base/ascii.h"
#include "delivery/courier.h"

namespace fanfare {
namespace {

// Fits every scheme; what it signs is masked before anybody sees it.
SigningSecret stand_in() {
  return {1, Secret("whsec_MDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDA="), Timestamp{},
          std::nullopt};
}

// Switching Ed25519 off takes its keys away without a new secret in their place.
bool lacks_ed25519_key(const RebuildFacts& facts) {
  return facts.at_version.settings.signature.ed25519 &&
         std::none_of(facts.secrets.begin(), facts.secrets.end(), [](const SigningSecret& secret) {
           return secret.text.reveal().starts_with("whsk_");
         });
}

bool signed_with_these(const RebuildFacts& facts) {
  return !facts.secrets.empty() && !lacks_ed25519_key(facts) &&
         std::none_of(facts.secrets.begin(), facts.secrets.end(),
                      [&facts](const SigningSecret& secret) {
                        return secret.created_at > facts.attempt.started_at;
                      });
}

}  // namespace

RebuiltRequest rebuild_request(const RebuildFacts& facts) {
  Webhook webhook = facts.at_version;
  for (CustomHeader& header : webhook.settings.headers)
    header.value = Secret(masked(header.value.reveal()));
  HeldRun held;
  held.run.delivery = facts.delivery.id;
  held.run.run = facts.attempt.run;
  held.run.event = facts.event.id;
  held.run.webhook = facts.delivery.webhook;
  held.run.event_type = facts.delivery.event_type;
  held.run.envelope = facts.delivery.envelope;
  held.data = facts.event.data ? facts.event.data : std::make_shared<const std::string>("null");
  held.event_created_at = facts.event.created_at;

  const bool is_exact = signed_with_these(facts);
  const std::vector<SigningSecret> secrets =
      is_exact ? facts.secrets : std::vector<SigningSecret>{stand_in()};
  SignatureSettings settings = webhook.settings.signature;
  if (!is_exact) settings.ed25519 = false;
  const auto signer = Signer::make(settings, secrets);
  if (!signer) return {webhook.settings.url, {}, body_of(held)};
  SendRequest sent = prepare(held, webhook, *signer, facts.attempt.signed_at);
  for (auto& [name, value] : sent.headers) {
    if (!is_exact && lower_case(name).find("signature") != std::string::npos) value = "***";
  }
  return {std::move(sent.url), std::move(sent.headers), std::move(sent.body)};
}

}  // namespace fanfare
