#include "api/retry_input.h"

#include <cmath>

namespace fanfare {

namespace json = boost::json;

namespace {

constexpr std::string_view kPresetNames = "standard, email-sla, whatsapp-crm, nuke or ops-center";
constexpr TextRule kWordRule{1, 40, false};

std::optional<Millis> read_duration(const json::value& value, const std::string& pointer,
                                    FieldErrors& errors) {
  if (!value.is_string()) {
    errors.push_back(
        {pointer, "wrong_type",
         "expected a duration such as \"30s\" or \"5m\", got " + std::string(kind_name(value)),
         ""});
    return std::nullopt;
  }
  const auto duration = parse_duration({value.get_string().data(), value.get_string().size()});
  if (!duration) {
    errors.push_back({pointer, "invalid_duration", duration.error().message, ""});
    return std::nullopt;
  }
  return *duration;
}

std::optional<RetryPolicy> preset_named(const std::string& name, const std::string& pointer,
                                        FieldErrors& errors) {
  auto policy = retry_preset(name);
  if (!policy) {
    errors.push_back(
        {pointer, "unknown_preset",
         "is not a preset; use " + std::string(kPresetNames) + ", or an object with a schedule",
         ""});
  }
  return policy;
}

RetryPolicy read_schedule(ObjectReader& reader, const json::array& delays, FieldErrors& errors) {
  RetryPolicy policy;
  for (std::size_t i = 0; i < delays.size(); ++i) {
    const auto delay =
        read_duration(delays[i], pointer_to(reader.pointer("schedule"), std::to_string(i)), errors);
    if (delay) policy.schedule.push_back(*delay);
  }
  if (delays.size() >= static_cast<std::size_t>(limits::kAttemptsMax)) {
    reader.add_error("schedule", "too_many",
                     "may have at most " + std::to_string(limits::kAttemptsMax - 1) + " delays");
  }
  policy.attempts = static_cast<int>(std::min<std::size_t>(delays.size(), 1000)) + 1;
  if (const auto attempts = reader.integer("attempts", 1, limits::kAttemptsMax)) {
    policy.attempts = static_cast<int>(*attempts);
  }
  if (const auto jitter = reader.real("jitter", 0, 1)) {
    policy.jitter_low = 1.0 - *jitter;
    policy.jitter_high = 1.0 + *jitter;
  }
  if (delays.empty() && policy.attempts > 1) {
    reader.add_error("schedule", "required", "needs at least one delay such as \"1m\"");
  }
  return policy;
}

std::optional<RetryPolicy> read_backoff(ObjectReader& reader, FieldErrors& errors) {
  const auto kind = reader.text("backoff", kWordRule);
  if (kind && *kind != "exponential") {
    reader.add_error("backoff", "unknown_backoff", "must be \"exponential\"");
  }
  Backoff backoff;
  if (const json::value* initial = reader.any("initial")) {
    backoff.initial =
        read_duration(*initial, reader.pointer("initial"), errors).value_or(backoff.initial);
  }
  if (const json::value* longest = reader.any("max")) {
    backoff.max = read_duration(*longest, reader.pointer("max"), errors).value_or(backoff.max);
  }
  backoff.factor = reader.real("factor", 1, 100).value_or(backoff.factor);
  backoff.attempts = static_cast<int>(
      reader.integer("attempts", 1, limits::kAttemptsMax).value_or(backoff.attempts));
  backoff.jitter = reader.real("jitter", 0, 1).value_or(backoff.jitter);
  if (!errors.empty()) return std::nullopt;
  auto policy = policy_of(backoff);
  if (policy) return *policy;
  reader.add_error("backoff", "invalid_backoff", policy.error().message);
  return std::nullopt;
}

std::optional<RetryPolicy> read_object(const json::object& object, const std::string& pointer,
                                       FieldErrors& errors) {
  ObjectReader reader(object, pointer, errors);
  std::optional<RetryPolicy> policy;
  if (const auto preset = reader.text("preset", kWordRule)) {
    policy = preset_named(*preset, reader.pointer("preset"), errors);
    const auto attempts = reader.integer("attempts", 1, limits::kAttemptsMax);
    if (policy && attempts) policy->attempts = static_cast<int>(*attempts);
  } else if (reader.has("backoff")) {
    policy = read_backoff(reader, errors);
  } else if (const json::array* delays = reader.array("schedule")) {
    policy = read_schedule(reader, *delays, errors);
  } else if (errors.empty()) {
    errors.push_back({pointer, "required", "needs \"schedule\", \"backoff\" or \"preset\"", ""});
  }
  for (const auto name : {"preset", "schedule", "backoff", "attempts", "jitter"}) {
    if (!reader.has(name)) reader.ignore(name);
  }
  reader.finish();
  return policy;
}

}  // namespace

std::optional<RetryPolicy> read_retry_policy(const json::value& value, const std::string& pointer,
                                             FieldErrors& all_errors) {
  FieldErrors errors;
  std::optional<RetryPolicy> policy;
  if (value.is_string()) {
    policy = preset_named({value.get_string().data(), value.get_string().size()}, pointer, errors);
  } else if (value.is_object()) {
    policy = read_object(value.get_object(), pointer, errors);
  } else {
    errors.push_back({pointer, "wrong_type",
                      "expected a preset's name or an object, got " + std::string(kind_name(value)),
                      ""});
  }
  if (policy && errors.empty()) {
    const auto checked = check(*policy);
    if (!checked) errors.push_back({pointer, "out_of_range", checked.error().message, ""});
  }
  if (errors.empty()) return policy;
  all_errors.append(errors);
  return std::nullopt;
}

void write_retry_policy(JsonWriter& out, const RetryPolicy& policy) {
  const auto preset = retry_preset(policy.preset);
  if (preset && preset->attempts == policy.attempts) {
    out.text("retry_policy", policy.preset);
    return;
  }
  out.key("retry_policy").begin_object();
  if (preset) {
    out.text("preset", policy.preset);
  } else {
    out.key("schedule").begin_array();
    for (const Millis delay : policy.schedule) out.text_value(format_duration(delay));
    out.end_array();
  }
  out.number("attempts", policy.attempts);
  // Rounded so that 1.1 - 1 reads as the 0.1 that was asked for.
  const double jitter = std::round((policy.jitter_high - 1.0) * 1e6) / 1e6;
  if (!preset && jitter > 0) out.real("jitter", jitter);
  out.end_object();
}

}  // namespace fanfare
