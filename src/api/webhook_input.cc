#include "api/webhook_input.h"

#include <algorithm>

#include "api/custom_headers.h"
#include "api/profile_names.h"
#include "api/retry_input.h"
#include "api/views.h"
#include "base/ascii.h"
#include "egress/target.h"
#include "signing/signer.h"

namespace fanfare {

namespace json = boost::json;

namespace {

constexpr TextRule kUrlRule{1, limits::kUrlBytesMax, false};
constexpr TextRule kNameRule{0, limits::kNameBytesMax, false};
constexpr TextRule kLegacyIdRule{1, limits::kNameBytesMax, false};
constexpr TextRule kDescriptionRule{0, limits::kDescriptionBytesMax, true};
constexpr TextRule kSecretRule{1, 256, false};
constexpr TextRule kWordRule{1, limits::kCustomHeaderNameBytesMax, false};

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

// One body on its way into one webhook. Each read_ function owns one field.
class WebhookApply {
 public:
  WebhookApply(const json::object& body, const WebhookRules& rules, bool is_new, Webhook& webhook)
      : reader_(body, "", errors_),
        rules_(rules),
        is_new_(is_new),
        webhook_(webhook),
        settings_(webhook.settings),
        defaults_(rules.profile.webhooks) {}

  WebhookBody run() {
    if (is_new_) take_defaults();
    WebhookBody result;
    result.tenant = reader_.tenant(rules_.tenant, rules_.same_tenant);
    read_url();
    read_events();
    read_texts();
    read_legacy_id();
    read_signature();
    read_headers();
    read_envelope();
    read_retry();
    read_limits();
    read_active();
    read_secret();
    read_read_only();
    reader_.finish();
    result.errors = std::move(errors_);
    return result;
  }

 private:
  void take_defaults() {
    settings_.signature = defaults_.signature;
    settings_.envelope = defaults_.envelope;
    settings_.retry = defaults_.retry;
    settings_.timeout = defaults_.timeout;
  }

  void read_url() {
    if (is_new_ || reader_.has_null("url")) reader_.require("url", "where to send the events");
    const auto url = reader_.text("url", kUrlRule);
    if (!url) return;
    if (const auto target = check_url(*url, rules_.policy); !target) {
      reader_.add_error("url", "invalid_url", target.error().message);
      return;
    }
    moves_ = !is_new_ && !is_same_origin(settings_.url, *url);
    settings_.url = *url;
  }

  // Whether both go to one scheme, host and port. What can no longer be read is another.
  static bool is_same_origin(const std::string& before, const std::string& after) {
    constexpr UrlRules kAny{true, true};
    auto a = parse_target(before, kAny);
    auto b = parse_target(after, kAny);
    if (!a || !b) return false;
    a->origin_form.clear();
    b->origin_form.clear();
    return *a == *b;
  }

  void read_events() {
    if (is_new_ || reader_.has_null("events")) {
      reader_.require("events", "a list of event types such as [\"user.created\"], or [\"*\"]");
    }
    const json::array* names = reader_.array("events");
    if (names == nullptr) return;
    if (names->empty()) reader_.add_error("events", "required", "must not be empty");
    if (names->size() > limits::kWebhookEventsMax) {
      reader_.add_error(
          "events", "too_many",
          "may have at most " + std::to_string(limits::kWebhookEventsMax) + " entries");
      return;
    }
    settings_.events.clear();
    for (std::size_t i = 0; i < names->size(); ++i) {
      const std::string at = pointer_to("/events", std::to_string(i));
      if (auto name = read_event((*names)[i], at)) {
        auto& events = settings_.events;
        if (std::find(events.begin(), events.end(), *name) == events.end()) events.push_back(*name);
      }
    }
  }

  std::optional<std::string> read_event(const json::value& value, const std::string& at) {
    if (!value.is_string()) {
      errors_.push_back(
          {at, "wrong_type", "expected a string, got " + std::string(kind_name(value)), ""});
      return std::nullopt;
    }
    std::string name(view(value.get_string()));
    if (!is_event_pattern(name)) {
      errors_.push_back(
          {at, "invalid_event_type",
           "is not an event type: use a name such as user.created, a family such as user.*, or *",
           ""});
      return std::nullopt;
    }
    const auto is_asked_for = [&name](const std::string& known) { return matches(name, known); };
    if (name == "*" || rules_.catalogue_is_open ||
        std::any_of(rules_.event_types.begin(), rules_.event_types.end(), is_asked_for)) {
      return name;
    }
    const std::string closest = errors_.size() < limits::kSuggestionsMax
                                    ? closest_name(name, rules_.event_types)
                                    : std::string();
    errors_.push_back(
        {at, "unknown_event_type",
         "is not in the catalogue of event types" +
             (closest.empty() ? std::string() : "; the closest one is \"" + closest + "\""),
         ""});
    return std::nullopt;
  }

  void read_texts() {
    if (reader_.has_null("name")) settings_.name.clear();
    if (reader_.has_null("description")) settings_.description.clear();
    if (reader_.has_null("metadata")) settings_.metadata.clear();
    if (auto name = reader_.text("name", kNameRule)) settings_.name = std::move(*name);
    if (auto text = reader_.text("description", kDescriptionRule))
      settings_.description = std::move(*text);
    reader_.merge_metadata("metadata", settings_.metadata);
  }

  // It stands where an id may stand, so it must not look like one.
  void read_legacy_id() {
    if (reader_.has_null("legacy_id")) settings_.legacy_id.clear();
    auto legacy_id = reader_.text("legacy_id", kLegacyIdRule);
    if (!legacy_id) return;
    if (legacy_id->starts_with("wh_")) {
      reader_.add_error("legacy_id", "invalid_id",
                        "must not begin with \"wh_\", as ids made here do");
      return;
    }
    settings_.legacy_id = *std::move(legacy_id);
  }

  void read_signature() {
    if (reader_.has_null("signature")) settings_.signature = defaults_.signature;
    const json::value* value = reader_.any("signature");
    if (value == nullptr) return;
    if (value->is_string()) {
      const auto scheme = read_scheme(view(value->get_string()), "/signature");
      if (scheme) settings_.signature = SignatureSettings{*scheme, "", "", false};
    } else if (value->is_object()) {
      read_signature_object(value->get_object());
    } else {
      reader_.add_type_error("signature", "a scheme's name or an object", *value);
    }
  }

  std::optional<SignatureScheme> read_scheme(std::string_view name, const std::string& at) {
    const auto scheme = signature_scheme_named(name);
    if (!scheme) {
      errors_.push_back(
          {at, "unknown_scheme", "must be \"standard\", \"stripe\", \"hex\" or \"github\"", ""});
    }
    return scheme;
  }

  void read_signature_object(const json::object& object) {
    ObjectReader reader(object, "/signature", errors_);
    SignatureSettings& signature = settings_.signature;
    if (const auto name = reader.text("scheme", kWordRule)) {
      const auto scheme = read_scheme(*name, "/signature/scheme");
      if (scheme && *scheme != signature.scheme)
        signature = SignatureSettings{*scheme, "", "", false};
    }
    if (reader.has_null("header")) signature.header.clear();
    if (reader.has_null("header_prefix")) signature.header_prefix.clear();
    if (reader.has_null("ed25519")) signature.ed25519 = false;
    if (auto header = reader.text("header", kWordRule))
      read_signature_header(reader, std::move(*header));
    if (auto prefix = reader.text("header_prefix", kWordRule))
      read_header_prefix(reader, std::move(*prefix));
    if (const auto ed25519 = reader.flag("ed25519")) {
      if (*ed25519 && signature.scheme != SignatureScheme::standard) {
        reader.add_error("ed25519", "not_for_scheme", "belongs to the scheme \"standard\"");
      }
      signature.ed25519 = *ed25519;
    }
    reader.finish();
  }

  void read_signature_header(ObjectReader& reader, std::string header) {
    SignatureSettings wanted = settings_.signature;
    wanted.header = std::move(header);
    if (wanted.scheme != SignatureScheme::hex) {
      reader.add_error("header", "not_for_scheme", "belongs to the scheme \"hex\"");
    } else if (auto refused = refused_signature(wanted, wanted.header)) {
      reader.add_error("header", "invalid_header", std::move(*refused));
    } else {
      settings_.signature = std::move(wanted);
    }
  }

  void read_header_prefix(ObjectReader& reader, std::string prefix) {
    SignatureSettings wanted = settings_.signature;
    wanted.header_prefix = std::move(prefix);
    if (wanted.scheme != SignatureScheme::stripe) {
      reader.add_error("header_prefix", "not_for_scheme", "belongs to the scheme \"stripe\"");
    } else if (auto refused =
                   refused_signature(wanted, wanted.header_prefix + "-Signature-Previous")) {
      reader.add_error("header_prefix", "invalid_header", std::move(*refused));
    } else {
      settings_.signature = std::move(wanted);
    }
  }

  // What the signer would refuse comes first: it would fail every delivery.
  static std::optional<std::string> refused_signature(const SignatureSettings& wanted,
                                                      std::string_view longest_name) {
    if (auto fits = check_signature_settings(wanted); !fits) return fits.error().message;
    return refused_signature_header(longest_name);
  }

  void read_headers() {
    const std::vector<std::string> reserved = header_names(settings_.signature);
    if (reader_.has_null("headers")) settings_.headers.clear();
    if (const json::object* headers = reader_.object("headers")) {
      for (const auto& member : *headers) {
        read_header({member.key().data(), member.key().size()}, member.value(), reserved);
      }
    }
    std::size_t bytes = 0;
    for (const CustomHeader& header : settings_.headers) {
      bytes += header.name.size() + header.value.reveal().size();
      // A header that was fine until the signature moved into it. Those the body names were
      // checked.
      if (!is_in(named_headers_, header.name) && refused_header_name(header.name, reserved)) {
        reader_.add_error(
            "signature", "invalid_header",
            "is sent in \"" + header.name + "\", which is one of the webhook's own headers");
      }
    }
    if (settings_.headers.size() > limits::kCustomHeadersMax) {
      reader_.add_error(
          "headers", "too_many",
          "may have at most " + std::to_string(limits::kCustomHeadersMax) + " entries");
    }
    if (bytes > limits::kCustomHeadersBytesMax) {
      reader_.add_error(
          "headers", "too_large",
          "may have at most " + std::to_string(limits::kCustomHeadersBytesMax) + " bytes in all");
    }
    if (moves_) check_reentered();
  }

  // Whoever may change a webhook sees its header values only masked. Were they kept while the URL
  // moves, he could have them sent to a host of his own.
  void check_reentered() {
    std::string kept;
    for (const CustomHeader& header : settings_.headers) {
      if (!is_in(entered_headers_, header.name)) kept += (kept.empty() ? "" : ", ") + header.name;
    }
    if (kept.empty()) return;
    reader_.add_error("headers", "reenter_required",
                      "the URL moves to another scheme, host or port, and the values of " + kept +
                          " would go there; send their real values with the change, or null to "
                          "remove them");
  }

  static bool is_in(const std::vector<std::string>& lower_names, std::string_view name) {
    return std::find(lower_names.begin(), lower_names.end(), lower_case(name)) != lower_names.end();
  }

  void read_header(std::string_view name, const json::value& value,
                   const std::vector<std::string>& reserved) {
    const std::string at = pointer_to("/headers", name);
    auto& headers = settings_.headers;
    const std::string lower = lower_case(name);
    const auto current = std::find_if(
        headers.begin(), headers.end(),
        [name](const CustomHeader& header) { return equals_ignoring_case(header.name, name); });
    if (value.is_null()) {
      if (current != headers.end()) headers.erase(current);
      return;
    }
    named_headers_.push_back(lower);
    if (auto refused = refused_header_name(name, reserved)) {
      errors_.push_back({at, "invalid_header", std::move(*refused), ""});
      return;
    }
    if (!value.is_string()) {
      errors_.push_back(
          {at, "wrong_type", "expected a string, got " + std::string(kind_name(value)), ""});
      return;
    }
    if (std::find(seen_headers_.begin(), seen_headers_.end(), lower) != seen_headers_.end()) {
      errors_.push_back({at, "duplicate", "is given twice: header names ignore case", ""});
      return;
    }
    seen_headers_.push_back(lower);
    const std::string_view text = view(value.get_string());
    if (current != headers.end() && text == masked(current->value.reveal())) return;
    if (text.starts_with("***")) {
      errors_.push_back({at, "masked_value",
                         "is a masked value, not one that can be stored; send the real one", ""});
    } else if (auto refused = refused_header_value(text)) {
      errors_.push_back({at, "invalid_header", std::move(*refused), ""});
    } else if (current != headers.end()) {
      current->value = Secret(std::string(text));
      entered_headers_.push_back(lower);
    } else {
      headers.push_back({std::string(name), Secret(std::string(text))});
      entered_headers_.push_back(lower);
    }
  }

  void read_envelope() {
    if (reader_.has_null("envelope")) settings_.envelope = defaults_.envelope;
    const auto name = reader_.text("envelope", kWordRule);
    if (!name) return;
    if (const auto envelope = envelope_named(*name)) {
      settings_.envelope = *envelope;
    } else {
      reader_.add_error("envelope", "unknown_envelope",
                        "must be \"standard\", \"event\", \"type\" or \"raw\"");
    }
  }

  void read_retry() {
    const RetryPolicy before = settings_.retry;
    if (reader_.has_null("retry_policy")) settings_.retry = defaults_.retry;
    if (const json::value* value = reader_.any("retry_policy")) {
      if (auto policy = read_retry_policy(*value, "/retry_policy", errors_))
        settings_.retry = *std::move(policy);
    }
    read_retry_count(before);
    if (!errors_.empty()) return;
    if (const auto kept = check_kept_for_retries(settings_.retry, rules_.events_kept); !kept) {
      reader_.add_error("retry_policy", "longer_than_retention", kept.error().message);
    }
  }

  void read_retry_count(const RetryPolicy& before) {
    const auto count = reader_.integer("retry_count", 0, limits::kAttemptsMax - 1);
    if (!count) return;
    // An answer that is sent back has both. If the policy was changed in it, the count is an old
    // one.
    const bool is_sent_back = !is_new_ && reader_.has("id");
    if (is_sent_back && *count + 1 == before.attempts && settings_.retry != before) return;
    settings_.retry.attempts = static_cast<int>(*count) + 1;
    if (const auto checked = check(settings_.retry); !checked) {
      reader_.add_error("retry_count", "out_of_range", checked.error().message);
    }
  }

  void read_limits() {
    if (reader_.has_null("timeout_seconds")) settings_.timeout = defaults_.timeout;
    if (reader_.has_null("max_in_flight")) settings_.max_in_flight = limits::kInFlightDefault;
    if (is_new_) settings_.failure_threshold = defaults_.failure_threshold;
    if (reader_.has_null("failure_threshold")) settings_.failure_threshold.reset();
    if (const auto failures =
            reader_.integer("failure_threshold", 1, limits::kFailureThresholdMax)) {
      settings_.failure_threshold = static_cast<int>(*failures);
    }
    if (const auto seconds =
            reader_.integer("timeout_seconds", limits::kAttemptTimeoutMin / std::chrono::seconds{1},
                            limits::kAttemptTimeoutMax / std::chrono::seconds{1})) {
      settings_.timeout = std::chrono::seconds{*seconds};
    }
    if (const auto most = reader_.integer("max_in_flight", 1, limits::kInFlightMax)) {
      settings_.max_in_flight = static_cast<int>(*most);
    }
  }

  void read_active() {
    const auto active = reader_.flag("active");
    const auto is_active = reader_.flag("is_active");
    if (active && is_active && *active != *is_active) {
      reader_.add_error("is_active", "conflicting", "says something else than active");
    }
    const auto wanted = active ? active : is_active;
    if (!wanted) return;
    if (!*wanted && webhook_.status != WebhookStatus::disabled) {
      webhook_.status = WebhookStatus::disabled;
      webhook_.disabled_reason = "manual";
    } else if (*wanted && webhook_.status == WebhookStatus::disabled) {
      webhook_.status = WebhookStatus::active;
      webhook_.disabled_reason.clear();
    }
  }

  void read_secret() {
    auto text = reader_.text("secret", kSecretRule);
    // Who sends back what he has changes nothing, and ends no overlap.
    if (text && *text == current_secret(webhook_).reveal()) text.reset();
    std::erase_if(webhook_.secrets, [this](const SigningSecret& s) {
      return !settings_.signature.ed25519 && s.text.reveal().starts_with("whsk_");
    });
    const bool lacks_key = settings_.signature.ed25519 && public_key(webhook_).empty();
    if (text || current_secret(webhook_).empty()) {
      Rotation rotation;
      rotation.format = defaults_.secret_format;
      if (text) rotation.secret = Secret(*text);
      const auto rotated = rotate_secret(webhook_, rotation, rules_.now, rules_.random);
      if (!rotated) reader_.add_error("secret", "invalid_secret", rotated.error().message);
      return;
    }
    if (lacks_key) add_ed25519_key();
    for (const SigningSecret& secret : webhook_.secrets) {
      if (secret.text.reveal().starts_with("whsk_") || !secret.is_valid_at(rules_.now)) continue;
      if (check_secret(settings_.signature.scheme, secret.text)) continue;
      reader_.add_error(
          "signature", "secret_does_not_fit",
          "the webhook's secret does not fit this scheme; send a new secret with the change");
      return;
    }
  }

  void add_ed25519_key() {
    int number = 0;
    for (const SigningSecret& secret : webhook_.secrets) number = std::max(number, secret.number);
    webhook_.secrets.push_back(
        {number + 1, generate_ed25519_key(rules_.random), rules_.now, std::nullopt});
  }

  // A client may send back what it read. Only `id` and `status` could be meant as a change, so they
  // must be as they are.
  void read_read_only() {
    const auto must_be = [this](std::string_view name, std::string_view current,
                                std::string_view hint) {
      const auto value = reader_.text(name, kNameRule);
      if (value && (is_new_ || *value != current)) {
        reader_.add_error(name, "read_only", "cannot be set; " + std::string(hint));
      }
    };
    must_be("id", to_string(webhook_.id), "ids are made by the server");
    must_be("status", name_of(status_before_),
            "use active, or POST …/pause, /resume, /disable or /enable");
    for (const std::string_view name :
         {"disabled_reason", "version", "public_key", "previous_secret_expires_at", "created_at",
          "updated_at", "recent_deliveries", "warnings", "last_triggered_at", "last_status",
          "last_error", "consecutive_failures", "total_deliveries", "successful_deliveries",
          "failed_deliveries", "metrics"}) {
      if (!is_new_ && reader_.has(name)) reader_.ignore(name);
    }
  }

  FieldErrors errors_;
  ObjectReader reader_;
  const WebhookRules& rules_;
  const bool is_new_;
  Webhook& webhook_;
  WebhookSettings& settings_;
  const WebhookDefaults& defaults_;
  const WebhookStatus status_before_{webhook_.status};
  bool moves_ = false;                        // to another scheme, host or port
  std::vector<std::string> seen_headers_;     // in lower case, as the next two
  std::vector<std::string> named_headers_;    // by the body, with a value
  std::vector<std::string> entered_headers_;  // with a value that is not a mask
};

}  // namespace

WebhookBody apply_webhook_body(const json::object& body, const WebhookRules& rules, bool is_new,
                               Webhook& webhook) {
  const auto as_answer = [&webhook, &rules] {
    return parse_object(view_of(webhook, {rules.now, false, {}})).value_or(json::object{});
  };
  WebhookNames names =
      in_our_names(rules.profile, body, is_new ? CurrentWebhook(nullptr) : as_answer);
  WebhookBody result = WebhookApply(names.body, rules, is_new, webhook).run();
  for (const FieldAlias& alias : names.used)
    result.errors.repoint(pointer_to("", alias.field), pointer_to("", alias.alias));
  result.errors.append(names.errors);
  return result;
}

}  // namespace fanfare
