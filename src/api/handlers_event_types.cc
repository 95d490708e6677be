#include "api/handlers.h"
#include "api/json_input.h"
#include "api/list_query.h"

namespace fanfare {
namespace {

constexpr TextRule kNameRule{1, limits::kEventTypeBytesMax, false};
constexpr TextRule kCategoryRule{0, limits::kNameBytesMax, false};
constexpr TextRule kDescriptionRule{0, limits::kDescriptionBytesMax, true};

std::string view_of(const EventType& type) {
  JsonWriter out;
  write_event_type(out, type);
  return out.take();
}

// The sample as it was written, so that a test sends those bytes.
void read_sample(ObjectReader& reader, std::string_view body, EventType& type) {
  if (reader.has_null("sample")) type.sample.clear();
  if (reader.any("sample") == nullptr) return;
  type.sample = raw_member(body, "sample");
  if (type.sample.size() > limits::kPayloadBytesMax) {
    reader.add_error("sample", "too_large",
                     "may have at most " + std::to_string(limits::kPayloadBytesMax) + " bytes");
  }
}

// Applies a body to a type: to an empty one to create, to the stored one to change (a merge patch).
Checked<void> apply_body(std::string_view text, bool is_new, EventType& type) {
  const auto body = parse_object(text);
  if (!body) return tl::unexpected<Problem>(body.error());
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  if (is_new) reader.require("name", "such as user.created");
  if (const auto name = reader.text("name", kNameRule)) {
    if (!is_event_type_name(*name)) {
      reader.add_error(
          "name", "invalid_event_type",
          "must be groups of letters, digits, _ and - joined by dots, such as user.created");
    } else if (!is_new && *name != type.name) {
      reader.add_error("name", "read_only", "cannot be changed; create a new event type");
    }
    type.name = *name;
  }
  if (reader.has_null("description")) type.description.clear();
  if (reader.has_null("category")) type.category.clear();
  type.description = reader.text("description", kDescriptionRule).value_or(type.description);
  type.category = reader.text("category", kCategoryRule).value_or(type.category);
  read_sample(reader, text, type);
  if (!is_new && reader.has("created_at")) reader.ignore("created_at");
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  return {};
}

Checked<std::shared_ptr<const EventType>> find_type(ApiContext& context, const Exchange& exchange) {
  auto type = context.directory().event_type(exchange.parameter());
  if (!type) return refuse(ProblemKind::not_found, "There is no event type with this name.");
  return type;
}

// `before` is null for a new one.
void store(ApiContext& context, const ExchangePtr& exchange, const EventType* before,
           EventType type) {
  std::string body = view_of(type);
  const bool must_be_new = before == nullptr;
  const int status = must_be_new ? 201 : 200;
  exchange->audit(context, audit_entry(before, &type));
  auto write = exchange->write_context(
      context.now(), [status, body](const OpDone&) { return StoredAnswer{status, body, false}; });
  context.engine.put_event_type(
      std::move(type), must_be_new, std::move(write), context.home,
      reply_to<Unit>(exchange, [exchange, status, body = std::move(body)](Unit) mutable {
        exchange->answer({status, std::move(body), {}});
      }));
}

}  // namespace

void handle_create_event_type(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(only_tenant(*exchange))) return;
  EventType type;
  if (exchange->failed(apply_body(exchange->request.body, /*is_new=*/true, type))) return;
  type.created_at = context.now();
  store(context, exchange, nullptr, std::move(type));
}

void handle_list_event_types(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  // The catalogue is everybody's, but clients name their tenant everywhere.
  tenant_in(query);
  const auto page = read_page(context, query, "event-types", "");
  if (exchange->failed(page)) return;
  const auto types = context.directory().event_types();
  exchange->answer(
      {200,
       page_in_memory(
           context.shared.cursors, *page, types, [](const EventType& type) { return type.name; },
           [](const EventType& type, const std::string& after) { return type.name > after; },
           write_event_type),
       {}});
}

void handle_get_event_type(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(only_tenant(*exchange))) return;
  const auto type = find_type(context, *exchange);
  if (exchange->failed(type)) return;
  exchange->answer({200, view_of(**type), {}});
}

void handle_change_event_type(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(only_tenant(*exchange))) return;
  const auto type = find_type(context, *exchange);
  if (exchange->failed(type)) return;
  EventType next = **type;
  if (exchange->failed(apply_body(exchange->request.body, /*is_new=*/false, next))) return;
  store(context, exchange, type->get(), std::move(next));
}

void handle_delete_event_type(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(only_tenant(*exchange))) return;
  const auto type = find_type(context, *exchange);
  if (exchange->failed(type)) return;
  exchange->audit(context, audit_entry(type->get(), nullptr));
  context.engine.delete_event_type(
      (*type)->name, exchange->write_context(), context.home,
      reply_to<Unit>(exchange, [exchange](Unit) { exchange->answer({204, "", {}}); }));
}

}  // namespace fanfare
