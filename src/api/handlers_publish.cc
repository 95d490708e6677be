#include "api/handlers.h"
#include "api/list_query.h"
#include "api/publish_input.h"

namespace fanfare {
namespace {

// What answering one event takes: its own event_id, since the store's answer does not repeat it.
void write_published(JsonWriter& out, const Published& published, std::string_view event_id) {
  out.text("id", to_string(published.id)).text_or_null("event_id", event_id);
  out.number("deliveries", published.deliveries).flag("duplicate", published.is_duplicate);
}

Problem event_id_conflict(std::string_view event_id) {
  return {ProblemKind::event_id_conflict,
          "Another event was published with the event_id \"" + std::string(event_id) +
              "\" in the last 7 days, with another type, data, metadata, max_attempts or "
              "webhook_ids. Nothing was stored."};
}

Answer answer_one(const Published& published, const std::string& event_id) {
  JsonWriter out;
  out.begin_object();
  write_published(out, published, event_id);
  out.end_object();
  return {published.is_duplicate ? 200 : 202, out.take(), {}};
}

// One element of a batch: an event that goes to the engine, or why it does not.
struct BatchItem {
  std::optional<Problem> problem;
  std::string event_id;
};

void write_item_problem(JsonWriter& out, const Problem& problem, std::string_view request_id) {
  out.number("status", problem.status()).raw("problem", render_problem(problem, request_id));
}

// `published` has one entry for each item without a problem, in order.
std::string answer_batch(const std::vector<BatchItem>& items,
                         const std::vector<Published>& published, std::string_view request_id) {
  JsonWriter out;
  out.begin_object().key("data").begin_array();
  std::size_t next = 0;
  for (const BatchItem& item : items) {
    out.begin_object();
    if (item.problem) {
      write_item_problem(out, *item.problem, request_id);
    } else {
      const Published& one = published.at(next++);
      if (one.is_conflict) {
        write_item_problem(out, event_id_conflict(item.event_id), request_id);
      } else {
        out.number("status", one.is_duplicate ? 200 : 202);
        write_published(out, one, item.event_id);
      }
    }
    out.end_object();
  }
  out.end_array().end_object();
  return out.take();
}

const std::vector<Published>& published_in(const OpDone& done) {
  return std::get<std::vector<Published>>(done);
}

// Reads the events of a batch. What it says about bad ones is bounded for the whole request: after
// limits::kRequestErrorsMax errors an item has only a code and a sentence.
std::vector<PublishRequest> read_events(const BatchBody& batch, PublishRules rules,
                                        std::vector<BatchItem>& items) {
  std::vector<PublishRequest> requests;
  std::size_t refused = 0;
  std::size_t errors = 0;
  for (const std::string_view element : batch.events) {
    rules.suggests = refused < limits::kSuggestionsMax;
    auto event = read_publish(element, rules);
    if (event) {
      items.push_back({std::nullopt, event->event_id});
      requests.push_back(*std::move(event));
      continue;
    }
    Problem& problem = event.error();
    ++refused;
    errors += problem.errors.size();
    if (errors > limits::kRequestErrorsMax) problem.errors.clear();
    items.push_back({std::move(problem), ""});
  }
  return requests;
}

std::vector<std::string> missing_tenants(const std::vector<BatchItem>& items) {
  std::vector<std::string> missing;
  for (const BatchItem& item : items) {
    if (!item.problem) continue;
    const auto& names = item.problem->missing_tenants;
    missing.insert(missing.end(), names.begin(), names.end());
  }
  return missing;
}

// A tenant that the whole batch names. One that might be made is made for a valid event only.
Checked<void> reachable(const Exchange& exchange, const Directory& directory,
                        const std::optional<std::string>& named) {
  if (!named) return {};
  auto tenant = tenant_of(exchange.principal, directory, named);
  if (tenant || !tenant.error().missing_tenants.empty()) return {};
  return tl::unexpected<Problem>(std::move(tenant).error());
}

// An answer above limits::kKeptAnswerBytesMax is not kept, and its Idempotency-Key has no effect:
// only a batch of long mistakes gets one that large, and a repetition says the same of them. An
// event's size in the answer is bounded by its event_id, each byte of which may take an escape.
std::size_t answer_bytes_max(const std::vector<BatchItem>& items, std::string_view request_id) {
  constexpr std::size_t kFixedBytes = 500;
  std::size_t bytes = 0;
  for (const BatchItem& item : items) {
    bytes += kFixedBytes + 2 * item.event_id.size();
    if (item.problem) bytes += render_problem(*item.problem, request_id).size();
  }
  return bytes;
}

// ---- events for everybody ----

// How many it reaches is known once it is done.
void write_progress(JsonWriter& out, const Broadcast& broadcast) {
  const auto known = [&broadcast](std::int64_t count) {
    return broadcast.is_done ? std::optional(count) : std::nullopt;
  };
  out.number_or_null("deliveries", known(broadcast.deliveries));
  out.number_or_null("tenants", known(broadcast.tenants));
}

Answer answer_of(const BroadcastStored& stored, const std::string& event_id) {
  JsonWriter out;
  out.begin_object().text("id", to_string(stored.broadcast.id));
  out.text_or_null("event_id", event_id).flag("broadcast", true);
  write_progress(out, stored.broadcast);
  out.flag("duplicate", stored.is_duplicate).end_object();
  return {stored.is_duplicate ? 200 : 202, out.take(), {}};
}

void publish_to_all(ApiContext& context, const ExchangePtr& exchange, PublishRequest event) {
  std::string event_id = event.event_id;
  auto write = exchange->write_context(
      context.now(), [event_id, request_id = exchange->request_id](const OpDone& done) {
        const auto& stored = std::get<BroadcastStored>(done);
        if (stored.is_conflict)
          return StoredAnswer{409, render_problem(event_id_conflict(event_id), request_id), false};
        Answer answer = answer_of(stored, event_id);
        return StoredAnswer{answer.status, std::move(answer.body), false};
      });
  context.engine.broadcast(
      std::move(event), std::move(write), context.home,
      reply_to<BroadcastStored>(
          exchange, [exchange, event_id = std::move(event_id)](const BroadcastStored& stored) {
            if (stored.is_conflict) return exchange->fail(event_id_conflict(event_id));
            exchange->answer(answer_of(stored, event_id));
          }));
}

std::string view_of(const Broadcast& broadcast) {
  JsonWriter out;
  out.begin_object().text("id", to_string(broadcast.id));
  out.text_or_null("event_id", broadcast.event_id).text("event_type", broadcast.type);
  out.text("status", broadcast.is_done ? "done" : "expanding");
  out.number("tenants", broadcast.tenants).number("deliveries", broadcast.deliveries);
  out.time("created_at", broadcast.created_at).raw("data", *broadcast.data).end_object();
  return out.take();
}

}  // namespace

void handle_get_broadcast(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  const auto id = parse_id<BroadcastTag>(exchange->parameter());
  if (!id) {
    return exchange->fail(Problem(ProblemKind::not_found, "There is no broadcast with this id."));
  }
  answer_from_store(context, exchange, [id = *id](Reader& reader) -> Result<std::string> {
    TRY(const Broadcast broadcast, reader.broadcast(id));
    return view_of(broadcast);
  });
}

void handle_publish(ApiContext& context, const ExchangePtr& exchange) {
  std::optional<std::string> tenant;
  if (!exchange->request.query.empty()) {
    auto named = only_tenant(*exchange);
    if (exchange->failed(named)) return;
    tenant = *std::move(named);
  }
  auto event = read_publish(
      exchange->request.body,
      {context.directory(), exchange->principal, context.shared.config.catalogue_is_open,
       std::move(tenant),
       /*suggests=*/true, context.shared.profile, context.shared.config.allows_broadcast});
  if (exchange->failed(event)) return;
  if (event->tenant.is_nil()) return publish_to_all(context, exchange, *std::move(event));
  std::string event_id = event->event_id;
  auto write = exchange->write_context(
      context.now(), [event_id, request_id = exchange->request_id](const OpDone& done) {
        const Published& one = published_in(done).front();
        if (one.is_conflict)
          return StoredAnswer{409, render_problem(event_id_conflict(event_id), request_id), false};
        Answer answer = answer_one(one, event_id);
        return StoredAnswer{answer.status, std::move(answer.body), false};
      });
  std::vector<PublishRequest> requests;
  requests.push_back(*std::move(event));
  context.engine.publish(
      std::move(requests), std::move(write), context.home,
      [exchange, event_id = std::move(event_id)](Result<std::vector<Published>> done) {
        if (!done) return exchange->fail(done.error());
        const Published& one = done->front();
        if (one.is_conflict) return exchange->fail(event_id_conflict(event_id));
        exchange->answer(answer_one(one, event_id));
      });
}

void handle_publish_batch(ApiContext& context, const ExchangePtr& exchange) {
  auto in_query = only_tenant(*exchange);
  if (exchange->failed(in_query)) return;
  const auto batch =
      read_batch(exchange->request.body, *std::move(in_query),
                 same_tenant(exchange->principal, context.directory()), context.shared.profile);
  if (exchange->failed(batch)) return;
  if (exchange->failed(reachable(*exchange, context.directory(), batch->tenant))) return;
  PublishRules rules{
      context.directory(), exchange->principal,   context.shared.config.catalogue_is_open,
      batch->tenant,
      /*suggests=*/true,   context.shared.profile};
  auto items = std::make_shared<std::vector<BatchItem>>();
  std::vector<PublishRequest> requests = read_events(*batch, rules, *items);
  if (exchange->makes_tenants(missing_tenants(*items))) return;
  WriteContext write;
  if (answer_bytes_max(*items, exchange->request_id) <= limits::kKeptAnswerBytesMax) {
    write = exchange->write_context(
        context.now(), [items, id = exchange->request_id](const OpDone& done) {
          static const std::vector<Published> kNone;
          const auto* published = std::get_if<std::vector<Published>>(&done);
          return StoredAnswer{
              202, answer_batch(*items, published != nullptr ? *published : kNone, id), false};
        });
  }
  const auto answer = [exchange, items](const std::vector<Published>& published) {
    exchange->answer({202, answer_batch(*items, published, exchange->request_id), {}});
  };
  if (!requests.empty()) {
    return context.engine.publish(
        std::move(requests), std::move(write), context.home,
        [&context, exchange, answer](Result<std::vector<Published>> done) {
          if (done) return answer(*done);
          // A tenant was deleted since: read anew, only its events are refused. Whose own tenant it
          // was has no others.
          const bool has_others = !exchange->principal.tenant;
          if (has_others && done.error().code == Errc::not_found)
            return handle_publish_batch(context, exchange);
          exchange->fail(done.error());
        });
  }
  if (!write.claim) return answer({});
  context.engine.record(std::move(write), context.home,
                        [answer](const Result<Unit>&) { answer({}); });
}

}  // namespace fanfare
