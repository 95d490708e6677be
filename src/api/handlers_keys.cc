// The keys that seal secrets: which are in use, and others in their place. No answer holds a key;
// they are called by ids that follow from them.
#include <array>

#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/json_input.h"
#include "api/list_query.h"
#include "base/encoding.h"

namespace fanfare {
namespace {

std::string hex8(std::uint32_t id) {
  const std::array<std::uint8_t, 4> bytes = {
      static_cast<std::uint8_t>(id >> 24), static_cast<std::uint8_t>(id >> 16),
      static_cast<std::uint8_t>(id >> 8), static_cast<std::uint8_t>(id)};
  return hex_encode(bytes);
}

std::string view_of(const VaultStatus& status, bool is_from_file) {
  JsonWriter out;
  out.begin_object().key("master_keys").begin_array();
  for (const VaultStatus::Master& master : status.masters) {
    const bool is_newest = &master == &status.masters.front();
    out.begin_object()
        .text("id", hex8(master.id))
        .flag("is_newest", is_newest)
        .number("data_keys", static_cast<std::int64_t>(master.data_keys))
        .flag("is_in_use", is_newest || master.data_keys > 0 || master.seals_check)
        .end_object();
  }
  out.end_array()
      .flag("master_keys_are_in_a_file", is_from_file)
      .number("tenants", static_cast<std::int64_t>(status.tenants))
      .number("data_keys", static_cast<std::int64_t>(status.data_keys))
      .number("tenants_with_older_keys", static_cast<std::int64_t>(status.tenants_with_older_keys))
      .number("seals_of_the_busiest_key", static_cast<std::int64_t>(status.seals_max))
      .number("data_keys_to_rotate", static_cast<std::int64_t>(status.data_keys_worn))
      .end_object();
  return out.take();
}

void answer_status(ApiContext& context, const ExchangePtr& exchange, int status) {
  const bool is_from_file = static_cast<bool>(context.shared.config.load_master_keys);
  answer_and_keep(context, exchange,
                  {status, view_of(context.engine.vault().status(), is_from_file), {}});
}

// One tenant, or all of them: `{"tenant_id": …}` or `{"all": true}`.
Checked<std::vector<TenantId>> read_tenants(const Exchange& exchange, const Directory& directory) {
  const auto body = parse_object(exchange.request.body);
  if (!body) return tl::unexpected<Problem>(body.error());
  FieldErrors errors;
  ObjectReader reader(*body, "", errors);
  constexpr TextRule kAnyText{1, limits::kBodyBytesMax, true};
  const auto named = reader.text("tenant_id", kAnyText);
  const bool is_all = reader.flag("all").value_or(false);
  if (named.has_value() == is_all)
    reader.add_error("tenant_id", "required", "must be given, or all must be true");
  reader.finish();
  if (!errors.empty()) return tl::unexpected<Problem>(validation_problem(std::move(errors)));
  std::vector<TenantId> tenants;
  if (named) {
    const auto tenant = tenant_of(exchange.principal, directory, *named);
    if (!tenant) return tl::unexpected<Problem>(tenant.error());
    tenants.push_back(*tenant);
  } else {
    for (const auto& tenant : directory.tenants()) tenants.push_back(tenant->id);
  }
  return tenants;
}

std::vector<std::uint32_t> ids_of(const VaultStatus& status) {
  std::vector<std::uint32_t> ids;
  for (const VaultStatus::Master& master : status.masters) ids.push_back(master.id);
  return ids;
}

// What reading the file anew has changed, as the audit log calls it; null for nothing.
const char* change_of_keys(const VaultStatus& before, const VaultStatus& now) {
  const auto old_ids = ids_of(before);
  const auto new_ids = ids_of(now);
  if (old_ids == new_ids) return nullptr;
  return old_ids.front() == new_ids.front() ? "keys.masters_changed" : "keys.master_rotated";
}

}  // namespace

void handle_key_status(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  answer_status(context, exchange, 200);
}

// The new key is in the file already: whoever writes it there keeps a copy of it first.
void handle_rotate_master_key(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  const auto& load = context.shared.config.load_master_keys;
  if (!load) {
    return exchange->fail(
        Problem(ProblemKind::conflict,
                "The master key does not come from a file that could hold a new one. Put the new "
                "key in front of it where it is set, and restart."));
  }
  Result<std::vector<Secret>> keys = load();
  if (!keys) return exchange->fail(Problem(ProblemKind::conflict, keys.error().message));
  const VaultStatus before = context.engine.vault().status();
  const Result<void> taken = context.engine.vault().set_master_keys(*std::move(keys));
  if (!taken) return exchange->fail(Problem(ProblemKind::conflict, taken.error().message));
  context.engine.rewrap_keys();
  if (const char* action = change_of_keys(before, context.engine.vault().status()))
    exchange->audit(context, {.action = action, .object = {.type = "keys", .id = {}}});
  answer_status(context, exchange, 202);
}

void handle_rotate_tenant_keys(ApiContext& context, const ExchangePtr& exchange) {
  if (exchange->failed(no_query(*exchange))) return;
  auto tenants = read_tenants(*exchange, context.directory());
  if (exchange->failed(tenants)) return;
  for (const TenantId& tenant : *tenants) {
    exchange->audit(context, {.tenant = tenant,
                              .action = "tenant.key_rotated",
                              .object = {.type = "tenant", .id = to_string(tenant)}});
  }
  context.engine.rotate_tenant_keys(*std::move(tenants), context.home,
                                    reply_to<Unit>(exchange, [&context, exchange](Unit) {
                                      answer_status(context, exchange, 202);
                                    }));
}

}  // namespace fanfare
