// The query string of a request: percent-decoded parameters, read by name, each at most once. Names
// nobody asked for are errors that say so, as unknown fields of a body are.
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/problem.h"
#include "base/time.h"

namespace fanfare {

// Decodes %XX; none if it is malformed or not UTF-8. `plus_is_space` in queries, not in paths.
std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);

class QueryReader {
 public:
  explicit QueryReader(std::string_view query);

  // The value of a parameter under any of its names. An empty value counts as absent.
  std::optional<std::string> text(std::initializer_list<std::string_view> names);
  std::optional<std::string> text(std::string_view name) { return text({name}); }
  std::optional<int> integer(std::string_view name, int low, int high);
  std::optional<Timestamp> time(std::string_view name);
  // Parameters that page through a list and do not choose its rows.
  std::optional<std::string> paging_text(std::string_view name);

  void add_error(std::string_view parameter, std::string code, std::string detail);
  // Every parameter read so far through text(), integer() and time(), in one spelling: what a
  // cursor is bound to.
  const std::string& filter_text() const { return filter_; }
  // The errors found, unread parameters included; none if all is well.
  std::optional<Problem> finish();

 private:
  std::map<std::string, std::string, std::less<>> values_;
  std::vector<std::string> known_;
  FieldErrors errors_;
  std::string filter_;
};

}  // namespace fanfare
