// Room on the file system that the database is on.
#pragma once

#include <optional>
#include <string>

#include "domain/health.h"

namespace fanfare {

// What an unprivileged process may still use. None if the path cannot be looked at. Any thread.
std::optional<DiskSpace> disk_space_at(const std::string& path);

}  // namespace fanfare
