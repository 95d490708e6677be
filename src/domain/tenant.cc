#include "domain/tenant.h"

#include "domain/name_table.h"

namespace fanfare {
namespace {

constexpr Named<Role> kRoles[] = {
    {Role::admin, "admin"},
    {Role::tenant, "tenant"},
    {Role::read, "read"},
    {Role::publish, "publish"},
};

}  // namespace

std::string_view name_of(Role role) {
  return name_in(kRoles, role);
}
std::optional<Role> role_named(std::string_view name) {
  return value_in(kRoles, name);
}

}  // namespace fanfare
