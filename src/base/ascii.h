// Letters of ASCII without regard to case, whatever the locale: names of headers, hosts and
// schemes. Other bytes stand for themselves.
#pragma once

#include <string>
#include <string_view>

namespace fanfare {

constexpr char lower_case(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
std::string lower_case(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace fanfare
