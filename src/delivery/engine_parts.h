// What the engine is made of: the doors that app/ opens for it.
#pragma once

#include <functional>
#include <vector>

#include "delivery/engine.h"

namespace fanfare {

struct Engine::Parts {
  struct Reactor {
    Loop& loop;
    Sender& sender;
  };
  Store& store;
  Vault& vault;
  const Clock& clock;
  Random& random;
  std::vector<Reactor> reactors;                     // at least one
  std::function<void(const AttemptOp&)> on_attempt;  // for the log; on a reactor's thread
  RetentionPolicy retention{};
  Millis cleanup_interval{0};  // 0 = only when asked for
  std::function<void(const Result<CleanupReport>&)> on_cleanup = nullptr;  // for the log
  // For the log; on any thread.
  std::function<void(const FailureNotice&)> on_failing = nullptr;
  FailureCounts failure_counts = FailureCounts::deliveries;
  std::optional<Millis> disable_after = std::nullopt;  // of failing all the time; none = never
  std::size_t reader_threads = 2;                      // how many threads will call run_reader()
  std::size_t in_flight_max = limits::kInFlightTotalMax;
  std::size_t lane_bytes_max = limits::kLanesBytesMax;
  std::vector<EventType> catalogue = {};  // of the profile; what was never there is put in once
};

}  // namespace fanfare
