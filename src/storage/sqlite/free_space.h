// FreeSpace: gives pages that nothing uses back to the disk, in steps between commits. A share of
// them stays, because new rows want them: in steady state, where as much comes as goes, nothing is
// moved. The writer's thread only.
#pragma once

#include <cstdint>

#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

class FreeSpace {
 public:
  explicit FreeSpace(Connection& db) : db_(db) {}

  void rows_removed() { is_worth_a_look_ = true; }
  // Under load a step comes now and then only.
  bool is_due(Timestamp now, bool is_idle) const;
  // Inside the writer's transaction. True if more is to be given back.
  Result<bool> give_back(Timestamp now, bool is_idle);

 private:
  // Pages to give back now.
  Result<std::int64_t> surplus();

  Connection& db_;
  bool is_worth_a_look_ = true;  // an earlier process may have stopped in the middle
  Timestamp last_step_{};
};

}  // namespace fanfare::sqlite
