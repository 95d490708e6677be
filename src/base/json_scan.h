// A scan of JSON text that Boost.JSON cannot do: it finds the byte range of each member of the
// top-level object, so that the customer's bytes are stored, signed and sent as they came, and it
// refuses what Boost.JSON lets pass: duplicate keys (at any depth) and depth over 64. Pure; linear
// in the text.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"

namespace fanfare {

struct JsonMember {
  std::string_view key;    // raw, between the quotes (escapes as written)
  std::string_view value;  // the exact bytes, without surrounding white space
};

// The members of a top-level object, in order; views into `text`. Errc::invalid, with the byte
// offset and what was expected, for anything that is not one strict RFC 8259 object: malformed
// JSON, trailing bytes, duplicate keys (compared after resolving escapes), depth over 64, more than
// 1000 keys in one object, invalid UTF-8, lone surrogate escapes, control characters in strings.
Result<std::vector<JsonMember>> scan_json_object(std::string_view text);

// The same checks for any JSON value.
Result<void> check_json(std::string_view text);

// The elements of an array, each without surrounding white space; views into it. Only for text that
// a scan has accepted.
std::vector<std::string_view> json_elements(std::string_view array);

}  // namespace fanfare
