#include "app/disk_space.h"

#include <sys/statvfs.h>

namespace fanfare {

std::optional<DiskSpace> disk_space_at(const std::string& path) {
  struct statvfs system{};
  if (::statvfs(path.c_str(), &system) != 0) return std::nullopt;
  return DiskSpace{.free_bytes = std::uint64_t{system.f_bavail} * system.f_frsize,
                   .total_bytes = std::uint64_t{system.f_blocks} * system.f_frsize};
}

}  // namespace fanfare
