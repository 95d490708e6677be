#include "base/leb128.h"

namespace fanfare {

void append_leb128(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out.push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  out.push_back(static_cast<char>(number));
}

std::optional<std::uint64_t> take_leb128(std::string_view& bytes) {
  std::uint64_t number = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    if (bytes.empty()) return std::nullopt;
    const auto byte = static_cast<unsigned char>(bytes.front());
    bytes.remove_prefix(1);
    const std::uint64_t bits = byte & 0x7fU;
    if (shift == 63 && bits > 1) return std::nullopt;
    number |= bits << shift;
    if (byte < 0x80) return number;
  }
  return std::nullopt;
}

}  // namespace fanfare
