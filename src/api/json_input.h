// Checked reading of request bodies. A body is one strict JSON object; each field is asked for by
// name and rule, every mistake is collected with its JSON pointer, and fields that nobody asked for
// are named in an error.
#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "api/problem.h"
#include "domain/tenant.h"

namespace fanfare {

// The object in a body; an empty body, or one of white space, is {}. 400 malformed_json says where
// it goes wrong.
Checked<boost::json::object> parse_object(std::string_view body);
// Whether a body is white space only, which is read as {}.
bool is_blank(std::string_view body);
// Whether two different texts name one tenant: its id and its external_id do (principal.h).
using SameTenant = std::function<bool(const std::string& a, const std::string& b)>;
// The exact bytes of one member of a body that parse_object has accepted; empty if there is none.
std::string_view raw_member(std::string_view body, std::string_view name);
// Appends a reference token to a JSON pointer (RFC 6901: `~` and `/` are escaped).
std::string pointer_to(std::string_view base, std::string_view token);
// "a string", "an array", …: what a value is, for "expected … got …".
std::string_view kind_name(const boost::json::value& value);

struct TextRule {
  std::size_t bytes_min = 0;
  std::size_t bytes_max = 0;
  bool allows_lines = false;  // line breaks and tabs; other control characters never
};

// Reads one object of a body. Absent and null fields read as none; `has_null` tells them apart, for
// merge patches.
class ObjectReader {
 public:
  ObjectReader(const boost::json::object& object, std::string pointer, FieldErrors& errors)
      : object_(object), pointer_(std::move(pointer)), errors_(errors) {}

  // The value whatever its type; none if absent or null.
  const boost::json::value* any(std::string_view name);
  bool has_null(std::string_view name) const;
  bool has(std::string_view name) const { return object_.contains(name); }

  std::optional<std::string> text(std::string_view name, const TextRule& rule);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high);
  std::optional<double> real(std::string_view name, double low, double high);
  const boost::json::object* object(std::string_view name);
  const boost::json::array* array(std::string_view name);
  // {string: string}; members with null are handed on as erased, as a merge patch does.
  void merge_metadata(std::string_view name, Metadata& into);
  // The tenant a request names: `elsewhere` (in the query), or here under any of the words for it.
  // Whether it may is the caller's to check.
  std::optional<std::string> tenant(std::optional<std::string> elsewhere, const SameTenant& same);

  // Names a field as known without reading it.
  void ignore(std::string_view name) { known_.emplace_back(name); }
  void require(std::string_view name, std::string_view what);
  void add_error(std::string_view name, std::string code, std::string detail);
  void add_type_error(std::string_view name, std::string_view expected,
                      const boost::json::value& got);
  std::string pointer(std::string_view name) const { return pointer_to(pointer_, name); }
  // Reports the fields that nobody asked for. Call last.
  void finish();

 private:
  const boost::json::object& object_;
  std::string pointer_;
  FieldErrors& errors_;
  std::vector<std::string> known_;
};

// `; did you mean "…"?` where a typing mistake explains the name; empty for a stranger.
std::string suggestion(std::string_view name, const std::vector<std::string>& known);

// The words under which a body names its tenant.
inline constexpr std::array<std::string_view, 4> kTenantWords = {"tenant_id", "client_id", "org_id",
                                                                 "user_id"};
bool is_tenant_word(std::string_view name);
// `text` was read under one of them, at `pointer`. `named` is what the request says already, in
// the query or under another word; to name another tenant now is a mistake.
void name_tenant(std::string text, std::string pointer, std::optional<std::string>& named,
                 const SameTenant& same, FieldErrors& errors);

// "must be …" rules shared with readers that do not use ObjectReader. None if the text obeys.
std::optional<std::string> broken_rule(std::string_view text, const TextRule& rule);

}  // namespace fanfare
