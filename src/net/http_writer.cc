#include "net/http_writer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include "base/ascii.h"
#include "base/http_token.h"
#include "net/head_check.h"

namespace fanfare::net {

namespace {

void append_number(std::string& out, std::uint64_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

void append_two_digits(std::string& out, unsigned number) {
  out += static_cast<char>('0' + number / 10);
  out += static_cast<char>('0' + number % 10);
}

bool is_servers_own(std::string_view name) {
  switch (name.size()) {
    case 4:
      return equals_ignoring_case(name, "date");
    case 10:
      return equals_ignoring_case(name, "connection");
    case 14:
      return equals_ignoring_case(name, "content-length");
    case 17:
      return equals_ignoring_case(name, "transfer-encoding");
    default:
      return false;
  }
}

}  // namespace

std::string_view DateCache::at(Timestamp now) {
  namespace chrono = std::chrono;
  constexpr std::string_view kDays = "SunMonTueWedThuFriSat";
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const auto seconds = chrono::floor<chrono::seconds>(now);
  if (seconds.time_since_epoch().count() == second_) return text_;
  second_ = seconds.time_since_epoch().count();
  const auto day = chrono::floor<chrono::days>(seconds);
  const chrono::year_month_day date{day};
  const chrono::hh_mm_ss time{seconds - day};
  text_.clear();
  text_ += kDays.substr(chrono::weekday{day}.c_encoding() * 3, 3);
  text_ += ", ";
  append_two_digits(text_, static_cast<unsigned>(date.day()));
  text_ += ' ';
  text_ += kMonths.substr((static_cast<unsigned>(date.month()) - 1) * 3, 3);
  text_ += ' ';
  append_number(text_, static_cast<std::uint64_t>(static_cast<int>(date.year())));
  text_ += ' ';
  append_two_digits(text_, static_cast<unsigned>(time.hours().count()));
  text_ += ':';
  append_two_digits(text_, static_cast<unsigned>(time.minutes().count()));
  text_ += ':';
  append_two_digits(text_, static_cast<unsigned>(time.seconds().count()));
  text_ += " GMT";
  return text_;
}

bool may_have_body(int status) {
  return status != 204 && status != 304;
}

std::string_view reason_phrase(int status) {
  constexpr std::pair<int, std::string_view> kPhrases[] = {
      {200, "OK"},
      {201, "Created"},
      {202, "Accepted"},
      {204, "No Content"},
      {206, "Partial Content"},
      {301, "Moved Permanently"},
      {302, "Found"},
      {303, "See Other"},
      {304, "Not Modified"},
      {307, "Temporary Redirect"},
      {308, "Permanent Redirect"},
      {400, "Bad Request"},
      {401, "Unauthorized"},
      {403, "Forbidden"},
      {404, "Not Found"},
      {405, "Method Not Allowed"},
      {406, "Not Acceptable"},
      {408, "Request Timeout"},
      {409, "Conflict"},
      {410, "Gone"},
      {412, "Precondition Failed"},
      {413, "Content Too Large"},
      {414, "URI Too Long"},
      {415, "Unsupported Media Type"},
      {417, "Expectation Failed"},
      {422, "Unprocessable Content"},
      {428, "Precondition Required"},
      {429, "Too Many Requests"},
      {431, "Request Header Fields Too Large"},
      {500, "Internal Server Error"},
      {501, "Not Implemented"},
      {502, "Bad Gateway"},
      {503, "Service Unavailable"},
      {504, "Gateway Timeout"},
      {505, "HTTP Version Not Supported"},
  };
  const auto found = std::find_if(std::begin(kPhrases), std::end(kPhrases),
                                  [status](const auto& row) { return row.first == status; });
  return found == std::end(kPhrases) ? std::string_view{} : found->second;
}

bool append_answer_head(std::string& out, const HttpResponse& response, const AnswerFacts& facts) {
  if (response.status < 200 || response.status > 599) return false;
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name) || !is_field_value(value)) return false;
  }
  out += "HTTP/1.1 ";
  append_number(out, static_cast<std::uint64_t>(response.status));
  out += ' ';
  out += reason_phrase(response.status);
  out += "\r\nDate: ";
  out += facts.date;
  for (const auto& [name, value] : response.headers) {
    if (is_servers_own(name)) continue;
    out += "\r\n";
    out += name;
    out += ": ";
    out += value;
  }
  if (may_have_body(response.status)) {
    out += "\r\nContent-Length: ";
    append_number(out, response.body.size());
  }
  if (!facts.is_kept_alive) {
    out += "\r\nConnection: close";
  } else if (facts.is_http10) {
    out += "\r\nConnection: keep-alive";
  }
  out += "\r\n\r\n";
  return true;
}

}  // namespace fanfare::net
