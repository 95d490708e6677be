#include "api/json_input.h"

#include <algorithm>
#include <cmath>

#include <boost/json/parse.hpp>

#include "base/edit_distance.h"
#include "base/json_scan.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "domain/webhook.h"

namespace fanfare {

namespace json = boost::json;

namespace {

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

std::optional<std::int64_t> whole_number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_double()) {
    const double number = value.get_double();
    if (std::abs(number) < 1e15 && number == std::floor(number)) {
      return static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

}  // namespace

std::string suggestion(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kNameBytesMax = 64;
  if (name.size() > kNameBytesMax) return "";
  const std::string closest = closest_name(name, known);
  const std::size_t near = std::max<std::size_t>(2, name.size() / 3);
  if (closest.empty() || edit_distance(name, closest) > near) return "";
  return "; did you mean \"" + closest + "\"?";
}

bool is_blank(std::string_view body) {
  return body.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Checked<json::object> parse_object(std::string_view body) {
  if (is_blank(body)) return json::object{};
  if (const auto members = scan_json_object(body); !members) {
    return refuse(ProblemKind::malformed_json, members.error().message);
  }
  json::error_code error;
  json::parse_options options;
  options.max_depth = limits::kJsonDepthMax + 1;
  json::value value = json::parse({body.data(), body.size()}, error, {}, options);
  if (error || !value.is_object()) {
    return refuse(ProblemKind::malformed_json,
                  "The body holds a number or text that cannot be read.");
  }
  return std::move(value.get_object());
}

std::string_view raw_member(std::string_view body, std::string_view name) {
  const auto members = scan_json_object(body);
  if (!members) return {};
  for (const JsonMember& member : *members) {
    if (unescape_json(member.key) == name) return member.value;
  }
  return {};
}

std::string pointer_to(std::string_view base, std::string_view token) {
  std::string pointer(base);
  pointer += '/';
  for (const char c : token) {
    if (c == '~') {
      pointer += "~0";
    } else if (c == '/') {
      pointer += "~1";
    } else {
      pointer += c;
    }
  }
  return pointer;
}

std::string_view kind_name(const json::value& value) {
  switch (value.kind()) {
    case json::kind::null:
      return "null";
    case json::kind::bool_:
      return "true or false";
    case json::kind::string:
      return "a string";
    case json::kind::array:
      return "an array";
    case json::kind::object:
      return "an object";
    default:
      return "a number";
  }
}

std::optional<std::string> broken_rule(std::string_view text, const TextRule& rule) {
  if (text.size() < rule.bytes_min) {
    if (rule.bytes_min == 1) return "must not be empty";
    return "must have at least " + std::to_string(rule.bytes_min) + " bytes";
  }
  if (text.size() > rule.bytes_max) {
    return "must have at most " + std::to_string(rule.bytes_max) + " bytes; it has " +
           std::to_string(text.size());
  }
  for (const char c : text) {
    const bool is_layout = c == '\n' || c == '\r' || c == '\t';
    const bool is_control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
    if (is_control && !(is_layout && rule.allows_lines)) {
      return "must not hold control characters";
    }
  }
  return std::nullopt;
}

const json::value* ObjectReader::any(std::string_view name) {
  ignore(name);
  const json::value* value = object_.if_contains(name);
  return value == nullptr || value->is_null() ? nullptr : value;
}

bool ObjectReader::has_null(std::string_view name) const {
  const json::value* value = object_.if_contains(name);
  return value != nullptr && value->is_null();
}

std::optional<std::string> ObjectReader::text(std::string_view name, const TextRule& rule) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) {
    add_type_error(name, "a string", *value);
    return std::nullopt;
  }
  const std::string_view text = view(value->get_string());
  if (auto broken = broken_rule(text, rule)) {
    add_error(name, "invalid_text", std::move(*broken));
    return std::nullopt;
  }
  return std::string(text);
}

std::optional<bool> ObjectReader::flag(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_bool()) {
    add_type_error(name, "true or false", *value);
    return std::nullopt;
  }
  return value->get_bool();
}

std::optional<std::int64_t> ObjectReader::integer(std::string_view name, std::int64_t low,
                                                  std::int64_t high) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    add_type_error(name, "a whole number", *value);
    return std::nullopt;
  }
  const auto number = whole_number(*value);
  if (!number || *number < low || *number > high) {
    add_error(name, "out_of_range",
              "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  return number;
}

std::optional<double> ObjectReader::real(std::string_view name, double low, double high) {
  const json::value* value = any(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) {
    add_type_error(name, "a number", *value);
    return std::nullopt;
  }
  const double number = value->to_number<double>();
  if (!(number >= low && number <= high)) {
    const auto shown = [](double bound) {
      return std::to_string(static_cast<std::int64_t>(bound));
    };
    add_error(name, "out_of_range", "must be a number from " + shown(low) + " to " + shown(high));
    return std::nullopt;
  }
  return number;
}

const json::object* ObjectReader::object(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) return nullptr;
  if (!value->is_object()) {
    add_type_error(name, "an object", *value);
    return nullptr;
  }
  return &value->get_object();
}

const json::array* ObjectReader::array(std::string_view name) {
  const json::value* value = any(name);
  if (value == nullptr) return nullptr;
  if (!value->is_array()) {
    add_type_error(name, "an array", *value);
    return nullptr;
  }
  return &value->get_array();
}

void ObjectReader::merge_metadata(std::string_view name, Metadata& into) {
  const json::object* members = object(name);
  if (members == nullptr) return;
  constexpr TextRule kKeyRule{1, limits::kNameBytesMax, false};
  constexpr TextRule kValueRule{0, limits::kMetadataValueBytesMax, true};
  for (const auto& member : *members) {
    const std::string_view key{member.key().data(), member.key().size()};
    const std::string at = pointer_to(pointer(name), key);
    if (member.value().is_null()) {
      into.erase(std::string(key));
      continue;
    }
    if (!member.value().is_string()) {
      errors_.push_back({at, "wrong_type",
                         "expected a string, got " + std::string(kind_name(member.value())), ""});
      continue;
    }
    const std::string_view text = view(member.value().get_string());
    auto broken = broken_rule(key, kKeyRule);
    if (!broken) broken = broken_rule(text, kValueRule);
    if (broken) {
      errors_.push_back({at, "invalid_text", std::move(*broken), ""});
      continue;
    }
    into[std::string(key)] = std::string(text);
  }
  if (into.size() > limits::kMetadataEntriesMax) {
    add_error(name, "too_many",
              "may have at most " + std::to_string(limits::kMetadataEntriesMax) + " entries");
  }
}

bool is_tenant_word(std::string_view name) {
  return std::find(kTenantWords.begin(), kTenantWords.end(), name) != kTenantWords.end();
}

void name_tenant(std::string text, std::string pointer, std::optional<std::string>& named,
                 const SameTenant& same, FieldErrors& errors) {
  constexpr TextRule kRule{1, limits::kEventIdBytesMax, false};
  if (auto broken = broken_rule(text, kRule)) {
    errors.push_back({std::move(pointer), "invalid_text", std::move(*broken), ""});
    return;
  }
  if (named && *named != text && !same(*named, text)) {
    errors.push_back({std::move(pointer), "conflicting",
                      "names another tenant than the request does elsewhere", ""});
  }
  named = std::move(text);
}

std::optional<std::string> ObjectReader::tenant(std::optional<std::string> elsewhere,
                                                const SameTenant& same) {
  std::optional<std::string> named = std::move(elsewhere);
  for (const std::string_view name : kTenantWords) {
    const json::value* value = any(name);
    if (value == nullptr) continue;
    if (value->is_string()) {
      name_tenant(std::string(view(value->get_string())), pointer(name), named, same, errors_);
    } else {
      add_type_error(name, "a string", *value);
    }
  }
  return named;
}

void ObjectReader::require(std::string_view name, std::string_view what) {
  const json::value* value = object_.if_contains(name);
  if (value == nullptr || value->is_null()) {
    add_error(name, "required", "is required: " + std::string(what));
  }
}

void ObjectReader::add_error(std::string_view name, std::string code, std::string detail) {
  if (errors_.is_full()) return errors_.push_back({});
  errors_.push_back({pointer(name), std::move(code), std::move(detail), ""});
}

void ObjectReader::add_type_error(std::string_view name, std::string_view expected,
                                  const json::value& got) {
  add_error(name, "wrong_type",
            "expected " + std::string(expected) + ", got " + std::string(kind_name(got)));
}

void ObjectReader::finish() {
  for (const auto& member : object_) {
    const std::string_view name{member.key().data(), member.key().size()};
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    if (errors_.is_full()) {
      errors_.push_back({});
      continue;
    }
    add_error(name, "unknown_field", "is not a field here" + suggestion(name, known_));
  }
}

}  // namespace fanfare
