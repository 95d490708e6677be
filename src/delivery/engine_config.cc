// The engine's configuration side: tenants, keys, event types and webhooks are sealed, written, and
// only then shown in the directory and told to the lanes; and the engine's life from recovery to
// drain.
#include <atomic>
#include <charconv>
#include <memory>
#include <set>
#include <shared_mutex>
#include <sstream>
#include <utility>

#include "auth/audit_change.h"
#include "delivery/engine.h"
#include "delivery/engine_impl.h"
#include "domain/webhook_codec.h"

namespace fanfare {

namespace {

SealPlace headers_place(const Webhook& webhook) {
  return SealPlace{webhook.tenant, to_string(webhook.id), "headers", webhook.version};
}
SealPlace secret_place(const Webhook& webhook, int number) {
  return SealPlace{webhook.tenant, to_string(webhook.id), "signing_secret", number};
}
constexpr const char* kKeyCheck = "key_check";

// An event type that the profile brought.
AuditEntry catalogue_entry(const std::string& name) {
  return AuditEntry{.action = "event_type.created",
                    .object = {.type = "event_type", .id = name},
                    .metadata = R"({"from":"profile"})"};
}
constexpr std::string_view kSeals = "seals:";                    // and the data key's id
constexpr const char* kSeededEventTypes = "seeded_event_types";  // one name in a line

}  // namespace

// ---- sealing ----

Result<PutWebhookOp> Engine::Impl::sealed(const Webhook& next, std::int64_t expected_version) {
  PutWebhookOp op;
  op.expected_version = expected_version;
  op.row.webhook = next;
  if (!next.settings.headers.empty()) {
    TRY(op.row.sealed_headers,
        parts.vault.seal(headers_place(next), encode_headers(next.settings.headers)));
  }
  for (const SigningSecret& secret : next.secrets) {
    TRY(std::string bytes, parts.vault.seal(secret_place(next, secret.number), secret.text));
    op.row.sealed_secrets.push_back(std::move(bytes));
  }
  for (CustomHeader& header : op.row.webhook.settings.headers) header.value = Secret{};
  for (SigningSecret& secret : op.row.webhook.secrets) secret.text = Secret{};
  return op;
}

Result<Webhook> Engine::Impl::opened(const StoredWebhook& stored, bool with_secrets) const {
  Webhook webhook = stored.webhook;
  if (!stored.sealed_headers.empty()) {
    TRY(const Secret text, parts.vault.open(headers_place(webhook), stored.sealed_headers));
    TRY(webhook.settings.headers, decode_headers(text));
  }
  if (!with_secrets) return webhook;
  for (std::size_t i = 0; i < webhook.secrets.size() && i < stored.sealed_secrets.size(); ++i) {
    SigningSecret& secret = webhook.secrets[i];
    TRY(secret.text,
        parts.vault.open(secret_place(webhook, secret.number), stored.sealed_secrets[i]));
  }
  return webhook;
}

// ---- changes ----

void Engine::Impl::write_unit(WriteOp op, Loop& home, UniqueFunction<void()> committed,
                              Reply<Unit> reply) {
  write(std::move(op), home, std::move(committed),
        [reply = std::move(reply)](WriteAction&, Result<OpDone> done) mutable {
          if (done) {
            reply(Unit{});
          } else {
            reply(tl::unexpected(std::move(done).error()));
          }
        });
}

void Engine::create_tenant(Tenant tenant, WriteContext context, Loop& home, Reply<Unit> reply) {
  const TenantId id = tenant.id;
  TenantKey key{.tenant = id, .key_id = ++impl_->last_key_id, .wrapped = {}};
  key.wrapped = vault().create_tenant_key(id, key.key_id);
  auto answer = [this, id, reply = std::move(reply)](Result<Unit> result) mutable {
    if (!result) vault().forget_tenant(id);
    reply(std::move(result));
  };
  impl_->write_unit(
      write_op(CreateTenantOp{tenant, std::move(key)}, std::move(context)), home,
      [this, tenant] { impl_->directory.put(tenant); }, std::move(answer));
}

void Engine::update_tenant(Tenant before, Tenant next, WriteContext context, Loop& home,
                           Reply<Unit> reply) {
  impl_->write_unit(
      write_op(UpdateTenantOp{std::move(before), next}, std::move(context)), home,
      [this, next] { impl_->directory.put(next); }, std::move(reply));
}

void Engine::delete_tenant(TenantId tenant, WriteContext context, Loop& home, Reply<Unit> reply) {
  const auto forget = [this, tenant] {
    vault().forget_tenant(tenant);
    for (const WebhookId webhook : impl_->directory.remove_tenant(tenant)) {
      impl_->on_lane(webhook, nullptr, [webhook](LaneSet& set) { set.webhook_removed(webhook); });
    }
    impl_->purge({{.tenant = tenant}});
  };
  DeleteTenantOp op{.tenant = tenant, .now = impl_->parts.clock.wall_now()};
  impl_->write_unit(write_op(op, std::move(context)), home, forget, std::move(reply));
}

void Engine::Impl::purge(std::vector<Purge> purges) {
  parts.reactors.front().loop.post([this, purges = std::move(purges)] { purger.add(purges); });
}

void Engine::put_api_key(ApiKey key, WriteContext context, Loop& home, Reply<Unit> reply) {
  impl_->write_unit(
      write_op(PutApiKeyOp{key}, std::move(context)), home,
      [this, key] { impl_->directory.put(key); }, std::move(reply));
}

void Engine::put_event_type(EventType type, bool must_be_new, WriteContext context, Loop& home,
                            Reply<Unit> reply) {
  impl_->write_unit(
      write_op(PutEventTypeOp{type, must_be_new}, std::move(context)), home,
      [this, type] { impl_->directory.put(type); }, std::move(reply));
}

void Engine::delete_event_type(std::string name, WriteContext context, Loop& home,
                               Reply<Unit> reply) {
  impl_->write_unit(
      write_op(DeleteEventTypeOp{name}, std::move(context)), home,
      [this, name] { impl_->directory.remove_event_type(name); }, std::move(reply));
}

void Engine::record(WriteContext context, Loop& home, Reply<Unit> reply) {
  impl_->write_unit(write_op(RecordOp{}, std::move(context)), home, nullptr, std::move(reply));
}

void Engine::put_webhook(WebhookChange change, WriteContext context, Loop& home,
                         Reply<WebhookPtr> reply) {
  Webhook next = std::move(change.next);
  const WebhookPtr current = impl_->directory.webhook(next.id);
  next.version = change.expected_version + 1;
  next.updated_at = impl_->parts.clock.wall_now();
  if (!current) next.created_at = next.updated_at;
  const bool was_over =
      current && (current->is_deleted || current->status == WebhookStatus::disabled);
  const bool is_over = next.is_deleted || next.status == WebhookStatus::disabled;
  next.settled_below = current ? current->settled_below : 0;
  if (is_over && (!was_over || next.is_deleted)) next.settled_below = next.version;
  const bool forgets_failures = was_over && !is_over;

  // Until it is queued, no other data key comes into use (key_work.h).
  const std::shared_lock sealing(impl_->keys.sealing);
  Result<PutWebhookOp> op = impl_->sealed(next, change.expected_version);
  if (!op) {
    home.post([reply = std::move(reply), error = std::move(op).error()]() mutable {
      reply(tl::unexpected(std::move(error)));
    });
    return;
  }
  op->forgets_failures = forgets_failures;
  op->begins_purge = change.purges_history;
  auto stored = std::make_shared<const Webhook>(std::move(next));
  impl_->write(
      write_op(*std::move(op), std::move(context)), home,
      [this, stored, purges_history = change.purges_history] {
        impl_->directory.put(stored);
        impl_->on_lane(stored->id, nullptr,
                       [stored](LaneSet& set) { set.webhook_changed(stored); });
        if (purges_history) impl_->purge({{stored->tenant, stored->id}});
      },
      [stored, reply = std::move(reply)](WriteAction&, Result<OpDone> done) mutable {
        if (done) {
          reply(stored);
        } else {
          reply(tl::unexpected(std::move(done).error()));
        }
      });
}

// A receiver answered 410: it wants nothing more. If somebody changes the webhook at the same
// moment, the newer state is looked at again.
void Engine::disable_gone(WebhookPtr webhook) {
  const WebhookPtr current = impl_->directory.webhook(webhook->tenant, webhook->id);
  if (!current || current->status == WebhookStatus::disabled) return;
  if (current->settings.url != webhook->settings.url)
    return;  // it spoke for an address that was corrected since
  WebhookChange change{.next = *current, .expected_version = current->version};
  change.next.status = WebhookStatus::disabled;
  change.next.disabled_reason = "gone";
  Loop& home = impl_->parts.reactors[impl_->reactor_of(webhook->id)].loop;
  AuditEntry entry = status_change_entry(*current, change.next);
  put_webhook(std::move(change), std::move(entry), home,
              [this, webhook](Result<WebhookPtr> result) {
                if (!result && result.error().code == Errc::version_mismatch) disable_gone(webhook);
              });
}

void Engine::rotate_tenant_keys(std::vector<TenantId> tenants, Loop& home, Reply<Unit> reply) {
  impl_->keys.rotate(std::move(tenants),
                     [&home, reply = std::move(reply)](Result<void> done) mutable {
                       home.post([reply = std::move(reply), done = std::move(done)]() mutable {
                         if (done) return reply(Unit{});
                         reply(tl::unexpected(std::move(done).error()));
                       });
                     });
}

void Engine::rewrap_keys() {
  impl_->keys.rewrap();
}

Result<Webhook> Engine::webhook_at(Reader& reader, WebhookId id, std::int64_t version) const {
  TRY(const StoredWebhook stored, reader.webhook_version(id, version));
  return impl_->opened(stored, /*with_secrets=*/false);
}

// ---- life ----

Result<void> Engine::recover() {
  TRY_VOID(impl_->journal.recover());
  TRY(const std::unique_ptr<Reader> reader, impl_->parts.store.open_reader());
  TRY(ConfigSnapshot config, reader->load_config());

  TRY_VOID(check_master_key(config));
  TRY_VOID(put_in_catalogue(config));
  for (const TenantKey& key : config.tenant_keys) {
    TRY_VOID(vault().add_tenant_key(key.tenant, key.key_id, key.wrapped));
    impl_->last_key_id = std::max(impl_->last_key_id.load(), key.key_id);
  }
  count_seals(config);
  for (Tenant& tenant : config.tenants) impl_->directory.put(std::move(tenant));
  for (ApiKey& key : config.api_keys) impl_->directory.put(std::move(key));
  for (EventType& type : config.event_types) impl_->directory.put(std::move(type));
  for (const StoredWebhook& stored : config.webhooks) {
    TRY(Webhook webhook, impl_->opened(stored, /*with_secrets=*/true));
    impl_->directory.put(std::make_shared<const Webhook>(std::move(webhook)));
  }

  TRY_VOID(impl_->stats.recover(
      *reader, [this](WebhookId id) { return impl_->directory.webhook(id) != nullptr; }));
  impl_->start_stats();
  impl_->purge(config.purges);
  impl_->expand(std::move(config.broadcasts));
  for (auto& [key, value] : config.settings) {
    if (key == kLastCleanupSetting) impl_->cleaner.set_last_report(std::move(value));
  }
  if (const Millis interval = impl_->parts.cleanup_interval; interval > Millis{0}) {
    impl_->parts.reactors.front().loop.post(
        [this, interval] { impl_->cleaner.schedule(interval); });
  }

  TRY(const std::vector<WaitingWebhook> waiting, reader->waiting_webhooks());
  std::vector<std::vector<WaitingWebhook>> by_reactor(impl_->lanes.size());
  for (const WaitingWebhook& webhook : waiting)
    by_reactor[impl_->reactor_of(webhook.webhook)].push_back(webhook);
  for (std::size_t i = 0; i < impl_->lanes.size(); ++i) {
    LaneSet& set = *impl_->lanes[i];
    impl_->parts.reactors[i].loop.post([&set, webhooks = std::move(by_reactor[i])]() mutable {
      set.recover(std::move(webhooks));
    });
  }
  impl_->keys.resume();
  impl_->is_recovered = true;
  return {};
}

// A store remembers a value that only its master key can check; an empty one is given it now.
Result<void> Engine::check_master_key(const ConfigSnapshot& config) {
  for (const auto& [key, value] : config.settings) {
    if (key == kKeyCheck) return vault().verify_key_check(value);
  }
  if (!config.tenants.empty()) {
    return fail(Errc::corrupt,
                "the database holds tenants but no key check; it was not written by this program");
  }
  const std::string check = vault().make_key_check();
  WriteOp op{SetSettingOp{kKeyCheck, check}, std::nullopt};
  TRY(const auto results, impl_->parts.store.writer().commit(std::span(&op, 1)));
  if (!results.front()) return tl::unexpected(results.front().error());
  return vault().verify_key_check(check);
}

// How much each data key has sealed is kept now and then, so that a restart does not forget it.
void Engine::count_seals(const ConfigSnapshot& config) {
  for (const auto& [key, value] : config.settings) {
    if (!key.starts_with(kSeals)) continue;
    std::uint32_t key_id = 0;
    std::uint64_t seals = 0;
    std::from_chars(key.data() + kSeals.size(), key.data() + key.size(), key_id);
    std::from_chars(value.data(), value.data() + value.size(), seals);
    vault().set_seals(key_id, seals);
  }
  vault().hooks.on_seals = [this](std::uint32_t key_id, std::uint64_t seals) {
    WriteOp op{SetSettingOp{std::string(kSeals) + std::to_string(key_id), std::to_string(seals)},
               std::nullopt};
    // Lost if the journal is full: the next block counts all of it.
    impl_->journal.submit(std::move(op), [](WriteAction&, const Result<OpDone>&) {});
  };
}

// The names that were ever put in are remembered, so that a type that a person has deleted does not
// come back, and one that a person has made or changed stays as it is. All of it is one
// transaction.
Result<void> Engine::put_in_catalogue(ConfigSnapshot& config) {
  std::string remembered;
  for (const auto& [key, value] : config.settings) {
    if (key == kSeededEventTypes) remembered = value;
  }
  std::set<std::string> seen;
  for (std::istringstream lines(remembered); std::getline(lines, remembered);)
    seen.insert(remembered);
  std::vector<WriteOp> ops;
  for (const EventType& type : impl_->parts.catalogue) {
    if (!seen.insert(type.name).second) continue;
    EventType stored = type;
    stored.created_at = impl_->parts.clock.wall_now();
    WriteOp& op = ops.emplace_back();
    op.audit.push_back(catalogue_entry(stored.name));
    impl_->journal.stamp(op.audit);
    op.action = PutEventTypeOp{std::move(stored), /*must_be_new=*/true};
  }
  if (ops.empty()) return {};
  std::string names;
  for (const std::string& name : seen) names += name + '\n';
  ops.push_back({SetSettingOp{kSeededEventTypes, std::move(names)}});
  TRY(const auto results, impl_->parts.store.writer().commit(ops));
  for (std::size_t i = 0; i < results.size(); ++i) {
    if (results[i]) {
      auto* put = std::get_if<PutEventTypeOp>(&ops[i].action);
      if (put == nullptr) continue;
      config.event_types.push_back(std::move(put->type));
    } else if (results[i].error().code != Errc::conflict) {
      return tl::unexpected(results[i].error());
    }
  }
  return {};
}

void Engine::run_journal(const std::stop_token& stop) {
  impl_->journal.run(stop);
}

void Engine::run_reader(Reader& reader, const std::stop_token& stop) {
  impl_->reads.run(reader, stop);
}

void Engine::drain(UniqueFunction<void()> done) {
  impl_->is_draining = true;
  impl_->parts.reactors.front().loop.post([this] { impl_->cleaner.stop(); });
  struct Waiting {
    std::atomic<std::size_t> left;
    UniqueFunction<void()> done;
  };
  auto waiting = std::make_shared<Waiting>();
  waiting->left = impl_->lanes.size();
  waiting->done = std::move(done);
  impl_->parts.reactors.front().loop.post([this] {
    impl_->purger.stop();
    impl_->broadcaster.stop();
  });
  for (std::size_t i = 0; i < impl_->lanes.size(); ++i) {
    LaneSet& set = *impl_->lanes[i];
    impl_->parts.reactors[i].loop.post([this, &set, waiting] {
      set.drain([this, waiting] {
        if (--waiting->left > 0) return;
        impl_->parts.reactors.front().loop.post(
            [this, waiting] { impl_->end_stats(std::move(waiting->done)); });
      });
    });
  }
}

}  // namespace fanfare
