#include "cli/cli.h"

int main(int argc, char** argv) {
  return fanfare::run_cli(argc, argv);
}
