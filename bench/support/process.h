// A benchmark program as a process: its arguments, its end on an error, what it used. A failure of
// the harness is never handled, only told: a number measured around a broken part is worse than
// none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace fanfare::bench {

// Prints the message and ends the program with status 1.
[[noreturn]] void die(std::string_view what);
// The same after a system call that failed: errno's text follows the message.
[[noreturn]] void die_of_errno(std::string_view what);

// `--name value` pairs. Each known option has a default; an unknown one ends the program with the
// list of options.
class Options {
 public:
  Options(int argc, char** argv, std::map<std::string, std::string> defaults);
  const std::string& text(const std::string& name) const { return values_.at(name); }
  std::int64_t number(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// User and system time of this process so far.
std::int64_t cpu_us();
// The most resident memory this process has had (VmHWM; ru_maxrss would count the parent before
// exec).
std::int64_t peak_memory_kb();

}  // namespace fanfare::bench
