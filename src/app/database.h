// Opens the store that a configuration names, and says what to do if it cannot be opened.
#pragma once

#include <memory>

#include "base/clock.h"
#include "config/config.h"
#include "storage/store.h"

namespace fanfare {

Result<std::unique_ptr<Store>> open_database(const DatabaseLocation& database, const Clock& clock);

}  // namespace fanfare
