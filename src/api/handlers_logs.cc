// The attempts of one webhook: its deliveries newest first, of each its attempts newest first. A
// page looks at a bounded number of deliveries; when that is used up it ends early, maybe empty,
// with a cursor to go on from.
#include <algorithm>

#include "api/attempt_list.h"
#include "api/handlers.h"
#include "api/list_query.h"
#include "api/webhook_edit.h"

namespace fanfare {
namespace {

constexpr std::size_t kDeliveriesAtOnce = 100;

struct LogFilter {
  std::optional<bool> is_success;
  std::string event_type;
  std::optional<int> code;
  DeliveryFilter deliveries;  // webhook and time: what the walk can be narrowed by

  bool admits(const Attempt& attempt) const {
    const bool succeeded = attempt.kind == ErrorKind::none;
    return (!is_success || *is_success == succeeded) && (!code || *code == attempt.outcome.status);
  }
};

LogFilter read_log_filter(QueryReader& query) {
  LogFilter filter;
  if (const auto name = query.text("status")) {
    filter.is_success = *name == "success";
    if (*name != "success" && *name != "failed")
      query.add_error("status", "unknown_status", "must be success or failed");
  }
  filter.event_type = query.text({"event_type", "event", "type"}).value_or("");
  filter.deliveries.since = query.time("since");
  filter.deliveries.until = query.time("until");
  filter.code = query.integer("code", 100, 599);
  return filter;
}

// The last attempt that was shown or, where a page ended early, the last delivery looked at.
struct LogPosition {
  DeliveryId delivery;
  std::uint32_t run = 0;  // 0 = all of the delivery was looked at
  std::uint32_t number = 0;

  std::string text() const {
    std::string text = position_of(delivery);
    for (const std::uint32_t value : {run, number}) {
      for (int shift = 24; shift >= 0; shift -= 8)
        text.push_back(static_cast<char>((value >> shift) & 0xff));
    }
    return text;
  }
  static std::optional<LogPosition> read(const std::optional<std::string>& text) {
    if (!text || text->size() != 24) return std::nullopt;
    LogPosition position;
    position.delivery = *id_at<DeliveryId>(text->substr(0, 16));
    const auto number_at = [&text](std::size_t at) {
      std::uint32_t value = 0;
      for (std::size_t i = at; i < at + 4; ++i)
        value = (value << 8) | static_cast<unsigned char>((*text)[i]);
      return value;
    };
    position.run = number_at(16);
    position.number = number_at(20);
    return position;
  }
  bool is_before(const Attempt& attempt) const {
    const auto of = std::pair{attempt.run, attempt.number};
    return of < std::pair{static_cast<int>(run), static_cast<int>(number)};
  }
};

// One page of a log, made on a reader's thread.
class LogPage {
 public:
  LogPage(Engine& engine, Reader& reader, const LogFilter& filter, std::size_t limit)
      : reader_(reader), attempts_(engine, reader), filter_(filter), limit_(limit) {}

  Result<void> fill(TenantId tenant, std::optional<LogPosition> after) {
    std::optional<DeliveryId> before;
    if (after) {
      before = after->delivery;
      if (after->run != 0) TRY_VOID(add_rest(tenant, *after));
    }
    while (!is_full_) {
      TRY(const Rows<Delivery> page,
          reader_.deliveries(tenant, filter_.deliveries, before, kDeliveriesAtOnce));
      for (const Delivery& delivery : page.rows) {
        TRY_VOID(add(delivery, std::nullopt));
        if (is_full_) return {};
      }
      if (!page.has_more) return {};
      before = page.rows.back().id;
    }
    return {};
  }
  std::string take_rows() { return out_.take(); }
  // Where the next page begins; none if this was the last.
  std::optional<LogPosition> next() const { return is_full_ ? last_ : std::nullopt; }

 private:
  // What is left of the delivery in whose middle the last page ended. It may be gone by now.
  Result<void> add_rest(TenantId tenant, const LogPosition& after) {
    const auto delivery = reader_.delivery(tenant, after.delivery);
    if (delivery) return add(*delivery, after);
    if (delivery.error().code == Errc::not_found) return {};
    return tl::unexpected<Error>(delivery.error());
  }

  Result<void> add(const Delivery& delivery, const std::optional<LogPosition>& after) {
    const bool is_of_type = filter_.event_type.empty() || filter_.event_type == delivery.event_type;
    if (is_of_type && delivery.attempts + delivery.run > 1) {
      TRY(auto attempts, reader_.attempts(delivery.tenant, delivery.id));
      std::reverse(attempts.begin(), attempts.end());
      std::optional<Event> event;
      for (const Attempt& attempt : attempts) {
        if ((after && !after->is_before(attempt)) || !filter_.admits(attempt)) continue;
        if (count_ == limit_) {
          is_full_ = true;
          return {};
        }
        if (!event) TRY_VOID(read_event(delivery, event));
        TRY_VOID(attempts_.write(out_, {delivery, *event, true}, attempt));
        ++count_;
        last_ = LogPosition{delivery.id, static_cast<std::uint32_t>(attempt.run),
                            static_cast<std::uint32_t>(attempt.number)};
      }
    }
    if (++looked_at_ == limits::kLogWalkMax) {
      is_full_ = true;
      last_ = LogPosition{delivery.id, 0, 0};
    }
    return {};
  }

  Result<void> read_event(const Delivery& delivery, std::optional<Event>& event) {
    TRY(event, event_or_remains(reader_, delivery));
    return {};
  }

  Reader& reader_;
  AttemptList attempts_;
  const LogFilter& filter_;
  const std::size_t limit_;
  JsonWriter out_;
  std::size_t count_ = 0;
  std::size_t looked_at_ = 0;
  bool is_full_ = false;  // more may follow
  std::optional<LogPosition> last_;
};

}  // namespace

void handle_webhook_logs(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  LogFilter filter = read_log_filter(query);
  const auto webhook = find_webhook(context, *exchange, exchange->parameter(), named);
  if (exchange->failed(webhook)) return;
  filter.deliveries.webhook = (*webhook)->id;
  const TenantId tenant = (*webhook)->tenant;
  auto page = read_page(context, query, "log of " + to_string((*webhook)->id), to_string(tenant));
  if (exchange->failed(page)) return;
  answer_list_from_store(context, exchange,
                         [&context, tenant, filter = std::move(filter),
                          page = *std::move(page)](Reader& reader) -> Result<std::string> {
                           LogPage log(context.engine, reader, filter, page.limit);
                           TRY_VOID(log.fill(tenant, LogPosition::read(page.after)));
                           std::optional<std::string> next;
                           if (const auto position = log.next())
                             next = context.shared.cursors.make(page.scope(), position->text());
                           return list_of(log.take_rows(), next);
                         });
}

}  // namespace fanfare
