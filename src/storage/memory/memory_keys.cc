// Data keys of the MemoryStore and what they sealed.
#include <algorithm>

#include "storage/memory/memory_writer.h"

namespace fanfare::memory {
namespace {

void reseal_webhook(const ResealOp& op, StoredWebhook& row) {
  const Webhook& webhook = row.webhook;
  if (!row.sealed_headers.empty()) {
    const auto headers =
        op.reseal({SealedKind::headers, webhook.id, webhook.version, row.sealed_headers});
    if (headers) row.sealed_headers = *headers;
  }
  for (std::size_t i = 0; i < row.sealed_secrets.size(); ++i) {
    const auto sealed = op.reseal(
        {SealedKind::secret, webhook.id, webhook.secrets[i].number, row.sealed_secrets[i]});
    if (sealed) row.sealed_secrets[i] = *sealed;
  }
}

Resealed reseal_versions(State& state, const ResealOp& op) {
  Resealed done{op.after, true};
  std::size_t rows = 0;
  auto at = state.webhook_versions.upper_bound({op.after.webhook, op.after.version});
  for (; at != state.webhook_versions.end() && rows < op.rows_max; ++at) {
    StoredWebhook& row = at->second;
    if (row.webhook.tenant != op.tenant) continue;
    reseal_webhook(op, row);
    const auto current = state.webhooks.find(row.webhook.id);
    if (current != state.webhooks.end() && current->second.webhook.version == row.webhook.version)
      current->second = row;
    done.next.webhook = row.webhook.id;
    done.next.version = row.webhook.version;
    ++rows;
  }
  done.next.is_past_webhooks = rows < op.rows_max;
  return done;
}

Resealed reseal_answers(State& state, const ResealOp& op) {
  Resealed done{op.after, false};
  std::size_t rows = 0;
  for (auto& [place, answer] : state.answers) {
    StoredAnswer& kept = answer.kept.answer;
    const std::string name = place.first + '\0' + place.second;
    if (name <= op.after.answer || !kept.is_sealed) continue;
    if (!kept.body.starts_with(to_string(op.tenant))) continue;
    const auto body = op.reseal({SealedKind::answer, WebhookId{}, 0, kept.body});
    if (body) kept.body = *body;
    done.next.answer = name;
    if (++rows < op.rows_max) continue;
    done.has_more = true;
    return done;
  }
  return done;
}

}  // namespace

Result<OpDone> MemoryWriter::apply(const PutTenantKeysOp& op) {
  Settled written;
  for (const TenantKey& key : op.keys) {
    const auto stored = std::find_if(
        state_.tenant_keys.begin(), state_.tenant_keys.end(), [&key](const TenantKey& other) {
          return other.tenant == key.tenant && other.key_id == key.key_id;
        });
    const bool is_stored = stored != state_.tenant_keys.end();
    if (op.must_exist ? !is_stored : !state_.tenants.contains(key.tenant)) continue;
    if (is_stored) {
      stored->wrapped = key.wrapped;
    } else {
      state_.tenant_keys.push_back(key);
    }
    ++written.rows;
  }
  return written;
}

Result<OpDone> MemoryWriter::apply(const DropTenantKeyOp& op) {
  const bool has_newer = std::any_of(
      state_.tenant_keys.begin(), state_.tenant_keys.end(),
      [&op](const auto& key) { return key.tenant == op.tenant && key.key_id > op.key_id; });
  const auto erased =
      has_newer ? std::erase_if(state_.tenant_keys,
                                [&op](const TenantKey& key) {
                                  return key.tenant == op.tenant && key.key_id == op.key_id;
                                })
                : 0;
  if (erased == 1) return Unit{};
  return fail(Errc::conflict, "the data key " + std::to_string(op.key_id) + " of " +
                                  to_string(op.tenant) + " is its newest or not there");
}

Result<OpDone> MemoryWriter::apply(const ResealOp& op) {
  return op.after.is_past_webhooks ? reseal_answers(state_, op) : reseal_versions(state_, op);
}

}  // namespace fanfare::memory
