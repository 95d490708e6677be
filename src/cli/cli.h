// The command line of `fanfare`.
#pragma once

namespace fanfare {

// Runs the command named by the arguments. 0 done, 1 it failed (the reason is on standard error), 2
// it was called wrongly.
int run_cli(int argc, char** argv);

}  // namespace fanfare
