#include "cli/import_rows.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <span>

#include <boost/json.hpp>

#include "base/ascii.h"
#include "cli/csv_table.h"

namespace fanfare {
namespace {

namespace json = boost::json;

enum class Kind {
  id,        // the row's own id
  tenant,    // whose it is
  text,      //
  integer,   //
  active,    // whether it is on, as true or false
  status,    // the same as a word: "active" is true, any other false
  list,      // of event types
  object,    // JSON
  retry,     // a retry policy: ours, or max_retries with delay and multiplier
  is_known,  // history and counters, which stay behind
};

struct Column {
  std::string_view name;
  Kind kind = Kind::text;
  std::string_view field = {};  // of the API; empty = the column's own name
};

constexpr std::array kEverywhere = {
    Column{"id", Kind::id},
    Column{"url", Kind::text},
    Column{"events", Kind::list},
    Column{"name", Kind::text},
    Column{"description", Kind::text},
    Column{"secret", Kind::text},
    Column{"active", Kind::active},
    Column{"is_active", Kind::active},
    Column{"headers", Kind::object},
    Column{"created_at", Kind::is_known},
    Column{"updated_at", Kind::is_known},
    Column{"last_triggered_at", Kind::is_known},
    Column{"last_status", Kind::is_known},
    Column{"last_error", Kind::is_known},
    Column{"consecutive_failures", Kind::is_known},
    Column{"total_deliveries", Kind::is_known},
    Column{"successful_deliveries", Kind::is_known},
    Column{"failed_deliveries", Kind::is_known},
};
constexpr std::array kAirwave = {
    Column{"client_id", Kind::tenant},
    Column{"retry_config", Kind::retry, "retry_policy"},
    Column{"failure_threshold", Kind::integer},
};
constexpr std::array kEmailSla = {
    Column{"user_id", Kind::tenant},
    Column{"custom_headers", Kind::object, "headers"},
    Column{"retry_count", Kind::integer},
};
constexpr std::array kWhatsappCrm = {
    Column{"tenant_id", Kind::tenant},
    Column{"status", Kind::status},
    Column{"retry_count", Kind::integer},
    Column{"timeout_seconds", Kind::integer},
};
constexpr std::array kNuke = {Column{"user_id", Kind::tenant}};
constexpr std::array kOpsCenter = {
    Column{"organization_id", Kind::tenant},
    Column{"org_id", Kind::tenant},
};

struct System {
  std::string_view name;
  std::span<const Column> columns;
};
constexpr std::array kSystems = {
    System{"airwave", kAirwave},          System{"email-sla", kEmailSla},
    System{"whatsapp-crm", kWhatsappCrm}, System{"nuke", kNuke},
    System{"ops-center", kOpsCenter},
};

const Column* column_named(const System& system, std::string_view name) {
  const auto is_it = [name](const Column& column) {
    return equals_ignoring_case(column.name, name);
  };
  if (const auto own = std::find_if(system.columns.begin(), system.columns.end(), is_it);
      own != system.columns.end()) {
    return &*own;
  }
  const auto* common = std::find_if(kEverywhere.begin(), kEverywhere.end(), is_it);
  return common == kEverywhere.end() ? nullptr : &*common;
}

std::string_view view(const json::string& text) {
  return {text.data(), text.size()};
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(view(value.get_string())) : json::serialize(value);
}

bool is_none(const json::value& value) {
  if (value.is_null()) return true;
  if (!value.is_string()) return false;
  const std::string_view text = view(value.get_string());
  return text.empty() || text == "\\N" || equals_ignoring_case(text, "null");
}

std::optional<bool> flag_of(const json::value& value) {
  if (value.is_bool()) return value.get_bool();
  const std::string word = lower_case(text_of(value));
  if (word == "t" || word == "true" || word == "1" || word == "yes") return true;
  if (word == "f" || word == "false" || word == "0" || word == "no") return false;
  return std::nullopt;
}

std::optional<std::int64_t> integer_of(const json::value& value) {
  const std::string text = text_of(value);
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return number;
}

// The JSON inside a cell of text; none if it is none.
std::optional<json::value> parsed(const json::value& value) {
  if (!value.is_string()) return value;
  boost::system::error_code error;
  json::value inner = json::parse(value.get_string(), error);
  if (error) return std::nullopt;
  return inner;
}

std::string_view stripped(std::string_view text) {
  constexpr std::string_view kAround = " \t\"'";
  const auto first = text.find_first_not_of(kAround);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kAround) - first + 1);
}

// Names of event types hold neither commas nor quotes, so nothing more than this is needed.
json::array split(std::string_view text) {
  if (text.starts_with('{') && text.ends_with('}')) text = text.substr(1, text.size() - 2);
  json::array names;
  while (!text.empty()) {
    const std::size_t comma = text.find_first_of(",;");
    const std::string_view name = stripped(text.substr(0, comma));
    if (!name.empty()) names.emplace_back(json::string_view(name.data(), name.size()));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return names;
}

json::value list_of(const json::value& value) {
  if (const auto inner = parsed(value); inner && inner->is_array()) return *inner;
  return value.is_string() ? json::value(split(view(value.get_string()))) : value;
}

// `max_retries` beside a first delay in milliseconds and a multiplier is how many write a policy;
// anything else is left for the server to read, whose words for it are better.
json::value retry_of(const json::value& value) {
  const auto inner = parsed(value);
  if (!inner) return value;
  if (!inner->is_object()) return *inner;
  const json::object& given = inner->get_object();
  const auto number =
      [&given](std::initializer_list<const char*> names) -> std::optional<std::int64_t> {
    for (const char* name : names) {
      if (const json::value* found = given.if_contains(name)) return integer_of(*found);
    }
    return std::nullopt;
  };
  const auto retries = number({"max_retries", "maxRetries"});
  if (!retries) return *inner;
  const auto delay = number({"retry_delay_ms", "initial_delay_ms", "retryDelay", "retry_delay"});
  const auto factor = number({"backoff_multiplier", "backoffMultiplier", "multiplier"});
  return json::object{{"backoff", "exponential"},
                      {"initial", std::to_string(delay.value_or(1000)) + "ms"},
                      {"factor", factor.value_or(2)},
                      {"attempts", *retries + 1}};
}

// One row on its way into a body.
class RowReader {
 public:
  RowReader(const System& system, std::size_t number) : system_(system) { row_.number = number; }

  void read(std::string_view name, const json::value& value) {
    const Column* column = column_named(system_, name);
    if (column == nullptr) {
      unknown_.emplace_back(name);
    } else if (!is_none(value) && column->kind != Kind::is_known) {
      take(*column, value);
    }
  }

  void finish(ImportFile& into) {
    for (std::string& name : unknown_) {
      auto& known = into.unknown_columns;
      if (std::find(known.begin(), known.end(), name) == known.end())
        known.push_back(std::move(name));
    }
    if (reason_.empty() && row_.legacy_id.empty()) reason_ = "it has no id";
    if (reason_.empty() && row_.tenant.empty()) {
      reason_ = "it does not say whose it is (" + std::string(tenant_column()) + ")";
    }
    if (!reason_.empty()) {
      into.refused.push_back({row_.number, std::move(reason_)});
      return;
    }
    webhook_["tenant_id"] = row_.tenant;
    webhook_["legacy_id"] = row_.legacy_id;
    row_.has_secret = webhook_.contains("secret");
    row_.body = json::serialize(webhook_);
    into.rows.push_back(std::move(row_));
  }

 private:
  std::string_view tenant_column() const { return system_.columns.front().name; }

  void refuse(const Column& column, std::string_view rule) {
    if (reason_.empty()) reason_ = std::string(column.name) + " " + std::string(rule);
  }

  template <class T>
  void put(const Column& column, const std::optional<T>& value, std::string_view rule) {
    if (!value) return refuse(column, rule);
    const std::string_view field = column.field.empty() ? column.name : column.field;
    webhook_[json::string_view(field.data(), field.size())] = json::value_from(*value);
  }

  // Where two columns disagree it is off: to send what nobody wants any more cannot be taken back,
  // and whoever misses it can switch it on.
  void take_active(const Column& column, std::optional<bool> is_on) {
    if (!is_on) return refuse(column, "is neither true nor false");
    const json::value* said = webhook_.if_contains("active");
    webhook_["active"] = *is_on && (said == nullptr || said->get_bool());
  }

  void take(const Column& column, const json::value& value) {
    switch (column.kind) {
      case Kind::id:
        row_.legacy_id = text_of(value);
        break;
      case Kind::tenant:
        row_.tenant = text_of(value);
        break;
      case Kind::text:
        put(column, std::optional(text_of(value)), "");
        break;
      case Kind::integer:
        put(column, integer_of(value), "is not a whole number");
        break;
      case Kind::active:
        take_active(column, flag_of(value));
        break;
      case Kind::status:
        take_active(column, equals_ignoring_case(text_of(value), "active"));
        break;
      case Kind::list:
        put(column, std::optional(list_of(value)), "");
        break;
      case Kind::object:
        put(column, parsed(value), "is not JSON");
        break;
      case Kind::retry:
        put(column, std::optional(retry_of(value)), "");
        break;
      case Kind::is_known:
        break;
    }
  }

  const System& system_;
  ImportRow row_;
  json::object webhook_;
  std::vector<std::string> unknown_;
  std::string reason_;
};

tl::unexpected<Error> not_a_list() {
  return fail(Errc::invalid,
              "the file is neither a JSON array of webhooks (or an object that holds one) nor CSV "
              "with a line of column names, url among them, and commas, semicolons or tabs between "
              "them");
}

Result<json::array> json_rows(std::string_view text) {
  boost::system::error_code error;
  json::value value = json::parse(json::string_view(text.data(), text.size()), error);
  if (error)
    return fail(Errc::invalid, "the file begins like JSON but is none: " + error.message());
  if (value.is_array()) return std::move(value.get_array());
  if (!value.is_object()) return not_a_list();
  json::array* only = nullptr;
  for (auto& member : value.get_object()) {
    if (!member.value().is_array()) continue;
    if (only != nullptr) return not_a_list();
    only = &member.value().get_array();
  }
  if (only == nullptr) return not_a_list();
  return std::move(*only);
}

Result<void> read_json(const System& system, std::string_view text, ImportFile& file) {
  TRY(const json::array rows, json_rows(text));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!rows[i].is_object()) {
      file.refused.push_back({i + 1, "it is not an object"});
      continue;
    }
    RowReader reader(system, i + 1);
    for (const auto& member : rows[i].get_object()) {
      reader.read({member.key().data(), member.key().size()}, member.value());
    }
    reader.finish(file);
  }
  return {};
}

Result<void> read_csv(const System& system, std::string_view text, ImportFile& file) {
  TRY(const CsvTable table, read_csv_table(text));
  const bool has_url =
      std::any_of(table.columns.begin(), table.columns.end(),
                  [](const auto& name) { return equals_ignoring_case(name, "url"); });
  if (!has_url) return not_a_list();
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    const auto& cells = table.rows[i];
    if (cells.size() != table.columns.size()) {
      file.refused.push_back({i + 1, "it has " + std::to_string(cells.size()) + " cells for " +
                                         std::to_string(table.columns.size()) + " columns"});
      continue;
    }
    RowReader reader(system, i + 1);
    for (std::size_t at = 0; at < cells.size(); ++at) {
      reader.read(table.columns[at], json::value(cells[at]));
    }
    reader.finish(file);
  }
  return {};
}

// The server would take the second for the first, sent again, and so lose it without a word.
void refuse_repetitions(ImportFile& file) {
  std::map<std::pair<std::string, std::string>, std::size_t> numbers;  // by tenant and id
  std::vector<ImportRow> kept;
  for (ImportRow& row : file.rows) {
    const auto [first, is_new] = numbers.try_emplace({row.tenant, row.legacy_id}, row.number);
    if (is_new) {
      kept.push_back(std::move(row));
      continue;
    }
    file.refused.push_back({row.number, "rows " + std::to_string(first->second) + " and " +
                                            std::to_string(row.number) + " have the same id, \"" +
                                            row.legacy_id + "\"; only the first is taken"});
  }
  file.rows = std::move(kept);
  std::ranges::sort(file.refused, {}, &RefusedRow::number);
}

}  // namespace

std::vector<std::string> import_systems() {
  std::vector<std::string> names;
  for (const System& system : kSystems) names.emplace_back(system.name);
  return names;
}

Result<ImportFile> read_import(std::string_view system, std::string_view text) {
  const auto* found = std::find_if(kSystems.begin(), kSystems.end(),
                                   [system](const System& one) { return one.name == system; });
  if (found == kSystems.end()) {
    return fail(Errc::invalid, "\"" + std::string(system) + "\" is not a system to import from");
  }
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return fail(Errc::invalid, "the file is empty");
  ImportFile file;
  const bool is_json = text[first] == '[' || text[first] == '{';
  if (is_json) {
    TRY_VOID(read_json(*found, text, file));
  } else {
    TRY_VOID(read_csv(*found, text, file));
  }
  refuse_repetitions(file);
  return file;
}

}  // namespace fanfare
