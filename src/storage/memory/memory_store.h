// MemoryStore: the store as a handful of maps behind one mutex. It is the reference that the
// contract suite holds SQLite against, and what tests and simulations of the engine run on, so it
// is written to be obviously right: no index, no cache, every read a walk. Nothing survives it. Any
// thread may use writer and readers.
#pragma once

#include "storage/store.h"

namespace fanfare {

std::unique_ptr<Store> make_memory_store();

}  // namespace fanfare
