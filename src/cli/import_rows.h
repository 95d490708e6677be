// What another system exported about its webhooks, read into what to ask of the API for each. Pure.
//
// Five systems are known by the columns of their tables. JSON: an array of rows, or an object whose
// only array it is ("webhooks", "data" …). CSV (RFC 4180, or with semicolons or tabs) with a line
// of column names; lists may be JSON, `{a,b}` as PostgreSQL writes arrays, or `a,b`; empty, NULL
// and \N are no value. Columns that hold statistics or times are passed over; any other that is not
// known is named, so that nothing is lost in silence.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace fanfare {

struct ImportRow {
  std::size_t number = 0;  // 1, 2, … in the file, the line of column names not counted
  std::string legacy_id;
  std::string tenant;  // external id
  std::string body;    // of POST /webhooks: JSON, tenant and legacy_id included
  bool has_secret = false;
};

struct RefusedRow {
  std::size_t number = 0;
  std::string reason;
};

// Both lists in the order of the file. No two rows are of one tenant with one id.
struct ImportFile {
  std::vector<ImportRow> rows;
  std::vector<RefusedRow> refused;
  std::vector<std::string> unknown_columns;
};

// The names that `--from` takes.
std::vector<std::string> import_systems();

// Errc::invalid: the system is unknown, or the text is neither of the two forms.
Result<ImportFile> read_import(std::string_view system, std::string_view text);

}  // namespace fanfare
