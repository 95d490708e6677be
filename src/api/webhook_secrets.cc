// The secrets of a webhook: one HMAC secret that is current, those rotated out, and an Ed25519 key
// where it is on.
#include <algorithm>

#include "api/webhook_input.h"
#include "base/assert.h"
#include "signing/signer.h"

namespace fanfare {
namespace {

// A signature header grows by one value for each valid secret.
constexpr std::size_t kPreviousSecretsMax = 3;

bool is_ed25519(const SigningSecret& secret) {
  return secret.text.reveal().starts_with("whsk_");
}

int next_number(const Webhook& webhook) {
  int highest = 0;
  for (const SigningSecret& secret : webhook.secrets) highest = std::max(highest, secret.number);
  return highest + 1;
}

void retire(Webhook& webhook, Millis overlap, Timestamp now) {
  for (SigningSecret& secret : webhook.secrets) {
    secret.expires_at = std::min(secret.expires_at.value_or(now + overlap), now + overlap);
  }
  std::erase_if(webhook.secrets, [now](const SigningSecret& s) { return !s.is_valid_at(now); });
  for (const bool of_ed25519 : {false, true}) {
    std::size_t kept = 0;
    std::erase_if(webhook.secrets, [&kept, of_ed25519](const SigningSecret& s) {
      return is_ed25519(s) == of_ed25519 && ++kept > kPreviousSecretsMax;
    });
  }
}

// A secret that is there already would sign twice, or would only look as if it were rotated.
Result<void> check_is_another(const Webhook& webhook, const Rotation& rotation, Timestamp now) {
  if (*rotation.secret == current_secret(webhook)) {
    return fail(Errc::invalid,
                "is the webhook's secret already; send another, or leave it out to have one made");
  }
  const auto still_signs = [&rotation, now](const SigningSecret& secret) {
    return secret.is_valid_at(now) && secret.text == *rotation.secret;
  };
  if (rotation.overlap > Millis{0} && std::ranges::any_of(webhook.secrets, still_signs)) {
    return fail(Errc::invalid,
                "still signs since an earlier rotation; send another, or overlap_seconds 0 to go "
                "back to this one at once");
  }
  return {};
}

// The scheme `standard` decodes its secrets from base64, whatever the profile's others do.
Secret new_secret(const SignatureSettings& signature, const Rotation& rotation, Random& random) {
  const bool is_hex =
      rotation.format == SecretFormat::hex && signature.scheme != SignatureScheme::standard;
  return is_hex ? generate_hex_secret(random) : generate_secret(random);
}

}  // namespace

Result<void> rotate_secret(Webhook& webhook, const Rotation& rotation, Timestamp now,
                           Random& random) {
  const SignatureSettings& signature = webhook.settings.signature;
  if (rotation.secret) {
    if (rotation.secret->reveal().starts_with("whsk_")) {
      return fail(Errc::invalid,
                  "a text that starts with whsk_ is an Ed25519 key; those are generated here");
    }
    TRY_VOID(check_secret(signature.scheme, *rotation.secret));
    TRY_VOID(check_is_another(webhook, rotation, now));
  }
  const int number = next_number(webhook);
  retire(webhook, rotation.overlap, now);
  if (signature.ed25519) {
    webhook.secrets.insert(
        webhook.secrets.begin(),
        SigningSecret{number + 1, generate_ed25519_key(random), now, std::nullopt});
  }
  webhook.secrets.insert(
      webhook.secrets.begin(),
      SigningSecret{number,
                    rotation.secret ? *rotation.secret : new_secret(signature, rotation, random),
                    now, std::nullopt});
  return {};
}

const Secret& current_secret(const Webhook& webhook) {
  static const Secret kNone;
  for (const SigningSecret& secret : webhook.secrets) {
    if (!is_ed25519(secret)) return secret.text;
  }
  return kNone;
}

std::string public_key(const Webhook& webhook) {
  for (const SigningSecret& secret : webhook.secrets) {
    if (is_ed25519(secret)) return public_key_of(secret.text).value_or("");
  }
  return "";
}

std::optional<Timestamp> previous_secret_expires_at(const Webhook& webhook, Timestamp now) {
  std::optional<Timestamp> latest;
  for (const SigningSecret& secret : webhook.secrets) {
    if (!secret.expires_at || !secret.is_valid_at(now)) continue;
    latest = std::max(latest.value_or(*secret.expires_at), *secret.expires_at);
  }
  return latest;
}

}  // namespace fanfare
