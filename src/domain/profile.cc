#include "domain/profile.h"

namespace fanfare {

const Profile& standard_profile() {
  static const Profile kStandard;
  return kStandard;
}

const std::string* field_named(const FieldAliases& aliases, std::string_view name) {
  for (const FieldAlias& alias : aliases) {
    if (alias.alias == name) return &alias.field;
  }
  return nullptr;
}

}  // namespace fanfare
