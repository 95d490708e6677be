// IdWalk: the ids of one owner (a webhook's or tenant's), newest first, from a lazy index and the
// tables above the watermark, merged without duplicates: an id that is in the index ahead of the
// watermark comes once. Inside one read transaction.
#pragma once

#include <optional>
#include <vector>

#include "storage/sqlite/connection.h"

namespace fanfare::sqlite {

// Queries with three parameters: the owner, the least id, and the id to stay below; ids in falling
// order.
struct WalkQueries {
  std::vector<Sql> tails;  // the tables: asked for ids above the watermark only
  Sql index;
};

struct WalkRange {
  Uuid owner;
  Uuid low;    // inclusive
  Uuid below;  // exclusive
  Uuid watermark;
};

class IdWalk {
 public:
  static Result<IdWalk> open(Connection& db, const WalkQueries& queries, const WalkRange& range);
  Result<std::optional<Uuid>> next();

 private:
  struct Source {
    Statement statement;
    std::optional<Uuid> head;
  };
  Result<void> add(Statement statement, const WalkRange& range, const Uuid& low);
  static Result<void> advance(Source& source);
  std::vector<Source> sources_;
};

}  // namespace fanfare::sqlite
