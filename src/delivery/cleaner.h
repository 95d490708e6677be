// Cleaner: removes what retention keeps no longer, by itself every so often and when somebody asks.
// Each step is one small operation among the others of a batch; between two steps it waits longer
// than the last one took, so that a cleanup of any size takes at most a third of the journal's
// time. What is left at a crash or at shutdown goes next time.
//
// One loop's thread; completions of the journal come back by post().
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/loop.h"
#include "delivery/journal.h"
#include "domain/retention.h"

namespace fanfare {

class Cleaner {
 public:
  using Done = UniqueFunction<void(Result<CleanupReport>)>;
  struct Doors {
    Loop& loop;
    Journal& journal;
    std::function<void(const QueuedRun&)> on_ended;  // an open run expired; journal's thread
    std::function<void(const Result<CleanupReport>&)> on_over;  // for the log; may be null
  };
  Cleaner(Doors doors, const RetentionPolicy& policy) : doors_(std::move(doors)), policy_(policy) {}

  // Once a minute after start and then every `interval`. Loop's thread.
  void schedule(Millis interval);
  // Cleans up for as long as `budget` allows. Errc::conflict while another that was asked for is
  // under way. Loop's thread.
  void clean_up(Millis budget, Done done);
  // No further step. Loop's thread.
  void stop() { is_stopped_ = true; }

  const RetentionPolicy& policy() const { return policy_; }
  // The report of the last one that ended, as JSON; empty if there was none. Any thread.
  std::string last_report() const;
  void set_last_report(std::string json);

 private:
  struct Pass;
  void begin(Millis budget, Done done);
  void step(std::shared_ptr<Pass> pass);
  void stepped(const std::shared_ptr<Pass>& pass, SteadyTime asked_at, const Result<OpDone>& done);
  void refused(const std::shared_ptr<Pass>& pass, const Error& error);
  void end_early(const std::shared_ptr<Pass>& pass, const tl::unexpected<Error>& error);
  void finish(const std::shared_ptr<Pass>& pass);
  void finish_with(const std::shared_ptr<Pass>& pass, const Result<CleanupReport>& result);
  void run_scheduled(Millis interval);

  Doors doors_;
  const RetentionPolicy policy_;
  bool is_asked_one_under_way_ = false;
  bool is_stopped_ = false;

  mutable std::mutex mu_;
  std::string last_report_;
};

inline constexpr const char* kLastCleanupSetting = "last_cleanup";

}  // namespace fanfare
