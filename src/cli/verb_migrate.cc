// `fanfare migrate`: the database's schema, apart from a server: what was applied, what is pending,
// up, one version down, and the whole schema as a script.
#include <functional>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "base/clock.h"
#include "cli/console.h"
#include "cli/verb.h"
#include "storage/sqlite/migrator.h"

namespace fanfare {
namespace {

using sqlite::MigrationStatus;

std::string padded_number(int version) {
  std::string text = std::to_string(version);
  return std::string(text.size() < 4 ? 4 - text.size() : 0, '0') + text;
}

void print_as_lines(const std::vector<MigrationStatus>& all) {
  for (const MigrationStatus& one : all) {
    std::cout << padded_number(one.version) << "  "
              << (one.applied_at ? format_rfc3339(*one.applied_at) : "pending                 ")
              << "  " << one.name << "\n";
  }
}

// Names are those of files of ours: nothing in them needs an escape.
void print_as_json(const std::vector<MigrationStatus>& all) {
  std::string text;
  for (const MigrationStatus& one : all) {
    text += (text.empty() ? "" : ",") + (R"({"version":)" + std::to_string(one.version)) +
            R"(,"name":")" + one.name + R"(","applied_at":)" +
            (one.applied_at ? "\"" + format_rfc3339(*one.applied_at) + "\"" : "null") + "}";
  }
  std::cout << "[" << text << "]\n";
}

std::size_t pending_count(const std::vector<MigrationStatus>& all) {
  std::size_t count = 0;
  for (const MigrationStatus& one : all) count += one.applied_at ? 0 : 1;
  return count;
}

class MigrateVerb final : public Verb {
 public:
  const char* name() const override { return "migrate"; }
  const char* summary() const override { return "Look at or change the schema of the database."; }
  void declare(CLI::App& command) override;
  int run(const Config& config, const ConfigSources& sources) override;

 private:
  using Action = Result<void> (MigrateVerb::*)();
  void declare_word(CLI::App& command, const char* word, const char* help, Action action);
  Result<void> status();
  Result<void> plan();
  Result<void> up();
  Result<void> down();
  Result<void> schema();

  Action action_ = nullptr;
  bool is_json_ = false;
  std::string path_;
};

void MigrateVerb::declare_word(CLI::App& command, const char* word, const char* help,
                               Action action) {
  CLI::App* found = command.add_subcommand(word, help);
  found->fallthrough();  // the options of the configuration may stand behind the word
  found->callback([this, action] { action_ = action; });
}

void MigrateVerb::declare(CLI::App& command) {
  command.require_subcommand(1);
  command.add_flag("--json", is_json_, "status: one JSON array.");
  declare_word(command, "status", "Show which migrations were applied and which are pending.",
               &MigrateVerb::status);
  declare_word(command, "plan", "Print the SQL that is pending.", &MigrateVerb::plan);
  declare_word(command, "up", "Apply what is pending, tried on a copy first.", &MigrateVerb::up);
  declare_word(command, "down", "Take the newest migration back, if no data is lost by that.",
               &MigrateVerb::down);
  declare_word(command, "schema", "Print the whole schema as one SQL script.",
               &MigrateVerb::schema);
}

int MigrateVerb::run(const Config& config, const ConfigSources&) {
  if (action_ != &MigrateVerb::schema && config.database.kind != DatabaseKind::sqlite) {
    return complain_of_use(
        {Errc::invalid, "a database in memory has no schema to look at; name one with --database"});
  }
  path_ = config.database.path;
  const Result<void> done = (this->*action_)();
  return done ? kExitDone : complain(done.error());
}

Result<void> MigrateVerb::status() {
  TRY(const auto all, sqlite::migration_status(path_));
  is_json_ ? print_as_json(all) : print_as_lines(all);
  return {};
}

Result<void> MigrateVerb::plan() {
  TRY(const auto all, sqlite::migration_status(path_));
  const auto migrations = embedded_migrations();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].applied_at) continue;
    std::cout << "-- migration " << all[i].version << ": " << all[i].name << "\n"
              << migrations[i].sql << "\n";
  }
  if (pending_count(all) == 0) std::cerr << "fanfare: nothing is pending\n";
  return {};
}

Result<void> MigrateVerb::up() {
  TRY(const auto before, sqlite::migration_status(path_));
  Progress progress;
  progress.say("applying what is pending, on a copy first …");
  TRY_VOID(sqlite::migrate_file_up(path_, SystemClock().wall_now()));
  std::cerr << "fanfare: applied " << pending_count(before) << " of " << before.size()
            << " migrations to " << path_ << "\n";
  return {};
}

Result<void> MigrateVerb::down() {
  Progress progress;
  progress.say("taking one migration back, on a copy first …");
  TRY_VOID(sqlite::migrate_file_down(path_));
  TRY(const auto after, sqlite::migration_status(path_));
  std::cerr << "fanfare: " << path_ << " is at version " << (after.size() - pending_count(after))
            << "; a server of this version brings it up again when it starts\n";
  return {};
}

Result<void> MigrateVerb::schema() {
  TRY(const std::string script, sqlite::schema_script());
  std::cout << script;
  return {};
}

}  // namespace

std::unique_ptr<Verb> make_migrate_verb() {
  return std::make_unique<MigrateVerb>();
}

}  // namespace fanfare
