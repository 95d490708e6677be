#include "api/publish_input.h"

#include <array>

#include <boost/json/parse.hpp>

#include "api/json_input.h"
#include "api/profile_names.h"
#include "base/json_scan.h"
#include "base/json_text.h"
#include "domain/webhook_codec.h"

namespace fanfare {

namespace json = boost::json;

namespace {

constexpr TextRule kEventIdRule{1, limits::kEventIdBytesMax, false};
constexpr std::array<std::string_view, 13> kFields = {
    "event_type", "data", "event_id", "tenant_id", "webhook_ids", "max_attempts", "metadata",
    "event",      "type", "payload",  "client_id", "org_id",      "user_id"};

std::string_view raw_kind(std::string_view value) {
  switch (value.front()) {
    case '"':
      return "a string";
    case '{':
      return "an object";
    case '[':
      return "an array";
    case 'n':
      return "null";
    case 't':
    case 'f':
      return "true or false";
    default:
      return "a number";
  }
}

// None for null and, with an error, for what is no string.
std::optional<std::string> text_of(const JsonMember& member, FieldErrors& errors) {
  if (member.value == "null") return std::nullopt;
  if (member.value.front() == '"')
    return unescape_json(member.value.substr(1, member.value.size() - 2));
  errors.push_back({"/" + std::string(member.key), "wrong_type",
                    "expected a string, got " + std::string(raw_kind(member.value)), ""});
  return std::nullopt;
}

void read_tenant(const JsonMember& member, std::optional<std::string>& named,
                 const SameTenant& same, FieldErrors& errors) {
  auto text = text_of(member, errors);
  if (text) name_tenant(std::move(*text), "/" + std::string(member.key), named, same, errors);
}

// Reads one event's members. Values are raw JSON text that the scanner has checked.
class PublishReader {
 public:
  explicit PublishReader(const PublishRules& rules) : rules_(rules), named_tenant_(rules.tenant) {}

  Checked<PublishRequest> run(const std::vector<JsonMember>& members) {
    for (const JsonMember& member : members) read_plain(member);
    if (request_.event_type.empty() && !has_bad_type_)
      add("/event_type", "required", "is required");
    if (data_.empty()) add("/data", "required", "is required: what happened, as any JSON value");
    if (data_.size() > rules_.profile.limits.payload_bytes) {
      return refuse(ProblemKind::payload_too_large,
                    "data may have at most " + std::to_string(rules_.profile.limits.payload_bytes) +
                        " bytes; it has " + std::to_string(data_.size()) + ".");
    }
    const auto pending = is_broadcast() ? check_broadcast() : read_tenant_of_event();
    if (!pending) return tl::unexpected<Problem>(pending.error());
    check_type();
    if (!errors_.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors_)));
    if (*pending) return tl::unexpected<Problem>(**pending);
    request_.data = std::make_shared<const std::string>(data_);
    return std::move(request_);
  }

 private:
  // A problem that stands only if nothing else is wrong: the event's tenant might be made.
  using Pending = std::optional<Problem>;

  bool is_broadcast() const {
    return rules_.allows_broadcast && rules_.principal.is_admin() && !named_tenant_;
  }
  Checked<Pending> check_broadcast() {
    if (webhook_ids_) {
      add("/webhook_ids", "not_for_broadcast",
          "an event without a tenant goes to every tenant's webhooks; name a tenant to choose");
    }
    return Pending{};
  }
  // A tenant that might be made is made for an event without mistakes only, and a new one has no
  // webhooks that could be named.
  Checked<Pending> read_tenant_of_event() {
    auto tenant = tenant_of(rules_.principal, rules_.directory, named_tenant_);
    if (tenant) {
      request_.tenant = *tenant;
      if (webhook_ids_) read_webhook_ids(*webhook_ids_);
      return Pending{};
    }
    Problem& problem = tenant.error();
    if (webhook_ids_) problem.missing_tenants.clear();
    if (!problem.missing_tenants.empty()) return Pending{std::move(problem)};
    if (problem.errors.empty()) return tl::unexpected<Problem>(std::move(problem));
    errors_.append(problem.errors);
    return Pending{};
  }

  // A key may be written with escapes; hardly any is.
  void read_plain(const JsonMember& member) {
    if (member.key.find('\\') == std::string_view::npos) return read(member.key, member);
    const std::string key = unescape_json(member.key);
    read(key, {key, member.value});
  }

  // `key` is the field that the member stands for.
  void read(std::string_view key, const JsonMember& member) {
    if (key == "event_type" || key == "event" || key == "type") return read_type(member);
    if (key == "data" || key == "payload") return read_data(member);
    if (key == "event_id") return read_event_id(member);
    if (is_tenant_word(key))
      return read_tenant(member, named_tenant_, same_tenant(rules_.principal, rules_.directory),
                         errors_);
    if (key == "metadata") return read_metadata(member);
    if (key == "max_attempts") return read_max_attempts(member);
    if (key == "webhook_ids") {
      if (member.value != "null") webhook_ids_ = member.value;
      return;
    }
    read_alias(member);
  }

  // Looked at last, so that our own names cost nothing more where a profile has others.
  void read_alias(const JsonMember& member) {
    const std::string* field = field_named(rules_.profile.event_requests, member.key);
    if (field != nullptr) return read(*field, member);
    if (is_tenant_word_of(rules_.profile, member.key)) return read("tenant_id", member);
    read_unknown(member.key);
  }

  void read_unknown(std::string_view name) {
    if (errors_.is_full()) return errors_.push_back({});
    static const std::vector<std::string> kKnown(kFields.begin(), kFields.end());
    add(pointer_to("", name), "unknown_field",
        "is not a field of an event" + (rules_.suggests ? suggestion(name, kKnown) : ""));
  }

  void read_type(const JsonMember& member) {
    auto name = text_of(member, errors_);
    if (!name) {
      has_bad_type_ = member.value != "null";
      return;
    }
    if (!request_.event_type.empty() && request_.event_type != *name) {
      add("/" + std::string(member.key), "conflicting",
          "says something else than another name of event_type");
    }
    type_pointer_ = "/" + std::string(member.key);
    request_.event_type = std::move(*name);
    if (request_.event_type.empty()) {
      has_bad_type_ = true;
      add(type_pointer_, "invalid_event_type", "must not be empty");
    }
  }

  void read_data(const JsonMember& member) {
    if (!data_.empty()) {
      add("/" + std::string(member.key), "conflicting",
          "data and payload are one field; send one of them");
    }
    data_ = member.value;
  }

  void read_event_id(const JsonMember& member) {
    auto text = text_of(member, errors_);
    if (!text) return;
    if (auto broken = broken_rule(*text, kEventIdRule)) {
      add("/" + std::string(member.key), "invalid_text", std::move(*broken));
      return;
    }
    request_.event_id = std::move(*text);
  }

  void read_metadata(const JsonMember& member) {
    if (member.value == "null") return;
    auto value = parse(member.value, "/metadata");
    if (!value) return;
    const json::object body{{"metadata", *std::move(value)}};
    ObjectReader reader(body, "", errors_);
    Metadata metadata;
    reader.merge_metadata("metadata", metadata);
    if (!metadata.empty()) request_.metadata = encode_metadata(metadata);
  }

  void read_max_attempts(const JsonMember& member) {
    auto value = parse(member.value, "/max_attempts");
    if (!value) return;
    const json::object body{{"max_attempts", *std::move(value)}};
    ObjectReader reader(body, "", errors_);
    if (const auto number = reader.integer("max_attempts", 1, limits::kAttemptsMax))
      request_.max_attempts = static_cast<int>(*number);
  }

  void read_webhook_ids(std::string_view raw) {
    const auto value = parse(raw, "/webhook_ids");
    if (!value) return;
    if (!value->is_array()) {
      add("/webhook_ids", "wrong_type", "expected an array, got " + std::string(kind_name(*value)));
      return;
    }
    const json::array& ids = value->get_array();
    if (ids.empty() || ids.size() > limits::kWebhookEventsMax) {
      add("/webhook_ids", "out_of_range",
          "must name from 1 to " + std::to_string(limits::kWebhookEventsMax) +
              " webhooks; leave it out for all");
      return;
    }
    for (std::size_t i = 0; i < ids.size(); ++i)
      read_webhook_id(ids[i], "/webhook_ids/" + std::to_string(i));
  }

  void read_webhook_id(const json::value& value, std::string at) {
    if (!value.is_string()) {
      add(std::move(at), "wrong_type", "expected a string, got " + std::string(kind_name(value)));
      return;
    }
    const std::string_view name(value.get_string().data(), value.get_string().size());
    const WebhookPtr webhook = rules_.directory.webhook_named(request_.tenant, name);
    if (!webhook) {
      add(std::move(at), "unknown_webhook", "there is no webhook with this id");
      return;
    }
    request_.webhook_ids.push_back(webhook->id);
  }

  void check_type() {
    if (request_.event_type.empty()) return;
    auto error = unknown_event_type(rules_, request_.event_type, type_pointer_);
    if (error) errors_.push_back(std::move(*error));
  }

  // As deep as the scanner lets a body be; the library alone stops at 32 levels.
  std::optional<json::value> parse(std::string_view raw, std::string_view at) {
    json::error_code error;
    json::parse_options options;
    options.max_depth = limits::kJsonDepthMax + 1;
    json::value value = json::parse({raw.data(), raw.size()}, error, {}, options);
    if (!error) return value;
    add(std::string(at), "unreadable", "holds a number or text that cannot be read");
    return std::nullopt;
  }

  void add(std::string pointer, std::string code, std::string detail) {
    errors_.push_back({std::move(pointer), std::move(code), std::move(detail), ""});
  }

  const PublishRules& rules_;
  PublishRequest request_;
  std::optional<std::string> named_tenant_;
  std::string type_pointer_ = "/event_type";
  bool has_bad_type_ = false;
  std::string_view data_;
  std::optional<std::string_view> webhook_ids_;
  FieldErrors errors_;
};

tl::unexpected<Problem> one_error(std::string pointer, std::string code, std::string detail) {
  return tl::unexpected<Problem>(
      validation_problem({{std::move(pointer), std::move(code), std::move(detail), ""}}));
}

}  // namespace

std::optional<FieldError> unknown_event_type(const PublishRules& rules, const std::string& name,
                                             std::string pointer) {
  if (rules.directory.event_type(name)) return std::nullopt;
  if (rules.catalogue_is_open && is_event_type_name(name)) return std::nullopt;
  if (!is_event_type_name(name)) {
    return FieldError{
        std::move(pointer), "invalid_event_type",
        "is not an event type: use groups of letters, digits, _ and - joined by dots, at most " +
            std::to_string(limits::kEventTypeBytesMax) + " bytes",
        ""};
  }
  std::string detail = "\"" + name + "\" is not in the catalogue of event types";
  std::vector<std::string> known;
  if (rules.suggests) {
    for (const auto& type : rules.directory.event_types()) known.push_back(type->name);
  }
  const std::string closest = closest_name(name, known);
  if (!closest.empty()) detail += "; the closest one is \"" + closest + "\"";
  return FieldError{std::move(pointer), "unknown_event_type", std::move(detail), ""};
}

Checked<PublishRequest> read_publish(std::string_view body, const PublishRules& rules) {
  if (is_blank(body)) body = "{}";
  const auto members = scan_json_object(body);
  if (!members) return refuse(ProblemKind::malformed_json, members.error().message);
  return PublishReader(rules).run(*members);
}

Checked<BatchBody> read_batch(std::string_view body, std::optional<std::string> tenant_in_query,
                              const SameTenant& same, const Profile& profile) {
  if (is_blank(body)) body = "{}";
  const auto members = scan_json_object(body);
  if (!members) return refuse(ProblemKind::malformed_json, members.error().message);
  BatchBody batch;
  batch.tenant = std::move(tenant_in_query);
  FieldErrors errors;
  for (const JsonMember& as_written : *members) {
    const std::string name = unescape_json(as_written.key);
    const JsonMember member{name, as_written.value};
    if (is_tenant_word(name) || is_tenant_word_of(profile, name)) {
      read_tenant(member, batch.tenant, same, errors);
    } else if (name != "events") {
      errors.push_back({pointer_to("", name), "unknown_field",
                        "is not a field here; a batch is {\"events\": […]}", ""});
    } else if (member.value.front() == '[') {
      batch.events = json_elements(member.value);
    } else if (member.value != "null") {
      return one_error("/events", "wrong_type",
                       "expected an array, got " + std::string(raw_kind(member.value)));
    }
  }
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  if (batch.events.empty()) return one_error("/events", "required", "must hold at least one event");
  if (batch.events.size() > limits::kBatchEventsMax) {
    return one_error("/events", "too_many",
                     "may hold at most " + std::to_string(limits::kBatchEventsMax) +
                         " events; it holds " + std::to_string(batch.events.size()));
  }
  return batch;
}

}  // namespace fanfare
