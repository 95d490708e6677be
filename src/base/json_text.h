// The text of JSON strings: writing one, and reading one that base/json_scan.h has checked. Pure.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

// Appends `text`, which must be UTF-8, as a JSON string with its quotes. Escapes only what RFC 8259
// 7 demands: the quote, the backslash and control characters.
void append_json_string(std::string& out, std::string_view text);
// The same for any bytes: those that are not UTF-8 become U+FFFD, one for each byte.
void append_lossy_json_string(std::string& out, std::string_view text);

// The value of a JSON string given raw, between its quotes, as JsonMember::key holds it. Only for
// text that the scanner has accepted.
std::string unescape_json(std::string_view raw);

}  // namespace fanfare
