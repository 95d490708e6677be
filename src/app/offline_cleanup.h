// A cleanup of a database that no server has open, for the command line. It takes the database's
// lock, so a server and it never work at the same time. Entries of the audit log stay: what goes
// there is sealed with a key that is the server's.
#pragma once

#include <functional>

#include "base/clock.h"
#include "config/config.h"
#include "domain/retention.h"

namespace fanfare {

// Errc::conflict names the process that has the database open; Errc::invalid if migrations are
// pending, which a cleanup does not apply by the way. `on_step` gets what has gone so far.
Result<CleanupReport> clean_up_offline(const Config& config, const Clock& clock,
                                       const std::function<void(const CleanupReport&)>& on_step);
// What it would remove, each kind counted up to kExpireCountMax and one more.
Result<RetentionCounts> count_expired_offline(const Config& config, const Clock& clock);

}  // namespace fanfare
