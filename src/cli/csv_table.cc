#include "cli/csv_table.h"

#include <algorithm>
#include <csv.h>

namespace fanfare {
namespace {

struct Reading {
  std::vector<std::string> cells;
  CsvTable table;
  bool has_columns = false;
};

void take_cell(void* bytes, std::size_t size, void* into) {
  static_cast<Reading*>(into)->cells.emplace_back(static_cast<const char*>(bytes), size);
}

void end_row(int, void* into) {
  auto& reading = *static_cast<Reading*>(into);
  if (!reading.has_columns) {
    reading.table.columns = std::move(reading.cells);
    reading.has_columns = true;
  } else {
    reading.table.rows.push_back(std::move(reading.cells));
  }
  reading.cells.clear();
}

// Names of columns hold none of the three, so the first line tells.
unsigned char separator_of(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of("\r\n"), text.size()));
  const std::string_view names = text.substr(0, text.find_first_of("\r\n"));
  for (const char separator : {',', ';', '\t'}) {
    if (names.find(separator) != std::string_view::npos)
      return static_cast<unsigned char>(separator);
  }
  return CSV_COMMA;
}

}  // namespace

Result<CsvTable> read_csv_table(std::string_view text) {
  csv_parser parser{};
  if (csv_init(&parser, CSV_STRICT | CSV_STRICT_FINI) != 0) {
    return fail(Errc::internal, "cannot set up a CSV reader");
  }
  csv_set_delim(&parser, separator_of(text));
  Reading reading;
  const std::size_t read =
      csv_parse(&parser, text.data(), text.size(), &take_cell, &end_row, &reading);
  const bool is_whole =
      read == text.size() && csv_fini(&parser, &take_cell, &end_row, &reading) == 0;
  csv_free(&parser);
  if (is_whole) return std::move(reading.table);
  return fail(Errc::invalid,
              "row " + std::to_string(reading.table.rows.size() + 1) +
                  " is not CSV: its quotes do not close, or stand inside a cell that "
                  "has none around it");
}

}  // namespace fanfare
