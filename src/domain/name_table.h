// Names of enum values as the API spells them: one table for each enum, read in both directions, so
// that a name cannot be written in one place and misread in another.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "base/assert.h"

namespace fanfare {

template <class E>
struct Named {
  E value;
  std::string_view name;
};

// Every value of the enum must be in its table: a missing one is a bug.
template <class E, std::size_t N>
std::string_view name_in(const Named<E> (&table)[N], E value) {
  for (const Named<E>& entry : table) {
    if (entry.value == value) return entry.name;
  }
  FANFARE_ASSERT(!"a value without a name");
  return {};
}

template <class E, std::size_t N>
std::optional<E> value_in(const Named<E> (&table)[N], std::string_view name) {
  for (const Named<E>& entry : table) {
    if (entry.name == name) return entry.value;
  }
  return std::nullopt;
}

}  // namespace fanfare
