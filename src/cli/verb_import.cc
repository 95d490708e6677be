// `fanfare import --from SYSTEM FILE`: takes the webhooks that another system exported, with their
// secrets, and keeps their ids as legacy_id. Each row is one call of the running server's API; one
// that is there already is passed over, so an import that stopped half-way is started again.
#include <iostream>
#include <set>
#include <span>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "cli/api_client.h"
#include "cli/console.h"
#include "cli/import_rows.h"
#include "cli/verb.h"
#include "config/toml_file.h"

namespace fanfare {
namespace {

namespace json = boost::json;

constexpr std::size_t kImportFileBytesMax = 256 * 1024 * 1024;

// Everything but letters, digits and -._~ as %XX (RFC 3986 2.1).
std::string percent_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  constexpr std::string_view kPlain = "-._~";
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_letter = (byte | 0x20U) >= 'a' && (byte | 0x20U) <= 'z' && byte < 0x80;
    if (is_letter || (byte >= '0' && byte <= '9') || kPlain.find(c) != std::string_view::npos) {
      encoded += c;
    } else {
      encoded += '%';
      encoded += kDigits[byte >> 4U];
      encoded += kDigits[byte & 15U];
    }
  }
  return encoded;
}

// What became of one row.
struct Outcome {
  const ImportRow* row = nullptr;
  std::string result;  // "created", "exists", "refused"
  std::string id;      // of the webhook here
  std::string secret;  // only if one was made because the row had none
  std::string reason;  // of a refusal
};

json::value parsed(const std::string& body) {
  boost::system::error_code error;
  json::value value = json::parse(body, error);
  return error ? json::value() : value;
}

std::string text_in(const json::value& value, const char* name) {
  const auto* object = value.if_object();
  const auto* member = object != nullptr ? object->if_contains(name) : nullptr;
  return member != nullptr && member->is_string() ? std::string(member->as_string()) : "";
}

class Importer {
 public:
  explicit Importer(const ApiClient& client) : client_(client) {}

  // An error is about the server and not about the row: the import ends there.
  Result<Outcome> take(const ImportRow& row) {
    TRY_VOID(make_tenant(row.tenant));
    Outcome outcome;
    outcome.row = &row;
    outcome.result = "exists";
    TRY(const ApiAnswer known,
        client_.send({.path = "/api/v1/webhooks/" + percent_encoded(row.legacy_id) +
                              "?tenant_id=" + percent_encoded(row.tenant)}));
    TRY_VOID(check(known));
    outcome.id = text_in(parsed(known.body), "id");
    if (known.status == 200) return outcome;
    TRY(const ApiAnswer made,
        client_.send({.method = "POST", .path = "/api/v1/webhooks", .body = row.body}));
    TRY_VOID(check(made));
    outcome.result = made.status == 201 ? "created" : "refused";
    if (made.status != 201) {
      outcome.reason = refusal_in(made);
      return outcome;
    }
    const json::value webhook = parsed(made.body);
    outcome.id = text_in(webhook, "id");
    if (!row.has_secret) outcome.secret = text_in(webhook, "secret");
    return outcome;
  }

 private:
  // An answer that says nothing about the row but that the call itself could not be made.
  Result<void> check(const ApiAnswer& answer) const {
    const bool is_about_the_row =
        answer.status < 500 && answer.status != 401 && answer.status != 403;
    if (is_about_the_row) return {};
    return fail(Errc::internal, "the server at " + client_.url() + " answered " +
                                    std::to_string(answer.status) + ": " + refusal_in(answer) +
                                    (answer.status < 500 ? " An import needs an admin key." : ""));
  }

  Result<void> make_tenant(const std::string& external_id) {
    if (!tenants_.insert(external_id).second) return {};
    const json::object body{{"name", external_id}, {"external_id", external_id}};
    TRY(const ApiAnswer made,
        client_.send({.method = "POST", .path = "/api/v1/tenants", .body = json::serialize(body)}));
    return check(made);  // 409: it is there; a name that is not fit shows when its webhook is made
  }

  const ApiClient& client_;
  std::set<std::string> tenants_;
};

// Lines for people, or one JSON object. In the order of the file, so that it can be read beside it:
// a row that was refused on reading, of `refused`, comes just before the next one that was not.
class Report {
 public:
  Report(bool is_json, std::span<const RefusedRow> refused)
      : is_json_(is_json), refused_(refused) {}

  void add(const Outcome& outcome) {
    while (!refused_.empty() && refused_.front().number < outcome.row->number) add_next_refused();
    ++counts_[outcome.result];
    if (!is_json_) return print(outcome);
    json::object line{{"row", outcome.row->number},
                      {"legacy_id", outcome.row->legacy_id},
                      {"tenant", outcome.row->tenant},
                      {"result", outcome.result}};
    if (!outcome.id.empty()) line["id"] = outcome.id;
    if (!outcome.secret.empty()) line["secret"] = outcome.secret;
    if (!outcome.reason.empty()) line["reason"] = outcome.reason;
    lines_.push_back(std::move(line));
  }
  // Every row is done.
  int finish() {
    while (!refused_.empty()) add_next_refused();
    return stop();
  }
  // The rows after the last one added are left alone.
  int stop() {
    if (is_json_) {
      json::object all{{"created", counts_["created"]},
                       {"exists", counts_["exists"]},
                       {"refused", counts_["refused"]},
                       {"rows", std::move(lines_)}};
      std::cout << json::serialize(all) << "\n";
    } else {
      std::cout << counts_["created"] << " created, " << counts_["exists"] << " already there, "
                << counts_["refused"] << " refused\n";
    }
    return counts_["refused"] == 0 ? kExitDone : kExitFailed;
  }

 private:
  void add_next_refused() {
    const RefusedRow& refused = refused_.front();
    refused_ = refused_.subspan(1);
    ++counts_["refused"];
    if (is_json_) {
      lines_.push_back(
          json::object{{"row", refused.number}, {"result", "refused"}, {"reason", refused.reason}});
    } else {
      std::cout << "row " << refused.number << "  refused: " << refused.reason << "\n";
    }
  }

  static void print(const Outcome& outcome) {
    std::cout << "row " << outcome.row->number << "  " << outcome.row->tenant << "  "
              << outcome.row->legacy_id << "  ";
    if (outcome.result == "refused") {
      std::cout << "refused: " << outcome.reason << "\n";
      return;
    }
    std::cout << outcome.id << (outcome.result == "exists" ? "  already there" : "");
    if (!outcome.secret.empty()) {
      std::cout << "  it had no secret; the new one, shown only now: " << outcome.secret;
    }
    std::cout << "\n";
  }

  const bool is_json_;
  std::span<const RefusedRow> refused_;  // those still to come
  std::map<std::string, std::size_t> counts_;
  json::array lines_;
};

class ImportVerb final : public Verb {
 public:
  const char* name() const override { return "import"; }
  const char* summary() const override {
    return "Take over the webhooks that another system exported, with their ids and secrets.";
  }
  void declare(CLI::App& command) override {
    command.add_option("--from", system_, "The system that wrote the file.")
        ->required()
        ->check(CLI::IsMember(import_systems()))
        ->type_name("SYSTEM");
    command.add_option("FILE", path_, "Its table of webhooks, as JSON or CSV.")->required();
    command.add_flag("--dry-run", is_dry_run_, "Read and check the file; ask the server nothing.");
    command.add_flag("--json", is_json_, "One JSON object instead of lines.");
    add_api_flags(command, flags_);
  }

  int run(const Config& config, const ConfigSources& sources) override {
    const auto text = read_text_file(path_, kImportFileBytesMax);
    if (!text) return complain_of_use(text.error());
    const auto file = read_import(system_, *text);
    if (!file) return complain_of_use({file.error().code, path_ + ": " + file.error().message});
    for (const std::string& column : file->unknown_columns) {
      std::cerr << "fanfare: the column " << column << " is not known and stays behind\n";
    }
    if (is_dry_run_) return preview(*file);
    const auto access = api_access(flags_, config, sources.environment);
    if (!access) return complain_of_use(access.error());
    return import_all(*file, ApiClient(*access));
  }

 private:
  int preview(const ImportFile& file) const {
    Report report(is_json_, file.refused);
    for (const ImportRow& row : file.rows) {
      json::value shown = parsed(row.body);
      if (row.has_secret) shown.as_object()["secret"] = "***";
      std::cerr << "row " << row.number << "  " << json::serialize(shown) << "\n";
    }
    std::cerr << file.rows.size() << " would be sent; nothing was\n";
    return report.finish();
  }

  int import_all(const ImportFile& file, const ApiClient& client) const {
    warn_of_other_profile(client);
    Report report(is_json_, file.refused);
    Importer importer(client);
    std::size_t done = 0;
    for (const ImportRow& row : file.rows) {
      const auto outcome = importer.take(row);
      if (!outcome) {
        report.stop();
        std::cerr << "fanfare: stopped at row " << row.number
                  << "; what is imported stays, start again to go on\n";
        return complain(outcome.error());
      }
      report.add(*outcome);
      progress_.say(std::to_string(++done) + " of " + std::to_string(file.rows.size()));
    }
    return report.finish();
  }

  // Signature, body and retries of an imported webhook are the profile's.
  void warn_of_other_profile(const ApiClient& client) const {
    const auto answer = client.call({.path = "/api/v1/profile"});
    const std::string profile = answer ? text_in(parsed(*answer), "name") : "";
    if (profile.empty() || profile == system_) return;
    std::cerr << "fanfare: the server runs the profile \"" << profile
              << "\": what is imported is signed and retried as that profile does. Its own is "
                 "--profile "
              << system_ << "\n";
  }

  std::string system_;
  std::string path_;
  bool is_dry_run_ = false;
  bool is_json_ = false;
  ApiFlags flags_;
  mutable Progress progress_;
};

}  // namespace

std::unique_ptr<Verb> make_import_verb() {
  return std::make_unique<ImportVerb>();
}

}  // namespace fanfare
