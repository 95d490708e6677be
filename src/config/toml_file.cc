#include "config/toml_file.h"

#include <fstream>
#include <sstream>

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

namespace fanfare {
namespace {

tl::unexpected<Error> fail_at(std::string_view file_name, const toml::source_region& source,
                              std::string_view what) {
  return fail(Errc::invalid, std::string(file_name) + ":" + std::to_string(source.begin.line) +
                                 ": " + std::string(what));
}

Result<std::string> text_of_array(const toml::array& array, const std::string& key,
                                  std::string_view file_name) {
  std::string joined;
  for (const toml::node& element : array) {
    const auto* text = element.as_string();
    if (text == nullptr || text->get().empty() || text->get().find(',') != std::string::npos)
      return fail_at(file_name, element.source(),
                     "every element of " + key + " must be a non-empty string without commas");
    if (!joined.empty()) joined += ',';
    joined += text->get();
  }
  return joined;
}

Result<std::string> text_of_value(const toml::node& node, const std::string& key,
                                  std::string_view file_name) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* boolean = node.as_boolean())
    return std::string(boolean->get() ? "true" : "false");
  if (const auto* array = node.as_array()) return text_of_array(*array, key, file_name);
  return fail_at(file_name, node.source(),
                 key + " must be a string, an integer, true or false, or a list of strings");
}

TomlKind kind_of(const toml::node& node) {
  if (node.is_integer()) return TomlKind::integer;
  if (node.is_boolean()) return TomlKind::boolean;
  return node.is_array() ? TomlKind::list : TomlKind::string;
}

Result<void> flatten(const toml::table& table, const std::string& prefix,
                     std::string_view file_name, std::vector<TomlEntry>& entries);

// The tables of [[key]]: "key[0].name", "key[1].name" …
Result<void> flatten_each(const toml::array& tables, const std::string& key,
                          std::string_view file_name, std::vector<TomlEntry>& entries) {
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const std::string name = key + "[" + std::to_string(i) + "]";
    const toml::table& table = *tables[i].as_table();
    if (table.empty()) return fail_at(file_name, table.source(), name + " is empty");
    TRY_VOID(flatten(table, name + ".", file_name, entries));
  }
  return {};
}

// Depth is bounded by toml++ itself, which refuses nesting over TOML_MAX_NESTED_VALUES.
Result<void> flatten(const toml::table& table, const std::string& prefix,
                     std::string_view file_name, std::vector<TomlEntry>& entries) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      TRY_VOID(flatten(*inner, key + ".", file_name, entries));
      continue;
    }
    if (node.is_array_of_tables()) {
      TRY_VOID(flatten_each(*node.as_array(), key, file_name, entries));
      continue;
    }
    TRY(std::string value, text_of_value(node, key, file_name));
    const int line = static_cast<int>(node.source().begin.line);
    entries.push_back({key, std::move(value), line, kind_of(node)});
  }
  return {};
}

}  // namespace

Result<std::vector<TomlEntry>> parse_toml(std::string_view text, std::string_view file_name) {
  const toml::parse_result parsed = toml::parse(text);
  if (!parsed) return fail_at(file_name, parsed.error().source(), parsed.error().description());
  std::vector<TomlEntry> entries;
  TRY_VOID(flatten(parsed.table(), "", file_name, entries));
  return entries;
}

Result<std::string> read_text_file(const std::string& path, std::size_t bytes_max) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return fail(Errc::invalid, path + " cannot be opened for reading");
  std::string text(bytes_max + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  // A directory opens but does not read.
  if (file.bad() || (!file && !file.eof())) return fail(Errc::invalid, path + " cannot be read");
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > bytes_max)
    return fail(Errc::invalid, path + " is longer than " + std::to_string(bytes_max) + " bytes");
  return text;
}

}  // namespace fanfare
