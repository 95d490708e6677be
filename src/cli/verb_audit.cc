// `fanfare audit verify`: walks the chain of the audit log and says whether it is whole. It reads
// the database beside a running server, or without one.
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "app/audit.h"
#include "app/master_key.h"
#include "base/encoding.h"
#include "base/json_text.h"
#include "cli/console.h"
#include "cli/verb.h"
#include "storage/sqlite/audit_verify.h"

namespace fanfare {
namespace {

void add_member(std::string& out, std::string_view name, const std::string& value) {
  out.append(",\"").append(name).append("\":");
  if (value.empty()) {
    out += "null";
  } else {
    append_lossy_json_string(out, value);
  }
}

std::string json_of(const AuditVerdict& verdict) {
  std::string out = verdict.is_whole() ? R"({"whole":true)" : R"({"whole":false)";
  out += ",\"rows\":" + std::to_string(verdict.rows);
  add_member(out, "last_id", verdict.head.id.is_nil() ? "" : to_string(verdict.head.id));
  add_member(out, "last_hash", hex_encode(bytes_of(verdict.head.hash)));
  add_member(out, "broken_at", verdict.broken_at);
  add_member(out, "reason", verdict.reason);
  return out += '}';
}

std::string sentence_of(const AuditVerdict& verdict) {
  const std::string rows = std::to_string(verdict.rows);
  if (verdict.is_whole()) {
    return verdict.rows == 0 ? "The audit log is whole; it has no entries."
                             : "The audit log is whole: " + rows + " entries up to " +
                                   to_string(verdict.head.id) + ", hash " +
                                   hex_encode(bytes_of(verdict.head.hash));
  }
  const std::string where = verdict.broken_at.empty() ? "" : " at " + verdict.broken_at;
  return "The audit log is broken" + where + ": " + verdict.reason + ". " + rows +
         " entries before that are whole.";
}

class AuditVerb final : public Verb {
 public:
  const char* name() const override { return "audit"; }
  const char* summary() const override {
    return "Check that nobody changed the audit log (fanfare audit verify).";
  }
  void declare(CLI::App& app) override {
    app.add_option("task", task_, "verify: walk the chain from its beginning to its end.")
        ->type_name("verify")
        ->check(CLI::IsMember({"verify"}))
        ->required();
    app.add_flag("--json", is_json_, "Answer as one line of JSON.");
  }
  int run(const Config& config, const ConfigSources&) override {
    if (config.database.kind != DatabaseKind::sqlite) {
      return complain_of_use({Errc::invalid,
                              "a database in memory leaves nothing to verify; name the one of the "
                              "server with --database sqlite:PATH"});
    }
    const auto keys = existing_master_keys(config);
    if (!keys) return complain(keys.error());
    const auto verdict = verify(config, *keys);
    if (!verdict) return complain(verdict.error());
    std::cout << (is_json_ ? json_of(*verdict) : sentence_of(*verdict)) << std::endl;
    return verdict->is_whole() ? kExitDone : kExitFailed;
  }

 private:
  static Result<AuditVerdict> verify(const Config& config, const std::vector<Secret>& master_keys) {
    Progress progress;
    return verify_audit_log(
        config.database.path,
        {.sealer = audit_sealer(master_keys),
         .broken_action = kAuditLogBroken,
         .on_progress = [&progress](std::int64_t rows) {
           progress.say("Verifying the audit log: " + std::to_string(rows) + " entries");
         }});
  }

  std::string task_;
  bool is_json_ = false;
};

}  // namespace

std::unique_ptr<Verb> make_audit_verb() {
  return std::make_unique<AuditVerb>();
}

}  // namespace fanfare
