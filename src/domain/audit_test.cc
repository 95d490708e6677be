#include "domain/audit.h"

#include <functional>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

AuditEntry an_entry() {
  AuditEntry entry;
  entry.id.value.bytes[15] = 7;
  entry.at = timestamp_of_ms(1'772'366'400'000);
  entry.tenant = TenantId{};
  entry.tenant->value.bytes[0] = 1;
  entry.actor = {.kind = ActorKind::api_key, .id = "key_1", .name = "ci"};
  entry.action = "webhook.created";
  entry.object = {.type = "webhook", .id = "wh_1"};
  return entry;
}

TEST(CanonicalBytes, DifferWhateverFieldDiffers) {
  const std::vector<std::function<void(AuditEntry&)>> changes = {
      [](AuditEntry&) {},
      [](AuditEntry& e) { e.id.value.bytes[15] = 8; },
      [](AuditEntry& e) { e.at += Millis{1}; },
      [](AuditEntry& e) { e.tenant.reset(); },
      [](AuditEntry& e) { e.actor.kind = ActorKind::jwt; },
      [](AuditEntry& e) { e.actor.id = "key_2"; },
      [](AuditEntry& e) { e.actor.name = "me"; },
      [](AuditEntry& e) { e.action = "webhook.updated"; },
      [](AuditEntry& e) { e.object.type = "tenant"; },
      [](AuditEntry& e) { e.object.id = "wh_2"; },
      [](AuditEntry& e) { e.before = "{}"; },
      [](AuditEntry& e) { e.after = "{}"; },
      [](AuditEntry& e) { e.ip = "192.0.2.1"; },
      [](AuditEntry& e) { e.user_agent = "192.0.2.1"; },
      [](AuditEntry& e) { e.request_id = "192.0.2.1"; },
      [](AuditEntry& e) { e.metadata = "{}"; }};

  std::set<std::string> seen;
  for (const auto& change : changes) {
    AuditEntry entry = an_entry();
    change(entry);
    seen.insert(canonical_bytes(entry));
  }

  EXPECT_EQ(seen.size(), changes.size());
}

TEST(CanonicalBytes, DoNotLetOneFieldRunIntoTheNext) {
  AuditEntry one = an_entry();
  AuditEntry other = an_entry();
  one.object = {.type = "ab", .id = "c"};
  other.object = {.type = "a", .id = "bc"};

  EXPECT_NE(canonical_bytes(one), canonical_bytes(other));
}

struct FilterCase {
  const char* why;
  AuditFilter filter;
  bool is_match;
};

TEST(AuditFilter, TakesWhatItNames) {
  const AuditEntry entry = an_entry();
  const FilterCase cases[] = {
      {"nothing asked", {}, true},
      {"its action", {.action = "webhook.created"}, true},
      {"its family", {.action = "webhook.*"}, true},
      {"a family whose name only begins alike", {.action = "web.*"}, false},
      {"another action", {.action = "webhook.create"}, false},
      {"the kind of its actor", {.actor = "api_key"}, true},
      {"its actor", {.actor = "key_1"}, true},
      {"another actor", {.actor = "key_2"}, false},
      {"the type of its object", {.object = "webhook"}, true},
      {"its object", {.object = "wh_1"}, true},
      {"another object", {.object = "wh_2"}, false},
      {"from its moment on", {.since = entry.at}, true},
      {"up to its moment", {.until = entry.at}, false},
      {"another tenant", {.tenant = TenantId{}}, false},
  };

  for (const FilterCase& one : cases)
    EXPECT_EQ(matches(one.filter, entry), one.is_match) << one.why;
}

TEST(AuditActionPattern, IsAnActionOrAFamily) {
  for (const char* good : {"webhook.created", "webhook.*", "api_key.revoked", "server"})
    EXPECT_TRUE(is_audit_action_pattern(good)) << good;
  for (const char* bad : {"", "*", ".*", "webhook.", ".created", "a..b", "Webhook.created", "a b"})
    EXPECT_FALSE(is_audit_action_pattern(bad)) << bad;
}

}  // namespace
}  // namespace fanfare
