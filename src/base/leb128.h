// LEB128: an unsigned number in as few bytes as it needs, seven bits each, the lowest first. For
// compact bytes in the database.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace fanfare {

void append_leb128(std::string& out, std::uint64_t number);
// Takes a number off the front; none if it is cut short or does not fit.
std::optional<std::uint64_t> take_leb128(std::string_view& bytes);

// Signed numbers near zero take few bytes too: 0, -1, 1, -2 … become 0, 1, 2, 3 …
inline void append_signed_leb128(std::string& out, std::int64_t number) {
  const auto bits = static_cast<std::uint64_t>(number);
  append_leb128(out, (bits << 1) ^ (number < 0 ? ~std::uint64_t{0} : 0));
}
inline std::optional<std::int64_t> take_signed_leb128(std::string_view& bytes) {
  const auto bits = take_leb128(bytes);
  if (!bits) return std::nullopt;
  return static_cast<std::int64_t>((*bits >> 1) ^ ((*bits & 1) != 0 ? ~std::uint64_t{0} : 0));
}

}  // namespace fanfare
