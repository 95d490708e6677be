#include "base/json_text.h"

#include <cstdint>

#include "base/assert.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

constexpr std::string_view kHex = "0123456789abcdef";

void append_escape(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      break;
  }
  const auto byte = static_cast<std::uint8_t>(c);
  out += "\\u00";
  out += kHex[byte >> 4];
  out += kHex[byte & 15];
}

std::uint32_t hex4(std::string_view raw, std::size_t at) {
  FANFARE_ASSERT(at + 4 <= raw.size());
  std::uint32_t value = 0;
  for (const char c : raw.substr(at, 4)) {
    const auto lower = static_cast<char>(c | 0x20);
    value = value << 4 | static_cast<std::uint32_t>(c <= '9' ? c - '0' : lower - 'a' + 10);
  }
  return value;
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&out](std::uint32_t bits) { out += static_cast<char>(0x80 | (bits & 0x3F)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0 | point >> 6);
    tail(point);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0 | point >> 12);
    tail(point >> 6);
    tail(point);
  } else {
    out += static_cast<char>(0xF0 | point >> 18);
    tail(point >> 12);
    tail(point >> 6);
    tail(point);
  }
}

// Appends what the escape at raw[at] (its backslash) stands for and returns its length.
std::size_t append_unescaped(std::string& out, std::string_view raw, std::size_t at) {
  FANFARE_ASSERT(at + 1 < raw.size());
  constexpr std::string_view kLetters = "bfnrt";
  constexpr std::string_view kMeanings = "\b\f\n\r\t";
  const char letter = raw[at + 1];
  if (letter != 'u') {
    const std::size_t found = kLetters.find(letter);
    out += found == std::string_view::npos ? letter : kMeanings[found];
    return 2;
  }
  const std::uint32_t unit = hex4(raw, at + 2);
  if (unit < 0xD800 || unit > 0xDBFF) {
    append_utf8(out, unit);
    return 6;
  }
  append_utf8(out, 0x10000 + ((unit - 0xD800) << 10) + (hex4(raw, at + 8) - 0xDC00));
  return 12;
}

std::string with_bad_bytes_replaced(std::string_view text) {
  constexpr std::string_view kReplacement = "\xEF\xBF\xBD";
  std::string valid;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    valid += length == 0 ? kReplacement : text.substr(0, length);
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return valid;
}

}  // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t copied = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<std::uint8_t>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, copied, i - copied);
    append_escape(out, c);
    copied = i + 1;
  }
  out.append(text, copied);
  out += '"';
}

void append_lossy_json_string(std::string& out, std::string_view text) {
  if (is_valid_utf8(text)) return append_json_string(out, text);
  append_json_string(out, with_bad_bytes_replaced(text));
}

std::string unescape_json(std::string_view raw) {
  std::string text;
  text.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size();) {
    if (raw[i] == '\\') {
      i += append_unescaped(text, raw, i);
    } else {
      text += raw[i++];
    }
  }
  return text;
}

}  // namespace fanfare
