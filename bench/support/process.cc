#include "bench/support/process.h"

#include <charconv>
#include <cstdlib>
#include <errno.h>
#include <fstream>
#include <iostream>
#include <string.h>
#include <sys/resource.h>

namespace fanfare::bench {

void die(std::string_view what) {
  std::cerr << program_invocation_short_name << ": " << what << std::endl;
  std::_Exit(1);
}

void die_of_errno(std::string_view what) {
  die(std::string(what).append(": ").append(strerror(errno)));
}

Options::Options(int argc, char** argv, std::map<std::string, std::string> defaults)
    : values_(std::move(defaults)) {
  for (int at = 1; at < argc; at += 2) {
    const std::string_view flag = argv[at];
    const auto option = values_.find(std::string(flag.substr(flag.starts_with("--") ? 2 : 0)));
    if (option == values_.end() || at + 1 == argc) {
      std::cerr << "options, with their defaults:\n";
      for (const auto& [name, value] : values_) std::cerr << "  --" << name << " " << value << "\n";
      die("not an option with a value: " + std::string(flag));
    }
    option->second = argv[at + 1];
  }
}

std::int64_t Options::number(const std::string& name) const {
  const auto& value = text(name);
  std::int64_t number = 0;
  const auto end = value.data() + value.size();
  const auto parsed = std::from_chars(value.data(), end, number);
  if (parsed.ec != std::errc{} || parsed.ptr != end) {
    die("--" + name + " is not a number: " + value);
  }
  return number;
}

std::int64_t cpu_us() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto us = [](const timeval& time) { return time.tv_sec * 1'000'000 + time.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

std::int64_t peak_memory_kb() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::int64_t kb = 0;
    if (word == "VmHWM:" && status >> kb) return kb;
  }
  return 0;
}

}  // namespace fanfare::bench
