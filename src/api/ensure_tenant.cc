#include "api/ensure_tenant.h"

#include <set>

#include "api/json_input.h"
#include "base/assert.h"
#include "base/limits.h"

namespace fanfare {
namespace {

// What a request waits for: all on its loop's thread.
struct Waiting {
  std::size_t left = 0;
  std::optional<Error> error;
  Reply<Unit> reply;
};

// A conflict says that somebody else has made it.
void made(Waiting& waiting, const Result<Unit>& result) {
  if (!result && result.error().code != Errc::conflict) waiting.error = result.error();
  if (--waiting.left > 0) return;
  if (waiting.error) {
    waiting.reply(tl::unexpected(*std::move(waiting.error)));
  } else {
    waiting.reply(Unit{});
  }
}

}  // namespace

std::optional<std::string> broken_external_id(std::string_view text) {
  constexpr TextRule kRule{1, limits::kEventIdBytesMax, false};
  if (auto broken = broken_rule(text, kRule)) return broken;
  // It is accepted wherever an id is, so it must not look like one.
  if (text.starts_with("tnt_")) return "must not start with tnt_: that is how our own ids start";
  return std::nullopt;
}

void ensure_tenants(ApiContext& context, const std::vector<std::string>& external_ids,
                    Reply<Unit> reply, const AuditEntry& origin) {
  std::set<std::string> missing;
  for (const std::string& external_id : external_ids) {
    if (!context.directory().tenant_by_external_id(external_id)) missing.insert(external_id);
  }
  if (missing.empty()) return reply(Unit{});
  auto waiting = std::make_shared<Waiting>();
  waiting->left = missing.size();
  waiting->reply = std::move(reply);
  const Timestamp now = context.now();
  for (const std::string& external_id : missing) {
    FANFARE_ASSERT(!broken_external_id(external_id));
    Tenant tenant{.id = TenantId::from(context.ids.next(now)),
                  .external_id = external_id,
                  .name = external_id,
                  .metadata = {},
                  .created_at = now};
    AuditEntry entry = audit_entry(nullptr, &tenant);
    copy_origin(entry, origin);
    context.engine.create_tenant(std::move(tenant), std::move(entry), context.home,
                                 [waiting](const Result<Unit>& result) { made(*waiting, result); });
  }
}

void ensure_tenant(ApiContext& context, const std::string& external_id, Reply<TenantId> reply,
                   const AuditEntry& origin) {
  ensure_tenants(
      context, {external_id},
      [&context, external_id, reply = std::move(reply)](Result<Unit> done) mutable {
        if (!done) return reply(tl::unexpected(std::move(done).error()));
        const auto tenant = context.directory().tenant_by_external_id(external_id);
        if (tenant) return reply(tenant->id);
        reply(fail(Errc::not_found, "the tenant was deleted at this moment"));
      },
      origin);
}

}  // namespace fanfare
