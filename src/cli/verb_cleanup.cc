// `fanfare cleanup`: removes what retention keeps no longer. A running server does it itself; if
// none runs, this works on the database, under its lock.
#include <algorithm>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include "app/offline_cleanup.h"
#include "base/clock.h"
#include "cli/api_client.h"
#include "cli/console.h"
#include "cli/verb.h"

namespace fanfare {
namespace {

// Reads {"events": 3, …} in member `name` of an answer.
Result<RetentionCounts> counts_in(const boost::json::value& answer, const char* name) {
  const auto* object = answer.if_object();
  const auto* found = object ? object->if_contains(name) : nullptr;
  if (found == nullptr || !found->is_object()) {
    return fail(Errc::corrupt, "the server's answer has no member " + std::string(name) +
                                   "; is it of another version?");
  }
  RetentionCounts counts;
  for (const RetentionKind& kind : kRetentionKinds) {
    const auto* count = found->as_object().if_contains(kind.name);
    if (count && count->is_int64()) {
      counts.*kind.count = static_cast<std::size_t>(std::max<std::int64_t>(0, count->as_int64()));
    }
  }
  return counts;
}

Result<boost::json::value> parsed(const std::string& text) {
  boost::json::error_code error;
  auto value = boost::json::parse(text, error);
  if (error) return fail(Errc::corrupt, "the server's answer is no JSON");
  return value;
}

void mark_bound(RetentionCounts& counts, const boost::json::value& answer) {
  const auto* more = answer.as_object().if_contains("more_than");
  if (more == nullptr || !more->is_array()) return;
  for (const auto& name : more->as_array()) {
    for (const RetentionKind& kind : kRetentionKinds) {
      if (name.is_string() && name.as_string() == kind.name) counts.*kind.count += 1;
    }
  }
}

// A retention that was given to this command is the server's to use, and it has its own.
Result<void> check_policy_counts(const Config& config, const ApiClient& client) {
  for (const auto& [option, origin] : config.origins) {
    if (!option.starts_with("retention-") || origin != "--" + option) continue;
    const auto alive = client.call({.method = "GET", .path = "/livez", .body = {}});
    if (!alive && alive.error().code == Errc::unavailable) return {};
    return fail(Errc::invalid, origin +
                                   " changes nothing here: a server is running, and what it keeps "
                                   "by its own options counts; leave the option out, or start the "
                                   "server with it");
  }
  return {};
}

class CleanupVerb final : public Verb {
 public:
  const char* name() const override { return "cleanup"; }
  const char* summary() const override {
    return "Remove what is kept no longer, now: on the running server, or on the database if none "
           "runs.";
  }
  void declare(CLI::App& command) override {
    add_api_flags(command, api_);
    command.add_flag("--dry-run", is_dry_run_, "Only count what would go.");
    command.add_flag("--json", is_json_, "One JSON object instead of lines.");
  }
  int run(const Config& config, const ConfigSources& sources) override;

 private:
  Result<RetentionCounts> ask_server(const ApiClient& client);
  Result<RetentionCounts> work_on_file(const Config& config);
  Result<RetentionCounts> counts(const Config& config, const ConfigSources& sources);
  void print(const RetentionCounts& counts) const;
  static std::string progress_of(const RetentionCounts& removed) {
    return std::to_string(removed.total()) + " rows removed …";
  }

  ApiFlags api_;
  bool is_dry_run_ = false;
  bool is_json_ = false;
};

// The server answers after a while even if more is left; then it is asked again.
Result<RetentionCounts> CleanupVerb::ask_server(const ApiClient& client) {
  ApiRequest request{.method = "POST", .path = "/api/v1/maintenance/cleanup", .body = "{}"};
  if (is_dry_run_) {
    request.body = R"({"dry_run":true})";
    TRY(const std::string text, client.call(request));
    TRY(const auto answer, parsed(text));
    TRY(RetentionCounts counts, counts_in(answer, "would_remove"));
    mark_bound(counts, answer);
    return counts;
  }
  RetentionCounts removed;
  Progress progress;
  while (true) {
    TRY(const std::string text, client.call(request));
    TRY(const auto answer, parsed(text));
    TRY(const RetentionCounts more, counts_in(answer, "removed"));
    removed += more;
    progress.say(progress_of(removed));
    const auto* has_more = answer.as_object().if_contains("has_more");
    if (has_more == nullptr || !has_more->is_bool() || !has_more->as_bool()) return removed;
  }
}

Result<RetentionCounts> CleanupVerb::work_on_file(const Config& config) {
  const SystemClock clock;
  if (is_dry_run_) return count_expired_offline(config, clock);
  Progress progress;
  TRY(const CleanupReport report,
      clean_up_offline(config, clock, [&progress](const CleanupReport& so_far) {
        progress.say(progress_of(so_far.removed));
      }));
  return report.removed;
}

Result<RetentionCounts> CleanupVerb::counts(const Config& config, const ConfigSources& sources) {
  const auto access = api_access(api_, config, sources.environment);
  const bool is_told = !api_.url.empty() || !api_.key_file.empty();
  if (is_told && !access) return tl::unexpected<Error>(access.error());
  if (access) {
    const ApiClient client(*access);
    TRY_VOID(check_policy_counts(config, client));
    auto answer = ask_server(client);
    const bool may_work_on_file = api_.url.empty() && config.database.kind == DatabaseKind::sqlite;
    const bool is_running = answer || answer.error().code != Errc::unavailable;
    if (is_running || !may_work_on_file) return answer;
  }
  auto done = work_on_file(config);
  if (done || access || done.error().code != Errc::conflict) return done;
  return fail(Errc::conflict,
              done.error().message + ", or let it do the work: " + access.error().message);
}

void CleanupVerb::print(const RetentionCounts& counts) const {
  if (is_json_) {
    std::cout << R"({"dry_run":)" << (is_dry_run_ ? "true" : "false")
              << (is_dry_run_ ? R"(,"would_remove":{)" : R"(,"removed":{)") << encode(counts)
              << "}}\n";
    return;
  }
  std::cout << (is_dry_run_ ? "would be removed:\n" : "removed:\n");
  for (const RetentionKind& kind : kRetentionKinds) {
    const std::size_t count = counts.*kind.count;
    const bool is_bound = is_dry_run_ && count > kExpireCountMax;
    const std::string text =
        is_bound ? "more than " + std::to_string(kExpireCountMax) : std::to_string(count);
    std::cout << "  " << std::string(text.size() < 15 ? 15 - text.size() : 0, ' ') << text << "  "
              << kind.words << "\n";
  }
}

int CleanupVerb::run(const Config& config, const ConfigSources& sources) {
  const auto done = counts(config, sources);
  if (!done) {
    return done.error().code == Errc::invalid ? complain_of_use(done.error())
                                              : complain(done.error());
  }
  print(*done);
  return kExitDone;
}

}  // namespace

std::unique_ptr<Verb> make_cleanup_verb() {
  return std::make_unique<CleanupVerb>();
}

}  // namespace fanfare
