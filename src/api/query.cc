#include "api/query.h"

#include <algorithm>
#include <charconv>

#include "api/json_input.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = hex_digit(text[i + 1]);
    const int low = hex_digit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (!is_valid_utf8(out) || out.find('\0') != std::string::npos) return std::nullopt;
  return out;
}

QueryReader::QueryReader(std::string_view query) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = percent_decode(pair.substr(0, equals), true);
    auto value = percent_decode(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value) {
      add_error("query", "malformed", "the query string is not valid percent-encoded UTF-8");
      continue;
    }
    if (!values_.emplace(*name, std::move(*value)).second) {
      add_error(*name, "duplicate", "is given more than once");
    }
  }
}

void QueryReader::add_error(std::string_view parameter, std::string code, std::string detail) {
  errors_.push_back({"", std::move(code), std::move(detail), std::string(parameter)});
}

std::optional<std::string> QueryReader::paging_text(std::string_view name) {
  known_.emplace_back(name);
  const auto found = values_.find(name);
  if (found == values_.end() || found->second.empty()) return std::nullopt;
  return found->second;
}

std::optional<std::string> QueryReader::text(std::initializer_list<std::string_view> names) {
  std::optional<std::string> result;
  for (const std::string_view name : names) {
    auto value = paging_text(name);
    if (!value) continue;
    if (result && *result != *value) {
      add_error(name, "conflicting", "says something else than another name of the same parameter");
    }
    result = std::move(value);
  }
  if (result) {
    filter_.append(*names.begin()).append(1, '=');
    filter_.append(std::to_string(result->size())).append(1, ':').append(*result).append(1, '&');
  }
  return result;
}

std::optional<int> QueryReader::integer(std::string_view name, int low, int high) {
  const auto value = name == "limit" ? paging_text(name) : text(name);
  if (!value) return std::nullopt;
  int number = 0;
  const char* end = value->data() + value->size();
  const auto [stop, error] = std::from_chars(value->data(), end, number);
  if (error != std::errc{} || stop != end || number < low || number > high) {
    add_error(name, "out_of_range",
              "must be a whole number from " + std::to_string(low) + " to " + std::to_string(high));
    return std::nullopt;
  }
  return number;
}

std::optional<Timestamp> QueryReader::time(std::string_view name) {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const auto when = parse_rfc3339(*value);
  if (!when) {
    add_error(name, "invalid_time", "must be an RFC 3339 time such as 2026-03-01T12:00:00Z");
    return std::nullopt;
  }
  return *when;
}

std::optional<Problem> QueryReader::finish() {
  for (const auto& [name, value] : values_) {
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::string detail = "there is no such parameter here";
    if (!errors_.is_full()) detail += suggestion(name, known_);
    add_error(name, "unknown_parameter", std::move(detail));
  }
  if (errors_.empty()) return std::nullopt;
  return validation_problem(std::move(errors_));
}

}  // namespace fanfare
