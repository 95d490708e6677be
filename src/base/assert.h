// FANFARE_ASSERT: a fact that only a bug can break. On in release too: it prints and aborts, and
// the journal makes a restart safe. Never on input, the network, the clock or the database.
#pragma once

namespace fanfare {
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line);
}

#define FANFARE_ASSERT(expression)     \
  ((expression) ? static_cast<void>(0) \
                : ::fanfare::assertion_failed(#expression, __FILE__, __LINE__))
