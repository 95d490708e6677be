// What verbs say to people: one line on standard error, with the exit code that goes with it.
#pragma once

#include "base/result.h"

namespace fanfare {

// Says what went wrong; answers kExitFailed.
int complain(const Error& error);
// The same for a call or a configuration that is wrong; answers kExitWrongUse.
int complain_of_use(const Error& error);

// A line on standard error that the next one replaces. Says nothing unless that is a terminal, so
// that logs do not fill with it. The last one is wiped when it goes.
class Progress {
 public:
  Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress();
  void say(const std::string& text);

 private:
  const bool is_terminal_;
  bool has_said_ = false;
};

}  // namespace fanfare
