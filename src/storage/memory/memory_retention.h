// What retention would remove from a MemoryStore.
#pragma once

#include "storage/memory/memory_state.h"

namespace fanfare::memory {

RetentionCounts count_expired(const State& state, const RetentionCutoffs& cutoffs,
                              std::size_t count_max);

}  // namespace fanfare::memory
