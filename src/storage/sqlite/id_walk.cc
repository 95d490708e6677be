#include "storage/sqlite/id_walk.h"

#include <algorithm>

namespace fanfare::sqlite {

Result<IdWalk> IdWalk::open(Connection& db, const WalkQueries& queries, const WalkRange& range) {
  IdWalk walk;
  walk.sources_.reserve(queries.tails.size() + 1);
  // The larger of both bounds is worked out here: SQLite would start at one and filter by the
  // other.
  const Uuid tail_low = std::max(range.low, successor(range.watermark));
  for (const Sql& tail : queries.tails) {
    TRY(auto statement, db.prepare(tail));
    TRY_VOID(walk.add(std::move(statement), range, tail_low));
  }
  TRY(auto index, db.prepare(queries.index));
  TRY_VOID(walk.add(std::move(index), range, range.low));
  return walk;
}

Result<void> IdWalk::add(Statement statement, const WalkRange& range, const Uuid& low) {
  Source& source = sources_.emplace_back(Source{std::move(statement), std::nullopt});
  source.statement.bind(range.owner, low, range.below);
  return advance(source);
}

Result<void> IdWalk::advance(Source& source) {
  TRY(const bool found, source.statement.next());
  if (!found) {
    source.head.reset();
    return {};
  }
  return source.statement.read(source.head.emplace());
}

Result<std::optional<Uuid>> IdWalk::next() {
  std::optional<Uuid> newest;
  for (const Source& source : sources_) newest = std::max(newest, source.head);
  if (!newest) return std::nullopt;
  for (Source& source : sources_) {
    // A delivery has a row for each of its finished runs.
    while (source.head == newest) TRY_VOID(advance(source));
  }
  return newest;
}

}  // namespace fanfare::sqlite
