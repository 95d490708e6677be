// How many API connections each reactor may hold, so that they never take the descriptors that the
// database, the logs and deliveries need.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fanfare {

// Raises the soft limit to the hard one and says what it is then.
std::uint64_t raise_descriptor_limit();

// Deliveries keep as many sockets as they may have in flight, but at most half of all. At least 16
// and at most 10,000.
std::size_t connections_for_each_reactor(std::uint64_t descriptors, std::size_t reactors);

}  // namespace fanfare
