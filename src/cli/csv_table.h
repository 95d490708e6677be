// A CSV file (RFC 4180) as columns and rows, read by libcsv. Spreadsheets of countries that write a
// comma in numbers put semicolons between cells, database tools tabs: either is taken where the
// first line has it and no comma. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fanfare {

struct CsvTable {
  std::vector<std::string> columns;            // the first line
  std::vector<std::vector<std::string>> rows;  // as wide as they came; blank lines are none
};

// Errc::invalid if quotes do not close or stand where none may.
Result<CsvTable> read_csv_table(std::string_view text);

}  // namespace fanfare
