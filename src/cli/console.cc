#include "cli/console.h"

#include <iostream>
#include <unistd.h>

#include "cli/verb.h"

namespace fanfare {
namespace {

constexpr const char* kWipeLine = "\r\x1b[K";

}  // namespace

int complain(const Error& error) {
  std::cerr << "fanfare: " << error.message << "\n";
  return kExitFailed;
}

int complain_of_use(const Error& error) {
  complain(error);
  return kExitWrongUse;
}

Progress::Progress() : is_terminal_(::isatty(STDERR_FILENO) == 1) {}

Progress::~Progress() {
  if (has_said_) std::cerr << kWipeLine << std::flush;
}

void Progress::say(const std::string& text) {
  if (!is_terminal_) return;
  std::cerr << kWipeLine << text << std::flush;
  has_said_ = true;
}

}  // namespace fanfare
