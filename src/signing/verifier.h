// Verifies what signer.h signs, as a receiver would: for the built-in inbox and the vectors.
#pragma once

#include "domain/outcome.h"
#include "domain/webhook.h"

namespace fanfare {

// OK, or Errc::invalid with the precise reason (which header is missing, which version is unknown,
// how far the time is off). Tolerance for timed schemes: 300 s both ways, exactly 300 accepted.
// Lengths are checked before a constant-time compare.
Result<void> verify(const SignatureSettings& settings, const Secret& secret,
                    const HeaderList& headers, std::string_view body, Timestamp now);

}  // namespace fanfare
