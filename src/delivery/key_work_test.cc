// Keys replaced while the engine runs, and while it is cut off at every step of that.
#include "delivery/engine_fixture.h"
#include "signing/seal.h"

namespace fanfare {
namespace {

using namespace fanfare::testing;

// Stores nothing more after `left` commits, as if the process had ended there.
class CutWriter final : public Writer {
 public:
  CutWriter(Writer& inner, std::atomic<int>& left) : inner_(inner), left_(left) {}
  Result<std::vector<Result<OpDone>>> commit(std::span<WriteOp> ops) override {
    if (left_ == 0) return fail(Errc::unavailable, "cut off");
    --left_;
    return inner_.commit(ops);
  }
  Result<bool> maintain(Timestamp now, bool is_idle) override {
    return inner_.maintain(now, is_idle);
  }
  const RollupTail& last_tail() const override { return inner_.last_tail(); }
  Result<Uuid> newest_id() override { return inner_.newest_id(); }
  Result<void> seal_audit_log(AuditSealer sealer) override {
    return inner_.seal_audit_log(std::move(sealer));
  }

 private:
  Writer& inner_;
  std::atomic<int>& left_;
};

class CutStore final : public Store {
 public:
  explicit CutStore(std::atomic<int>& left) : writer_(inner_->writer(), left) {}
  Writer& writer() override { return writer_; }
  Result<std::unique_ptr<Reader>> open_reader() override { return inner_->open_reader(); }

 private:
  std::unique_ptr<Store> inner_ = make_memory_store();
  CutWriter writer_;
};

constexpr int kNever = 1'000'000;

Secret key_of(char fill) {
  return Secret(std::string(32, fill));
}

class KeyWorkTest : public EngineTest {
 protected:
  // A new store with two tenants, each with a webhook of two versions.
  void begin_anew() {
    stop();
    left = kNever;
    store = std::make_unique<CutStore>(left);
    master_keys = {key_of('k')};
    start();
    for (const int tenant : {1, 2}) {
      make_tenant(tenant);
      Webhook webhook = webhook_of(tenant, {"*"}, tenant);
      webhook.settings.headers = {{.name = "X-One", .value = Secret("first")}};
      const WebhookPtr first = put(webhook, 0);
      Webhook next = *first;
      next.settings.headers[0].value = Secret("second");
      put(next, first->version);
    }
  }
  void restart_with(std::vector<Secret> keys) {
    left = kNever;
    master_keys = std::move(keys);
    restart();
  }
  // What was sealed reads as it was: secrets in force, and headers at each version.
  void expect_all_readable() {
    for (const int tenant : {1, 2}) {
      const WebhookPtr webhook = engine->directory().webhook(id_of<WebhookId>(tenant));
      ASSERT_NE(webhook, nullptr);
      EXPECT_EQ(webhook->secrets.at(0).text, webhook_of(tenant).secrets.at(0).text);
      const auto from = *store->open_reader();
      const auto first = engine->webhook_at(*from, webhook->id, 1);
      const auto second = engine->webhook_at(*from, webhook->id, 2);
      ASSERT_TRUE(first) << first.error().message;
      ASSERT_TRUE(second) << second.error().message;
      EXPECT_EQ(first->settings.headers.at(0).value, Secret("first"));
      EXPECT_EQ(second->settings.headers.at(0).value, Secret("second"));
    }
  }
  bool is_rewrapped() const {
    const VaultStatus status = vault->status();
    for (const auto& master : status.masters) {
      if (master.id == status.masters.front().id) continue;
      if (master.data_keys > 0 || master.seals_check) return false;
    }
    return true;
  }
  bool is_resealed() const { return vault->status().tenants_with_older_keys == 0; }
  // Until it is done or nothing is stored any more.
  template <class IsDone>
  bool crank_until_cut_or(IsDone is_done) {
    crank_until([&] { return is_done() || left == 0; });
    crank_a_while();
    return is_done();
  }
  std::vector<TenantKey> stored_keys() {
    return (*store->open_reader())->load_config()->tenant_keys;
  }
  Result<Unit> rotate(std::vector<TenantId> tenants) {
    return call<Unit>(
        [&](auto reply) { engine->rotate_tenant_keys(tenants, loop, std::move(reply)); });
  }

  std::atomic<int> left = kNever;
};

TEST_F(KeyWorkTest, ANewMasterKeyTakesOverThoughItIsCutOffAtAnyStep) {
  for (int steps = 0;; ++steps) {
    SCOPED_TRACE(steps);
    begin_anew();
    ASSERT_TRUE(vault->set_master_keys({key_of('n'), key_of('k')}));
    left = steps;
    engine->rewrap_keys();
    const bool was_done = crank_until_cut_or([&] { return is_rewrapped(); });

    restart_with({key_of('n'), key_of('k')});
    expect_all_readable();
    crank_until([&] { return is_rewrapped(); });
    crank_a_while();
    restart_with({key_of('n')});
    expect_all_readable();
    if (was_done) {
      EXPECT_GE(steps, 2);  // the keys, then the check value
      return;
    }
  }
}

TEST_F(KeyWorkTest, ANewDataKeyTakesOverThoughItIsCutOffAtAnyStep) {
  for (int steps = 0;; ++steps) {
    SCOPED_TRACE(steps);
    begin_anew();
    const auto before = stored_keys();
    left = steps;
    bool is_stored = false;
    engine->rotate_tenant_keys({id_of<TenantId>(1), id_of<TenantId>(2)}, loop,
                               [&](const Result<Unit>& done) { is_stored = done.has_value(); });
    const bool was_done = crank_until_cut_or([&] { return is_stored && is_resealed(); });

    restart_with({key_of('k')});
    expect_all_readable();
    crank_until([&] { return is_resealed(); });
    restart_with({key_of('k')});
    expect_all_readable();
    EXPECT_EQ(stored_keys().size(), 2U);
    if (was_done) {
      EXPECT_GE(steps, 5);
      EXPECT_NE(stored_keys()[0].key_id, before[0].key_id);
      return;
    }
  }
}

TEST_F(KeyWorkTest, NothingStoredIsSealedWithTheOldDataKeyAfterwards) {
  begin_anew();
  const auto old_keys = stored_keys();

  ASSERT_TRUE(rotate({id_of<TenantId>(1)}));
  crank_until([&] { return is_resealed(); });

  const auto from = *store->open_reader();
  for (const std::int64_t version : {1, 2}) {
    const auto row = *from->webhook_version(id_of<WebhookId>(1), version);
    for (const std::string& sealed : {row.sealed_headers, row.sealed_secrets.at(0)}) {
      EXPECT_NE(sealed_key_id(sealed), old_keys[0].key_id);
    }
    const auto other = *from->webhook_version(id_of<WebhookId>(2), version);
    EXPECT_EQ(sealed_key_id(other.sealed_headers), old_keys[1].key_id) << "nobody asked for it";
  }
}

TEST_F(KeyWorkTest, ATenantRotatedTwiceAtOnceEndsWithOneKey) {
  begin_anew();

  int stored = 0;
  for (int i = 0; i < 2; ++i) {
    engine->rotate_tenant_keys({id_of<TenantId>(1)}, loop,
                               [&stored](const Result<Unit>& done) { stored += done ? 1 : 0; });
  }
  crank_until([&] { return stored == 2 && is_resealed(); });

  EXPECT_EQ(stored_keys().size(), 2U);
  restart();
  expect_all_readable();
}

TEST_F(KeyWorkTest, WebhooksChangedMeanwhileStayReadable) {
  begin_anew();
  engine->rotate_tenant_keys({id_of<TenantId>(1)}, loop, [](const Result<Unit>&) {});

  for (int i = 0; i < 20; ++i) {
    const WebhookPtr now = engine->directory().webhook(id_of<WebhookId>(1));
    put(*now, now->version);
  }
  crank_until([&] { return is_resealed(); });

  restart();
  expect_all_readable();
  EXPECT_EQ(engine->directory().webhook(id_of<WebhookId>(1))->version, 22);
}

TEST_F(KeyWorkTest, WhatADataKeyHasSealedIsCountedAcrossRestarts) {
  begin_anew();
  const SealPlace place{id_of<TenantId>(1), "", "answer", 0};
  const std::uint64_t before = vault->status().seals_max;
  for (std::uint64_t i = before; i < Vault::kSealsBlock; ++i) {
    ASSERT_TRUE(vault->seal(place, Secret("x")));
  }
  crank_until([&] {
    const auto config = (*store->open_reader())->load_config();
    for (const auto& [key, value] : config->settings) {
      if (key.starts_with("seals:")) return true;
    }
    return false;
  });

  restart();

  EXPECT_EQ(vault->status().seals_max, Vault::kSealsBlock);
}

}  // namespace
}  // namespace fanfare
