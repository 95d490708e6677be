#include "domain/webhook_codec.h"

#include <array>
#include <charconv>
#include <cmath>

#include <boost/json.hpp>

#include "base/assert.h"
#include "base/json_scan.h"
#include "base/json_text.h"

namespace fanfare {
namespace {

namespace json = boost::json;

tl::unexpected<Error> corrupt(std::string_view what) {
  return fail(Errc::corrupt, "stored webhook settings do not parse: " + std::string(what));
}

json::object signature_object(const SignatureSettings& signature) {
  json::object object{{"scheme", name_of(signature.scheme)}};
  if (!signature.header.empty()) object["header"] = signature.header;
  if (!signature.header_prefix.empty()) object["header_prefix"] = signature.header_prefix;
  if (signature.ed25519) object["ed25519"] = true;
  return object;
}

// The shortest text that reads back as the same number. It is stored as a string: Boost.JSON 1.81
// does not round the numbers it reads correctly, and settings that come back different would look
// changed.
std::string text_of(double number) {
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
  FANFARE_ASSERT(end.ec == std::errc());
  return std::string(buffer.data(), end.ptr);
}

json::object retry_object(const RetryPolicy& retry) {
  json::array schedule;
  for (const Millis delay : retry.schedule) schedule.emplace_back(delay.count());
  json::object object{{"schedule_ms", std::move(schedule)},
                      {"attempts", retry.attempts},
                      {"jitter_low", text_of(retry.jitter_low)},
                      {"jitter_high", text_of(retry.jitter_high)}};
  if (!retry.preset.empty()) object["preset"] = retry.preset;
  return object;
}

// Reads members of one object into fields that already hold their defaults: an absent member leaves
// its field alone, one of the wrong type or range is remembered. The caller asks once, at the end.
class Fields {
 public:
  explicit Fields(const json::object& object) : object_(object) {}

  void read(const char* name, std::string& field) {
    if (const json::value* value = object_.if_contains(name)) read_value(name, *value, field);
  }
  void read(const char* name, bool& field) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return;
    if (value->is_bool()) {
      field = value->get_bool();
    } else {
      wrong_ = name;
    }
  }
  void read(const char* name, double& field) {
    if (object_.if_contains(name) == nullptr) return;
    std::string text;
    read(name, text);
    double number = 0;
    const auto end = std::from_chars(text.data(), text.data() + text.size(), number);
    if (end.ec != std::errc() || end.ptr != text.data() + text.size() || !std::isfinite(number)) {
      wrong_ = name;
    } else {
      field = number;
    }
  }
  // Every number here is a count or a time: 1 or more.
  void read(const char* name, int& field) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return;
    boost::system::error_code error;
    const int number = value->to_number<int>(error);
    if (error || number < 1) {
      wrong_ = name;
    } else {
      field = number;
    }
  }
  void read(const char* name, Millis& field) {
    if (const json::value* value = object_.if_contains(name)) read_value(name, *value, field);
  }
  template <class T>
  void read(const char* name, std::vector<T>& field) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return;
    if (!value->is_array()) {
      wrong_ = name;
      return;
    }
    field.clear();
    for (const json::value& item : value->get_array()) read_value(name, item, field.emplace_back());
  }
  template <class E>
  void read_enum(const char* name, std::optional<E> (*named)(std::string_view), E& field) {
    std::string text(name_of(field));
    read(name, text);
    if (const auto value = named(text)) {
      field = *value;
    } else {
      wrong_ = name;
    }
  }
  // The object at `name`; an empty one if there is none.
  json::object object(const char* name) {
    const json::value* value = object_.if_contains(name);
    if (value == nullptr) return {};
    if (!value->is_object()) {
      wrong_ = name;
      return {};
    }
    return value->get_object();
  }
  Result<void> done() const {
    if (wrong_ != nullptr) return corrupt(wrong_);
    return {};
  }

 private:
  void read_value(const char* name, const json::value& value, std::string& field) {
    if (value.is_string()) {
      field = std::string(std::string_view(value.get_string()));
    } else {
      wrong_ = name;
    }
  }
  void read_value(const char* name, const json::value& value, Millis& field) {
    boost::system::error_code error;
    const auto ms = value.to_number<std::int64_t>(error);
    if (error || ms < 1) {
      wrong_ = name;
    } else {
      field = Millis{ms};
    }
  }

  const json::object& object_;
  const char* wrong_ = nullptr;
};

Result<SignatureSettings> signature_of(const json::object& object) {
  SignatureSettings signature;
  Fields fields(object);
  fields.read_enum("scheme", signature_scheme_named, signature.scheme);
  fields.read("header", signature.header);
  fields.read("header_prefix", signature.header_prefix);
  fields.read("ed25519", signature.ed25519);
  TRY_VOID(fields.done());
  return signature;
}

Result<RetryPolicy> retry_of(const json::object& object) {
  RetryPolicy retry;
  Fields fields(object);
  fields.read("preset", retry.preset);
  fields.read("schedule_ms", retry.schedule);
  fields.read("attempts", retry.attempts);
  fields.read("jitter_low", retry.jitter_low);
  fields.read("jitter_high", retry.jitter_high);
  TRY_VOID(fields.done());
  return retry;
}

Result<Metadata> metadata_of(const json::object& object) {
  Metadata metadata;
  for (const auto& [key, value] : object) {
    if (!value.is_string()) return corrupt("metadata");
    metadata.emplace(std::string_view(key), std::string_view(value.get_string()));
  }
  return metadata;
}

Result<WebhookSettings> settings_of(const json::object& object) {
  WebhookSettings settings;
  Fields fields(object);
  fields.read("url", settings.url);
  fields.read("events", settings.events);
  fields.read("name", settings.name);
  fields.read("description", settings.description);
  fields.read("legacy_id", settings.legacy_id);
  fields.read_enum("envelope", envelope_named, settings.envelope);
  fields.read("timeout_ms", settings.timeout);
  fields.read("max_in_flight", settings.max_in_flight);
  if (object.contains("failure_threshold")) {
    fields.read("failure_threshold", settings.failure_threshold.emplace());
  }
  std::vector<std::string> header_names;
  fields.read("headers", header_names);
  for (std::string& name : header_names) settings.headers.push_back({std::move(name), Secret()});
  TRY(settings.signature, signature_of(fields.object("signature")));
  TRY(settings.retry, retry_of(fields.object("retry")));
  TRY(settings.metadata, metadata_of(fields.object("metadata")));
  TRY_VOID(fields.done());
  return settings;
}

// The value of a member that must be a string.
Result<std::string> text_of(const JsonMember& member) {
  if (!member.value.starts_with('"')) {
    return fail(Errc::corrupt,
                "the stored value of \"" + std::string(member.key) + "\" is not a string");
  }
  return unescape_json(member.value.substr(1, member.value.size() - 2));
}

// The scanner's message names an offset and never shows the text, which may hold secrets.
Result<std::vector<JsonMember>> members_of(std::string_view text) {
  auto members = scan_json_object(text);
  if (!members) return fail(Errc::corrupt, std::move(members.error().message));
  return members;
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  if (out.size() > 1) out += ',';
  append_json_string(out, name);
  out += ':';
  append_json_string(out, value);
}

}  // namespace

std::string encode_settings(const WebhookSettings& settings) {
  json::array header_names;
  for (const CustomHeader& header : settings.headers) header_names.emplace_back(header.name);
  json::array events;
  for (const std::string& pattern : settings.events) events.emplace_back(pattern);
  json::object metadata;
  for (const auto& [key, value] : settings.metadata) metadata[key] = value;
  json::object object{{"url", settings.url},
                      {"events", std::move(events)},
                      {"name", settings.name},
                      {"description", settings.description},
                      {"headers", std::move(header_names)},
                      {"signature", signature_object(settings.signature)},
                      {"envelope", name_of(settings.envelope)},
                      {"retry", retry_object(settings.retry)},
                      {"timeout_ms", settings.timeout.count()},
                      {"max_in_flight", settings.max_in_flight},
                      {"metadata", std::move(metadata)}};
  // Absent means none: a store keeps those that are there unique.
  if (!settings.legacy_id.empty()) object["legacy_id"] = settings.legacy_id;
  if (settings.failure_threshold) object["failure_threshold"] = *settings.failure_threshold;
  return json::serialize(object);
}

Result<WebhookSettings> decode_settings(std::string_view text) {
  boost::system::error_code error;
  const json::value parsed = json::parse(json::string_view(text.data(), text.size()), error);
  if (error) return corrupt("it is not JSON");
  if (!parsed.is_object()) return corrupt("it is not an object");
  return settings_of(parsed.get_object());
}

Secret encode_headers(const std::vector<CustomHeader>& headers) {
  // Reserved for the worst case (every byte escaped to six), so that no outgrown copy of a secret
  // stays behind.
  std::size_t bytes_max = 2;
  for (const CustomHeader& header : headers) {
    bytes_max += 6 * (header.name.size() + header.value.reveal().size()) + 6;
  }
  std::string text;
  text.reserve(bytes_max);
  text += '{';
  for (const CustomHeader& header : headers)
    append_member(text, header.name, header.value.reveal());
  text += '}';
  return Secret(std::move(text));
}

Result<std::vector<CustomHeader>> decode_headers(const Secret& secret) {
  TRY(const std::vector<JsonMember> members, members_of(secret.reveal()));
  std::vector<CustomHeader> headers;
  headers.reserve(members.size());
  for (const JsonMember& member : members) {
    TRY(std::string value, text_of(member));
    headers.push_back({unescape_json(member.key), Secret(std::move(value))});
  }
  return headers;
}

std::string encode_metadata(const Metadata& metadata) {
  std::string text = "{";
  for (const auto& [key, value] : metadata) append_member(text, key, value);
  text += '}';
  return text;
}

Result<Metadata> decode_metadata(std::string_view text) {
  TRY(const std::vector<JsonMember> members, members_of(text));
  Metadata metadata;
  for (const JsonMember& member : members) {
    TRY(std::string value, text_of(member));
    metadata.emplace(unescape_json(member.key), std::move(value));
  }
  return metadata;
}

}  // namespace fanfare
