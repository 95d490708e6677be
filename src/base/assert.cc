#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace fanfare {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "fanfare: assertion failed: %s at %s:%d\n", expression, file, line);
  std::abort();
}

}  // namespace fanfare
