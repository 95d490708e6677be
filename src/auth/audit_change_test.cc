#include "auth/audit_change.h"

#include <gtest/gtest.h>

#include "base/limits.h"

namespace fanfare {
namespace {

TEST(Fingerprint, IsTheFirstTwelveDigitsOfTheDigest) {
  EXPECT_EQ(fingerprint("abc"), "sha256:ba7816bf8f01");
}

TEST(AuditedUrl, HidesTheQueryAndNothingElse) {
  EXPECT_EQ(audited_url("https://example.com/a"), "https://example.com/a");
  EXPECT_EQ(audited_url("https://example.com/a?abc"), "https://example.com/a?sha256:ba7816bf8f01");
}

TEST(ChangeBetween, ShowsOnlyTheMembersThatDiffer) {
  const AuditChange change =
      change_between(R"({"a":1,"b":[1,2],"gone":"x"})", R"({"a":1,"b":[1,3],"new":{"k":2}})");

  EXPECT_EQ(change.before, R"({"b":[1,2],"gone":"x"})");
  EXPECT_EQ(change.after, R"({"b":[1,3],"new":{"k":2}})");
}

TEST(ChangeBetween, ShowsAllOfWhatIsNewOrGone) {
  EXPECT_EQ(change_between("", R"({"a":1})").before, "");
  EXPECT_EQ(change_between("", R"({"a":1})").after, R"({"a":1})");
  EXPECT_EQ(change_between(R"({"a":1})", "").before, R"({"a":1})");
  EXPECT_EQ(change_between(R"({"a":1})", "").after, "");
}

TEST(ChangeBetween, ShowsALongValueAsItsFingerprint) {
  const std::string value = '"' + std::string(limits::kAuditValueBytesMax, 'x') + '"';

  const AuditChange change = change_between("", "{\"a\":" + value + "}");

  EXPECT_EQ(change.after,
            "{\"a\":\"" + fingerprint(value) + " (" + std::to_string(value.size()) + " bytes)\"}");
}

Webhook a_webhook() {
  Webhook webhook;
  webhook.settings.url = "https://example.com/";
  webhook.secrets.push_back(
      {.number = 1, .text = Secret("one"), .created_at = {}, .expires_at = {}});
  return webhook;
}

Webhook with(WebhookStatus status) {
  Webhook webhook = a_webhook();
  webhook.status = status;
  return webhook;
}

TEST(WebhookAction, NamesWhatWasDone) {
  const Webhook active = a_webhook();
  const Webhook paused = with(WebhookStatus::paused);
  const Webhook disabled = with(WebhookStatus::disabled);
  Webhook deleted = active;
  deleted.is_deleted = true;
  Webhook rotated = active;
  rotated.secrets.front().text = Secret("two");
  Webhook renamed = disabled;
  renamed.settings.name = "new";

  EXPECT_EQ(webhook_action(nullptr, active), "webhook.created");
  EXPECT_EQ(webhook_action(&active, deleted), "webhook.deleted");
  EXPECT_EQ(webhook_action(&active, paused), "webhook.paused");
  EXPECT_EQ(webhook_action(&paused, active), "webhook.resumed");
  EXPECT_EQ(webhook_action(&active, disabled), "webhook.disabled");
  EXPECT_EQ(webhook_action(&paused, disabled), "webhook.disabled");
  EXPECT_EQ(webhook_action(&disabled, active), "webhook.enabled");
  EXPECT_EQ(webhook_action(&active, rotated), "webhook.secret_rotated");
  EXPECT_EQ(webhook_action(&active, renamed), "webhook.updated") << "more than the status";
}

TEST(StatusChangeEntry, SaysWhatTheServerDidAndWhy) {
  Webhook gone = with(WebhookStatus::disabled);
  gone.disabled_reason = "gone";

  const AuditEntry entry = status_change_entry(a_webhook(), gone);

  EXPECT_EQ(entry.actor.kind, ActorKind::system);
  EXPECT_EQ(entry.action, "webhook.disabled");
  EXPECT_EQ(entry.before, R"({"status":"active","disabled_reason":null})");
  EXPECT_EQ(entry.after, R"({"status":"disabled","disabled_reason":"gone"})");
}

}  // namespace
}  // namespace fanfare
