#include "storage/sqlite/free_space.h"

#include <algorithm>
#include <string>

namespace fanfare::sqlite {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kKeptPages = 256;    // free pages that are never worth a step
constexpr std::int64_t kKeptShare = 16;     // nor is this part of the file
constexpr std::int64_t kBusyPages = 64;     // moved in one step: about a millisecond
constexpr std::int64_t kIdlePages = 512;    // some milliseconds
constexpr Millis kBetweenBusySteps = 50ms;  // a few percent of the time

}  // namespace

bool FreeSpace::is_due(Timestamp now, bool is_idle) const {
  if (!is_worth_a_look_) return false;
  return is_idle || now < last_step_ || now - last_step_ >= kBetweenBusySteps;
}

Result<std::int64_t> FreeSpace::surplus() {
  TRY(const auto free, db_.number("PRAGMA freelist_count"));
  TRY(const auto all, db_.number("PRAGMA page_count"));
  return free - std::max(kKeptPages, all / kKeptShare);
}

Result<bool> FreeSpace::give_back(Timestamp now, bool is_idle) {
  last_step_ = now;
  TRY(const auto before, surplus());
  if (before > 0) {
    const auto pages = std::min(before, is_idle ? kIdlePages : kBusyPages);
    TRY_VOID(db_.execute("PRAGMA incremental_vacuum(" + std::to_string(pages) + ")"));
  }
  TRY(const auto after, surplus());
  is_worth_a_look_ = after > 0 && after < before;
  return is_worth_a_look_;
}

}  // namespace fanfare::sqlite
