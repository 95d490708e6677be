#include "config/table_reader.h"

#include <algorithm>

#include "base/edit_distance.h"

namespace fanfare {
namespace {

int line_at(const toml::node& node) {
  return std::max(1, static_cast<int>(node.source().begin.line));
}

bool is_printable(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\n' && c != '\t' && c != '\r') || byte == 0x7F;
  });
}

// The known key that `name` was probably meant to be; empty if none is near.
std::string nearest(std::string_view name, const std::vector<std::string>& known) {
  constexpr std::size_t kNameBytesMax = 64;
  std::string best;
  if (name.size() > kNameBytesMax) return best;
  std::size_t distance_max = std::max<std::size_t>(2, name.size() / 3);
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance > distance_max || (distance == distance_max && !best.empty())) continue;
    distance_max = distance;
    best = candidate;
  }
  return best;
}

}  // namespace

void Mistakes::add(int line, const std::string& sentence) {
  if (line_ != 0 && line_ <= line) return;
  line_ = line;
  sentence_ = sentence;
}

Result<void> Mistakes::first() const {
  if (line_ == 0) return {};
  return fail(Errc::invalid, file_name_ + ":" + std::to_string(line_) + ": " + sentence_);
}

const toml::node* TableReader::any(std::string_view name) {
  known_.emplace_back(name);
  return table_.get(name);
}

std::optional<std::string> TableReader::text(std::string_view name, std::size_t bytes_max) {
  const toml::node* node = any(name);
  if (node == nullptr) return std::nullopt;
  if (!node->is_string()) {
    refuse_type(name, "a string, in quotes");
    return std::nullopt;
  }
  std::string value = node->as_string()->get();
  if (value.size() > bytes_max) {
    refuse(name, "may have at most " + std::to_string(bytes_max) + " bytes");
    return std::nullopt;
  }
  if (!is_printable(value)) {
    refuse(name, "must not hold control characters");
    return std::nullopt;
  }
  return value;
}

std::optional<bool> TableReader::flag(std::string_view name) {
  const toml::node* node = any(name);
  if (node == nullptr) return std::nullopt;
  if (node->is_boolean()) return node->as_boolean()->get();
  refuse_type(name, "true or false, without quotes");
  return std::nullopt;
}

std::optional<std::int64_t> TableReader::integer(std::string_view name, std::int64_t low,
                                                 std::int64_t high) {
  const toml::node* node = any(name);
  if (node == nullptr) return std::nullopt;
  if (!node->is_integer()) {
    refuse_type(name, "a whole number, without quotes");
    return std::nullopt;
  }
  const std::int64_t value = node->as_integer()->get();
  if (value >= low && value <= high) return value;
  refuse(name, "must be from " + std::to_string(low) + " to " + std::to_string(high));
  return std::nullopt;
}

std::optional<double> TableReader::real(std::string_view name, double low, double high) {
  const toml::node* node = any(name);
  if (node == nullptr) return std::nullopt;
  if (!node->is_number()) {
    refuse_type(name, "a number, without quotes");
    return std::nullopt;
  }
  const double value = node->is_integer() ? static_cast<double>(node->as_integer()->get())
                                          : node->as_floating_point()->get();
  if (value >= low && value <= high) return value;
  const auto shown = [](double bound) { return std::to_string(static_cast<int>(bound)); };
  refuse(name, "must be from " + shown(low) + " to " + shown(high));
  return std::nullopt;
}

std::optional<TableReader> TableReader::table(std::string_view name) {
  const toml::node* node = any(name);
  if (node == nullptr) return std::nullopt;
  if (node->is_table())
    return TableReader(*node->as_table(), prefix_ + std::string(name) + ".", mistakes_);
  refuse_type(name, "a table");
  return std::nullopt;
}

const toml::array* TableReader::array(std::string_view name) {
  const toml::node* node = any(name);
  if (node == nullptr) return nullptr;
  if (!node->is_array()) refuse_type(name, "a list");
  return node->as_array();
}

std::vector<TableReader> TableReader::tables(std::string_view name, std::size_t count_max) {
  std::vector<TableReader> readers;
  const toml::array* elements = array(name);
  if (elements == nullptr) return readers;
  if (elements->size() > count_max) {
    refuse(name, "may have at most " + std::to_string(count_max) + " entries");
    return readers;
  }
  for (std::size_t i = 0; i < elements->size(); ++i) {
    if (const toml::table* element = elements->get(i)->as_table()) {
      readers.emplace_back(*element, prefix_ + std::string(name) + "[" + std::to_string(i) + "].",
                           mistakes_);
    } else {
      refuse_type(name, "a list of tables, [[" + std::string(name) + "]]");
    }
  }
  return readers;
}

std::vector<std::pair<std::string, std::string>> TableReader::texts(std::size_t bytes_max) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [key, node] : table_) {
    if (auto value = text(key.str(), bytes_max)) all.emplace_back(key.str(), *std::move(value));
  }
  return all;
}

void TableReader::require(std::string_view name, std::string_view what) {
  if (has(name)) return;
  mistakes_.add(line_at(table_),
                prefix_ + std::string(name) + " is required: " + std::string(what));
}

void TableReader::refuse(std::string_view name, const std::string& reason) {
  mistakes_.add(line_of(name), prefix_ + std::string(name) + " " + reason);
}

void TableReader::refuse_type(std::string_view name, std::string_view expected) {
  refuse(name, "must be " + std::string(expected));
}

int TableReader::line_of(std::string_view name) const {
  const toml::node* node = table_.get(name);
  return line_at(node == nullptr ? static_cast<const toml::node&>(table_) : *node);
}

void TableReader::finish() {
  for (const auto& [key, node] : table_) {
    if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
    const std::string meant = nearest(key.str(), known_);
    refuse(key.str(), "is not a key of a profile" +
                          (meant.empty() ? "" : "; did you mean " + prefix_ + meant + "?"));
  }
}

}  // namespace fanfare
