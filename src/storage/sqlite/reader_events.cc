// Reads of events and of their deliveries.
#include <algorithm>

#include "storage/sqlite/lazy_index.h"
#include "storage/sqlite/reader.h"

namespace fanfare::sqlite {
namespace {

const WalkQueries& events_of_tenant() {
  static const WalkQueries queries{
      .tails =
          {"SELECT id FROM events WHERE tenant = ?1 AND id >= ?2 AND id < ?3 ORDER BY id DESC"},
      .index =
          "SELECT event FROM tenant_events WHERE tenant = ?1 AND event >= ?2 AND event < ?3"
          " ORDER BY event DESC"};
  return queries;
}

tl::unexpected<Error> no_such_event(EventId id) {
  return fail(Errc::not_found, "there is no event " + to_string(id));
}

// The next `limit` delivery ids after an event's id in one table, in order.
Result<void> collect_ids(Statement row, EventId event, int limit, std::vector<DeliveryId>& ids) {
  row.bind(event, limit);
  while (true) {
    TRY(const bool found, row.next());
    if (!found) return {};
    TRY_VOID(row.read(ids.emplace_back()));
  }
}

// Deliveries follow their event's id directly, so they are the first ids after it in `queue` and
// `deliveries` taken together. A requeued one stands in both.
Result<std::vector<DeliveryId>> ids_after(Connection& db, EventId event, int count) {
  std::vector<DeliveryId> ids;
  TRY(auto open,
      db.prepare("SELECT delivery FROM queue WHERE delivery > ? ORDER BY delivery LIMIT ?"));
  TRY_VOID(collect_ids(std::move(open), event, count, ids));
  TRY(auto finished, db.prepare("SELECT delivery FROM deliveries WHERE delivery > ?"
                                " GROUP BY delivery ORDER BY delivery LIMIT ?"));
  TRY_VOID(collect_ids(std::move(finished), event, count, ids));
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  ids.resize(std::min(ids.size(), static_cast<std::size_t>(count)));
  return ids;
}

}  // namespace

Result<Event> SqliteReader::load_event_head(EventId id) {
  TRY(auto row, db_->prepare("SELECT id, tenant, type, event_id, deliveries, is_test, created_at"
                             " FROM events WHERE id = ?"));
  row.bind(id);
  TRY(const bool found, row.next());
  if (!found) return no_such_event(id);
  Event event;
  TRY_VOID(row.read(event.id, event.tenant, event.type, event.event_id, event.deliveries,
                    event.is_test, event.created_at));
  return event;
}

Result<void> SqliteReader::add_payload(Event& event) {
  TRY(auto row, db_->prepare("SELECT metadata, data FROM events WHERE id = ?"));
  row.bind(event.id);
  TRY(const bool found, row.next());
  if (!found) return no_such_event(event.id);
  std::string data;
  TRY_VOID(row.read(event.metadata, data));
  event.data = std::make_shared<const std::string>(std::move(data));
  return {};
}

Result<Event> SqliteReader::event(TenantId tenant, EventId id) {
  return in_snapshot([&]() -> Result<Event> {
    TRY(auto found, load_event_head(id));
    if (found.tenant != tenant) return no_such_event(id);
    TRY_VOID(add_payload(found));
    return found;
  });
}

Result<Broadcast> SqliteReader::broadcast(BroadcastId id) {
  return in_snapshot([&]() -> Result<Broadcast> {
    TRY(auto found, find_broadcast(*db_, id));
    if (!found) return fail(Errc::not_found, "there is no broadcast " + to_string(id));
    return *std::move(found);
  });
}

Result<TenantId> SqliteReader::owner(EventId id) {
  return in_snapshot([&]() -> Result<TenantId> {
    TRY(const auto found, load_event_head(id));
    return found.tenant;
  });
}

Result<Rows<Event>> SqliteReader::list_events(const EventFilter& filter, IdWalk& walk,
                                              std::size_t limit) {
  Rows<Event> page;
  while (true) {
    TRY_VOID(check_deadline());
    TRY(const auto id, walk.next());
    if (!id) return page;
    auto event = load_event_head(EventId{*id});
    if (!event && event.error().code == Errc::not_found) continue;  // its index entry is left over
    if (!event) return tl::unexpected<Error>(std::move(event).error());
    if (!matches(filter, *event)) continue;
    if (page.rows.size() == limit) {
      page.has_more = true;
      return page;
    }
    TRY_VOID(add_payload(*event));
    page.rows.push_back(*std::move(event));
  }
}

Result<Rows<Event>> SqliteReader::events(TenantId tenant, const EventFilter& filter,
                                         std::optional<EventId> before, std::size_t limit) {
  return in_snapshot([&]() -> Result<Rows<Event>> {
    TRY(const Uuid watermark, read_watermark(*db_));
    WalkBounds bounds{.since = filter.since, .until = filter.until, .before = {}};
    if (before) bounds.before = before->value;
    TRY(auto walk,
        IdWalk::open(*db_, events_of_tenant(), walk_range(tenant.value, watermark, bounds)));
    return list_events(filter, walk, limit);
  });
}

Result<std::vector<Delivery>> SqliteReader::event_deliveries(TenantId tenant, EventId event) {
  return in_snapshot([&]() -> Result<std::vector<Delivery>> {
    TRY(const Event owner, load_event_head(event));
    if (owner.tenant != tenant) return no_such_event(event);
    std::vector<Delivery> deliveries;
    TRY(const auto ids, ids_after(*db_, event, owner.deliveries));
    for (const DeliveryId id : ids) {
      TRY(auto delivery, load_delivery(id));
      // A later event's: some of this one's are gone.
      if (!delivery || delivery->event != event) break;
      deliveries.push_back(*std::move(delivery));
    }
    return deliveries;
  });
}

}  // namespace fanfare::sqlite
