// A token of RFC 9110 5.6.2: what the name of a header or a method is made of. The one place that
// knows which bytes those are; a table, because every field of every head is looked at.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

namespace fanfare {

inline constexpr auto kTokenBytes = [] {
  std::array<bool, 256> is_in{};
  for (unsigned c = '0'; c <= '9'; ++c) is_in[c] = true;
  for (unsigned c = 'A'; c <= 'Z'; ++c) is_in[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) is_in[c] = true;
  for (const char c : std::string_view("!#$%&'*+-.^_`|~")) is_in[static_cast<unsigned>(c)] = true;
  return is_in;
}();

constexpr bool is_token_byte(char c) {
  return kTokenBytes[static_cast<std::uint8_t>(c)];
}

constexpr bool is_token(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return is_token_byte(c); });
}

}  // namespace fanfare
