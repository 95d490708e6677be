// The one place that reads TOML. A file becomes a flat list of dotted keys with their values as
// text, so that the rest of config/ treats file, environment and flags alike. Pure but for
// read_text_file().
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fanfare {

enum class TomlKind { string, integer, boolean, list };

struct TomlEntry {
  std::string key;    // "egress.allow", "key[0].id" of a table among several
  std::string value;  // arrays of strings are joined with commas
  int line = 0;
  TomlKind kind = TomlKind::string;
};

// Errc::invalid as "fanfare.toml:3: …". Values are strings, integers, booleans and arrays of
// strings.
Result<std::vector<TomlEntry>> parse_toml(std::string_view text, std::string_view file_name);

// A whole small file; Errc::invalid names the path if it is missing, unreadable or longer than
// `bytes_max`.
Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max);

}  // namespace fanfare
