// The egress policy that a configuration asks for. config/ keeps the ranges as text, because only
// egress/ knows what a range is.
#pragma once

#include "base/result.h"
#include "config/config.h"
#include "egress/policy.h"

namespace fanfare {

// Errc::invalid names the place, the option and the rule, as load_config() does.
Result<EgressPolicy> egress_policy_of(const Config& config);
// Whose X-Forwarded-For is believed; the same kind of ranges, the same errors.
Result<std::vector<Cidr>> trusted_proxies_of(const Config& config);

}  // namespace fanfare
