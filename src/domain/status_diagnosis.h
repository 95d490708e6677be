// Plain words for a status that is no success: what it means, then what to do. Pure; used by
// diagnosis.cc.
#pragma once

#include <string>

namespace fanfare {

// Never empty, whatever the number.
std::string diagnosis_of_status(int status);

}  // namespace fanfare
