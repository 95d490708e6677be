#include "app/descriptors.h"

#include <algorithm>
#include <sys/resource.h>

#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const rlimit raised{limit.rlim_max, limit.rlim_max};
  return ::setrlimit(RLIMIT_NOFILE, &raised) == 0 ? raised.rlim_cur : limit.rlim_cur;
}

std::size_t connections_for_each_reactor(std::uint64_t descriptors, std::size_t reactors) {
  FANFARE_ASSERT(reactors > 0);
  const auto deliveries = std::min<std::uint64_t>(limits::kInFlightTotalMax, descriptors / 2);
  const std::uint64_t kept = limits::kDescriptorReserve + deliveries;
  const std::uint64_t left = descriptors > kept ? descriptors - kept : 0;
  return std::clamp<std::uint64_t>(left / reactors, 16, 10'000);
}

}  // namespace fanfare
