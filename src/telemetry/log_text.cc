#include "telemetry/log_text.h"

#include <array>

#include "base/encoding.h"

namespace fanfare {
namespace {

// A longer value is cut: one line must stay readable and smaller than the pipe buffer that makes
// its write atomic.
constexpr std::size_t kValueBytesMax = 1024;

constexpr std::array<std::string_view, 5> kLevelNames = {"debug", "info", "warning", "error",
                                                         "off"};
constexpr std::array<std::string_view, 5> kLevelLabels = {"DEBUG  ", "INFO   ", "WARNING",
                                                          "ERROR  ", "OFF    "};

// The length of the well-formed UTF-8 sequence at the start of `text`, or 0 if there is none.
std::size_t sequence_length(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  return length <= text.size() && is_valid_utf8(text.substr(0, length)) ? length : 0;
}

// Control characters, and the code points that terminals and editors take for line ends, controls
// or a change of direction: C1 (U+0080–9F), U+200E–F, U+2028–2E, U+2066–69.
bool is_unsafe(std::string_view sequence) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(sequence[i]); };
  if (sequence.size() == 1) return at(0) < 0x20 || at(0) == 0x7f;
  if (sequence.size() == 2) return at(0) == 0xc2 && at(1) < 0xa0;
  if (sequence.size() != 3 || at(0) != 0xe2) return false;
  if (at(1) == 0x80) return (at(2) >= 0xa8 && at(2) <= 0xae) || at(2) == 0x8e || at(2) == 0x8f;
  return at(1) == 0x81 && at(2) >= 0xa6 && at(2) <= 0xa9;
}

unsigned code_point(std::string_view sequence) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned>(sequence[i]) & 0xffU; };
  if (sequence.size() == 1) return at(0);
  if (sequence.size() == 2) return (at(0) & 0x1fU) << 6 | (at(1) & 0x3fU);
  return (at(0) & 0x0fU) << 12 | (at(1) & 0x3fU) << 6 | (at(2) & 0x3fU);
}

void append_escape(std::string& out, unsigned code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kDigits[(code >> shift) & 0xfU];
}

// The inside of a JSON string (RFC 8259 7). Bytes that are not UTF-8 become U+FFFD.
void append_escaped(std::string& out, std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && at < kValueBytesMax) {
    const std::size_t length = sequence_length(text.substr(at));
    const std::string_view sequence = text.substr(at, length);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (sequence == "\"" || sequence == "\\") {
      (out += '\\') += sequence;
    } else if (sequence == "\n") {
      out += "\\n";
    } else if (is_unsafe(sequence)) {
      append_escape(out, code_point(sequence));
    } else {
      out += sequence;
    }
    at += length == 0 ? 1 : length;
  }
  if (at < text.size()) out += "…";
}

void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  append_escaped(out, text);
  out += '"';
}

// Ids, numbers, URLs and host names stand bare; anything that could be mistaken for more than one
// value is quoted.
bool reads_bare(std::string_view text) {
  constexpr std::string_view kBare =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.:/@+*%?&[],~";
  return !text.empty() && text.size() <= kValueBytesMax &&
         text.find_first_not_of(kBare) == std::string_view::npos;
}

void append_value(std::string& out, const LogField::Value& value, LogFormat format) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    out += std::to_string(*number);
  } else if (const auto* boolean = std::get_if<bool>(&value)) {
    out += *boolean ? "true" : "false";
  } else if (const auto text = std::get<std::string_view>(value);
             format == LogFormat::pretty && reads_bare(text)) {
    out += text;
  } else {
    append_quoted(out, text);
  }
}

}  // namespace

std::string pretty_line(const LogLine& line) {
  std::string out = format_rfc3339(line.at);
  ((out += ' ') += kLevelLabels[static_cast<std::size_t>(line.level)]) += ' ';
  append_escaped(out, line.message);
  std::string_view gap = "  ";
  for (const LogField& field : line.fields) {
    ((out += gap) += field.name()) += '=';
    append_value(out, field.value(), LogFormat::pretty);
    gap = " ";
  }
  return out;
}

std::string json_line(const LogLine& line) {
  std::string out = "{\"ts\":\"" + format_rfc3339(line.at) + "\",\"level\":\"";
  (out += kLevelNames[static_cast<std::size_t>(line.level)]) += "\",\"msg\":";
  append_quoted(out, line.message);
  for (const LogField& field : line.fields) {
    out += ',';
    append_quoted(out, field.name());
    out += ':';
    append_value(out, field.value(), LogFormat::json);
  }
  return out += '}';
}

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (std::size_t i = 0; i < kLevelNames.size(); ++i)
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

std::optional<LogFormat> log_format_named(std::string_view name) {
  if (name == "pretty") return LogFormat::pretty;
  if (name == "json") return LogFormat::json;
  return std::nullopt;
}

}  // namespace fanfare
