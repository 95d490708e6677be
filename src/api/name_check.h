// Whether the name in a webhook's URL resolves, asked when the URL is saved, so that a typing
// mistake shows at once and not with the first delivery that fails. It refuses nothing: a name may
// begin to resolve later. What a name resolves to is not judged here and never shown; that is done
// at every attempt (egress/). Loop thread only.
#pragma once

#include "api/exchange.h"
#include "api/views.h"

namespace fanfare {

inline constexpr Millis kNameCheckMax{1000};  // a person waits for the answer

// `done` is called exactly once, at latest after kNameCheckMax, possibly before this returns; never
// if the loop ends first. Without a warning the name resolves, or the URL has an address.
void check_name(ApiContext& context, const Webhook& webhook, UniqueFunction<void(Warnings)> done);

}  // namespace fanfare
