// Checked reading of a TOML file whose shape is known: each key is asked for by name and rule, and
// keys that nobody asked for are mistakes. Every mistake has its line; the first one of the file is
// reported. For files with tables and lists of tables; flat options are read by toml_file.h. One
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include "base/result.h"

namespace fanfare {

// What is wrong with one file.
class Mistakes {
 public:
  explicit Mistakes(std::string file_name) : file_name_(std::move(file_name)) {}

  void add(int line, const std::string& sentence);
  // Errc::invalid as "mine.toml:3: webhooks.envelope must be …", if there was one.
  Result<void> first() const;

 private:
  const std::string file_name_;
  int line_ = 0;  // 0 = no mistake yet
  std::string sentence_;
};

class TableReader {
 public:
  // `prefix` is what leads to the table in a sentence: "", "webhooks.", "paths[0].".
  TableReader(const toml::table& table, std::string prefix, Mistakes& mistakes)
      : table_(table), prefix_(std::move(prefix)), mistakes_(mistakes) {}

  // The value whatever its type; null if there is none.
  const toml::node* any(std::string_view name);
  std::optional<std::string> text(std::string_view name, std::size_t bytes_max);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t low, std::int64_t high);
  std::optional<double> real(std::string_view name, double low, double high);
  std::optional<TableReader> table(std::string_view name);
  const toml::array* array(std::string_view name);
  // The elements of a list of tables such as [[paths]].
  std::vector<TableReader> tables(std::string_view name, std::size_t count_max);
  // Every key with its text, where keys are free: all of them are known then.
  std::vector<std::pair<std::string, std::string>> texts(std::size_t bytes_max);

  bool has(std::string_view name) const { return table_.contains(name); }
  void require(std::string_view name, std::string_view what);
  // A mistake about one key, at its line: "webhooks.envelope " and `reason`.
  void refuse(std::string_view name, const std::string& reason);
  // Reports the keys that nobody asked for. Call last.
  void finish();

 private:
  void refuse_type(std::string_view name, std::string_view expected);
  int line_of(std::string_view name) const;

  const toml::table& table_;
  std::string prefix_;
  Mistakes& mistakes_;
  std::vector<std::string> known_;
};

}  // namespace fanfare
