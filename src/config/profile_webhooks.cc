#include "config/profile_webhooks.h"

#include "signing/signer.h"

namespace fanfare {
namespace {

constexpr std::size_t kWordBytesMax = 64;
constexpr int kFailureThresholdMax = 1000;

std::optional<Millis> duration_of(const toml::node& node, TableReader& reader,
                                  std::string_view name) {
  const auto duration = node.is_string() ? parse_duration(node.as_string()->get())
                                         : fail(Errc::invalid, "must be a duration such as \"5m\"");
  if (duration) return *duration;
  reader.refuse(name, duration.error().message);
  return std::nullopt;
}

// Left as it is without the key.
void read_duration(TableReader& reader, std::string_view name, Millis& into) {
  if (const toml::node* node = reader.any(name))
    into = duration_of(*node, reader, name).value_or(into);
}

RetryPolicy read_schedule(TableReader& reader) {
  RetryPolicy policy;
  const toml::array* delays = reader.array("schedule");
  for (std::size_t i = 0; delays != nullptr && i < delays->size(); ++i) {
    policy.schedule.push_back(duration_of(*delays->get(i), reader, "schedule").value_or(Millis{1}));
  }
  policy.attempts =
      static_cast<int>(reader.integer("attempts", 1, limits::kAttemptsMax)
                           .value_or(static_cast<std::int64_t>(policy.schedule.size()) + 1));
  const double jitter = reader.real("jitter", 0, 1).value_or(0);
  policy.jitter_low = 1.0 - jitter;
  policy.jitter_high = 1.0 + jitter;
  return policy;
}

Result<RetryPolicy> read_backoff(TableReader& reader) {
  if (reader.text("backoff", kWordBytesMax).value_or("exponential") != "exponential")
    reader.refuse("backoff", "must be \"exponential\"");
  Backoff backoff;
  read_duration(reader, "initial", backoff.initial);
  read_duration(reader, "max", backoff.max);
  backoff.factor = reader.real("factor", 1, 100).value_or(backoff.factor);
  backoff.attempts = static_cast<int>(
      reader.integer("attempts", 1, limits::kAttemptsMax).value_or(backoff.attempts));
  backoff.jitter = reader.real("jitter", 0, 1).value_or(backoff.jitter);
  return policy_of(backoff);
}

Result<RetryPolicy> preset_named(std::string_view name) {
  if (auto preset = retry_preset(name)) return *std::move(preset);
  return fail(Errc::invalid,
              "must be a preset (standard, email-sla, whatsapp-crm, nuke, ops-center) or a table "
              "such as { schedule = [\"1m\", \"5m\"] } or { backoff = \"exponential\" }");
}

Result<RetryPolicy> policy_in(TableReader& reader) {
  if (reader.has("backoff")) return read_backoff(reader);
  if (reader.has("schedule")) return read_schedule(reader);
  TRY(RetryPolicy policy, preset_named(reader.text("preset", kWordBytesMax).value_or("")));
  policy.attempts = static_cast<int>(
      reader.integer("attempts", 1, limits::kAttemptsMax).value_or(policy.attempts));
  return policy;
}

void read_retry(TableReader& reader, RetryPolicy& retry) {
  const toml::node* node = reader.any("retry_policy");
  if (node == nullptr) return;
  Result<RetryPolicy> policy = fail(Errc::invalid, "must be a preset's name or a table");
  if (node->is_string()) {
    policy = preset_named(node->as_string()->get());
  } else if (auto table = node->is_table() ? reader.table("retry_policy") : std::nullopt) {
    policy = policy_in(*table);
    table->finish();
  }
  if (policy) {
    if (const auto checked = check(*policy); !checked) policy = tl::unexpected(checked.error());
  }
  if (policy) {
    retry = *std::move(policy);
  } else {
    reader.refuse("retry_policy", policy.error().message);
  }
}

void read_signature(TableReader& reader, SignatureSettings& signature) {
  auto table = reader.table("signature");
  if (!table) return;
  table->require("scheme", "standard, stripe, hex or github");
  if (const auto name = table->text("scheme", kWordBytesMax)) {
    const auto scheme = signature_scheme_named(*name);
    if (!scheme) table->refuse("scheme", "must be \"standard\", \"stripe\", \"hex\" or \"github\"");
    signature.scheme = scheme.value_or(signature.scheme);
  }
  const auto belongs_to = [&](std::string_view key, SignatureScheme scheme) {
    if (table->has(key) && signature.scheme != scheme)
      table->refuse(key, "belongs to the scheme \"" + std::string(name_of(scheme)) + "\"");
  };
  signature.header = table->text("header", kWordBytesMax).value_or("");
  belongs_to("header", SignatureScheme::hex);
  signature.header_prefix = table->text("header_prefix", kWordBytesMax).value_or("");
  belongs_to("header_prefix", SignatureScheme::stripe);
  signature.ed25519 = table->flag("ed25519").value_or(false);
  belongs_to("ed25519", SignatureScheme::standard);
  if (const auto fits = check_signature_settings(signature); !fits)
    reader.refuse("signature", "cannot be sent: " + fits.error().message);
  table->finish();
}

void read_secrets(TableReader& reader, WebhookDefaults& defaults) {
  if (const auto format = reader.text("secret_format", kWordBytesMax)) {
    if (*format != "base64" && *format != "hex")
      reader.refuse("secret_format", "must be \"base64\" or \"hex\"");
    defaults.secret_format = *format == "hex" ? SecretFormat::hex : SecretFormat::base64;
  }
  if (defaults.secret_format == SecretFormat::hex &&
      defaults.signature.scheme == SignatureScheme::standard) {
    reader.refuse("secret_format",
                  "cannot be \"hex\" with the scheme \"standard\", whose secrets are base64");
  }
  const auto overlap_max = limits::kSecretOverlapMax / std::chrono::seconds{1};
  if (const auto seconds = reader.integer("rotation_overlap_seconds", 0, overlap_max))
    defaults.rotation_overlap = std::chrono::seconds{*seconds};
}

}  // namespace

void read_webhook_defaults(TableReader reader, WebhookDefaults& defaults) {
  read_retry(reader, defaults.retry);
  read_signature(reader, defaults.signature);
  if (const auto name = reader.text("envelope", kWordBytesMax)) {
    const auto envelope = envelope_named(*name);
    if (!envelope)
      reader.refuse("envelope", "must be \"standard\", \"event\", \"type\" or \"raw\"");
    defaults.envelope = envelope.value_or(defaults.envelope);
  }
  if (const auto seconds =
          reader.integer("timeout_seconds", limits::kAttemptTimeoutMin / std::chrono::seconds{1},
                         limits::kAttemptTimeoutMax / std::chrono::seconds{1})) {
    defaults.timeout = std::chrono::seconds{*seconds};
  }
  read_secrets(reader, defaults);
  if (const auto threshold = reader.integer("failure_threshold", 1, kFailureThresholdMax))
    defaults.failure_threshold = static_cast<int>(*threshold);
  if (const auto counts = reader.text("failure_counts", kWordBytesMax)) {
    if (*counts != "deliveries" && *counts != "attempts")
      reader.refuse("failure_counts", "must be \"deliveries\" or \"attempts\"");
    defaults.failure_counts =
        *counts == "attempts" ? FailureCounts::attempts : FailureCounts::deliveries;
  }
  reader.finish();
}

}  // namespace fanfare
