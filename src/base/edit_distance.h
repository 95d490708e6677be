// How far two names are apart, for "did you mean". Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace fanfare {

// Levenshtein's distance: the fewest bytes to insert, delete or replace that turn one into the
// other. Costs time in the product of the lengths, so the caller bounds what a stranger may send.
std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace fanfare
