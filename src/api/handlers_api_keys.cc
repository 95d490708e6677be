#include "api/handlers.h"
#include "api/idempotency.h"
#include "api/json_input.h"
#include "api/list_query.h"
#include "auth/api_key.h"

namespace fanfare {
namespace {

constexpr TextRule kNameRule{0, limits::kNameBytesMax, false};
constexpr TextRule kWordRule{1, 64, false};

struct KeyBody {
  ApiKey key;
  std::optional<std::string> tenant;
};

Role read_role(ObjectReader& reader, const Principal& principal) {
  const auto name = reader.text("role", kWordRule);
  const auto role = name ? role_named(*name) : std::optional(Role::tenant);
  if (!role) {
    reader.add_error("role", "unknown_role",
                     "must be \"admin\", \"tenant\", \"read\" or \"publish\"");
  } else if (*role == Role::admin && !principal.is_admin()) {
    reader.add_error("role", "forbidden_role", "only an admin key may make another admin key");
  }
  return role.value_or(Role::tenant);
}

void read_expiry(ObjectReader& reader, Timestamp now, ApiKey& key) {
  const auto text = reader.text("expires_at", kWordRule);
  if (!text) return;
  const auto when = parse_rfc3339(*text);
  if (!when) {
    reader.add_error("expires_at", "invalid_time",
                     "must be an RFC 3339 time such as 2027-01-01T00:00:00Z");
  } else if (*when <= now) {
    reader.add_error("expires_at", "out_of_range", "must be in the future");
  } else {
    key.expires_at = *when;
  }
}

Checked<KeyBody> read_key(ApiContext& context, const Exchange& exchange, Timestamp now) {
  KeyBody result;
  auto tenant = read_with_tenant(context, exchange, [&](ObjectReader& reader, const auto& named) {
    result.key.name = reader.text("name", kNameRule).value_or("");
    result.key.role = read_role(reader, exchange.principal);
    if (result.key.role == Role::admin && named) {
      reader.add_error("tenant_id", "not_for_role", "an admin key belongs to no tenant");
    }
    read_expiry(reader, now, result.key);
  });
  if (!tenant) return tl::unexpected<Problem>(std::move(tenant).error());
  result.tenant = *std::move(tenant);
  return result;
}

std::string view_of(const ApiKey& key, std::string_view text) {
  JsonWriter out;
  write_api_key(out, key, text);
  return out.take();
}

// The keys this principal may see: all for an admin that names no tenant, else one tenant's.
Checked<std::optional<TenantId>> visible_tenant(ApiContext& context, const Exchange& exchange,
                                                const std::optional<std::string>& named) {
  if (exchange.principal.is_admin() && !named) return std::nullopt;
  auto tenant = tenant_of(exchange.principal, context.directory(), named);
  if (!tenant) return tl::unexpected<Problem>(std::move(tenant).error());
  return *tenant;
}

}  // namespace

void handle_create_api_key(ApiContext& context, const ExchangePtr& exchange) {
  const Timestamp now = context.now();
  auto body = read_key(context, *exchange, now);
  if (exchange->failed(body)) return;
  ApiKey& key = body->key;
  if (key.role != Role::admin) {
    const auto tenant = tenant_of(exchange->principal, context.directory(), body->tenant);
    if (exchange->failed(tenant)) return;
    key.tenant = *tenant;
  }
  const NewApiKey made = generate_api_key(context.shared.config.random);
  key.prefix = made.prefix;
  key.sha256 = made.sha256;
  key.created_at = now;
  key.id = ApiKeyId::from(context.ids.next(now));
  SecretAnswer answer{key.tenant, 201, view_of(key, made.text.reveal()), view_of(key, "")};
  exchange->audit(context, audit_entry(nullptr, &key));
  auto write =
      exchange->write_context(now, [&vault = context.engine.vault(), answer](const OpDone&) {
        return sealed_answer(vault, answer);
      });
  context.engine.put_api_key(
      key, std::move(write), context.home,
      reply_to<Unit>(exchange, [exchange, text = std::move(answer.body)](Unit) mutable {
        exchange->answer({201, std::move(text), {}});
      }));
}

void handle_list_api_keys(ApiContext& context, const ExchangePtr& exchange) {
  QueryReader query(exchange->request.query);
  const auto named = tenant_in(query);
  const auto tenant = visible_tenant(context, *exchange, named);
  if (exchange->failed(tenant)) return;
  const auto page = read_page(context, query, "api-keys", *tenant ? to_string(**tenant) : "");
  if (exchange->failed(page)) return;
  const auto write = [](JsonWriter& out, const ApiKey& key) { write_api_key(out, key, ""); };
  const auto keys = context.directory().api_keys(*tenant);
  exchange->answer({200, page_by_id(context.shared.cursors, *page, keys, write), {}});
}

void handle_revoke_api_key(ApiContext& context, const ExchangePtr& exchange) {
  const auto named = only_tenant(*exchange);
  if (exchange->failed(named)) return;
  const auto tenant = visible_tenant(context, *exchange, *named);
  if (exchange->failed(tenant)) return;
  const auto id = parse_id<ApiKeyTag>(exchange->parameter());
  const auto key = id ? context.directory().api_key(*id) : nullptr;
  if (!key || (*tenant && key->tenant != *tenant)) {
    return exchange->fail(Problem(ProblemKind::not_found, "There is no API key with this id."));
  }
  if (key->revoked_at) return exchange->answer({204, "", {}});
  ApiKey revoked = *key;
  revoked.revoked_at = context.now();
  exchange->audit(context, audit_entry(key.get(), &revoked));
  context.engine.put_api_key(
      std::move(revoked), exchange->write_context(), context.home,
      reply_to<Unit>(exchange, [exchange](Unit) { exchange->answer({204, "", {}}); }));
}

}  // namespace fanfare
