// Writes the head of a request. Names and values are checked again here, whatever was checked when
// a webhook was saved: this is the last place where a line break could become a header of its own.
// Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "domain/outcome.h"
#include "egress/target.h"

namespace fanfare {

// None if a header could not be sent as it stands: not a token, a control character in the value,
// or a name that belongs to framing, routing or content coding.
std::optional<std::string> write_head(const Target& target, const HeaderList& headers,
                                      std::size_t body_bytes);

}  // namespace fanfare
