#include "domain/webhook.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "domain/delivery.h"

namespace fanfare {
namespace {

struct Match {
  std::string_view pattern;
  std::string_view event_type;
  bool is_match;
};

TEST(Matching, FollowsThePattern) {
  const Match rows[] = {
      {"*", "invoice.paid", true},
      {"*", "a", true},
      {"invoice.paid", "invoice.paid", true},
      {"invoice.paid", "invoice.paid.late", false},
      {"invoice.paid", "invoice.pai", false},
      {"invoice.paid", "Invoice.Paid", false},
      {"invoice.*", "invoice.paid", true},
      {"invoice.*", "invoice.paid.late", true},
      {"invoice.*", "invoice", false},
      {"invoice.*", "invoice.", false},
      {"invoice.*", "invoices.paid", false},
      {"invoice.*", "my.invoice.paid", false},
      {"invoice.paid.*", "invoice.paid.late", true},
      {"invoice.paid.*", "invoice.paid", false},
      {"", "invoice.paid", false},
      {"", "", true},
      {"invoice", "invoice.paid", false},
      {"*.paid", "invoice.paid", false},
      {"inv*", "invoice", false},
      {"**", "invoice", false},
  };
  for (const Match& row : rows) {
    EXPECT_EQ(matches(row.pattern, row.event_type), row.is_match)
        << row.pattern << " " << row.event_type;
  }
}

TEST(Matching, AWebhookWantsWhatAnyOfItsPatternsNames) {
  WebhookSettings settings;
  EXPECT_FALSE(wants(settings, "a.b"));

  settings.events = {"x.y", "a.*"};

  EXPECT_TRUE(wants(settings, "a.b"));
  EXPECT_TRUE(wants(settings, "x.y"));
  EXPECT_FALSE(wants(settings, "x.z"));
}

TEST(EventTypeName, AllowsGroupsJoinedBySingleDots) {
  for (const std::string& name : {std::string("a"), std::string("invoice.paid"),
                                  std::string("a.b.c.d"), std::string("A-b_9.Z"), std::string("_"),
                                  std::string("-"), std::string("9"), std::string(128, 'a')}) {
    EXPECT_TRUE(is_event_type_name(name)) << name;
  }
}

TEST(EventTypeName, RefusesEverythingElse) {
  for (const std::string& name :
       {std::string(), std::string("."), std::string(".a"), std::string("a."), std::string("a..b"),
        std::string("a b"), std::string("a.*"), std::string("*"), std::string("a/b"),
        std::string("a:b"), std::string("é"), std::string("a\n"), std::string("a\0b", 3),
        std::string("\xFF"), std::string(129, 'a'), std::string("a\"b")}) {
    EXPECT_FALSE(is_event_type_name(name)) << name;
  }
}

TEST(EventPattern, IsAStarAFamilyOrAName) {
  for (const char* pattern : {"*", "a", "a.b", "user.*", "user.profile.*"})
    EXPECT_TRUE(is_event_pattern(pattern));
  for (const char* pattern :
       {"", ".*", "*.*", "**", "*.a", "a.*.b", "a*", "user.", "user.**", "user..*", "a.* "}) {
    EXPECT_FALSE(is_event_pattern(pattern)) << pattern;
  }
}

TEST(EventPattern, EveryPatternMatchesSomeName) {
  SeededRandom random(1);
  int patterns = 0;
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (int n = 0; n < 1 + i % 6; ++n) text += "ab.*"[static_cast<int>(random.uniform01() * 4)];
    if (!is_event_pattern(text)) continue;
    ++patterns;
    const std::string name = text == "*"           ? "x"
                             : text.ends_with("*") ? text.substr(0, text.size() - 1) + "x"
                                                   : text;
    ASSERT_TRUE(is_event_type_name(name)) << text;
    ASSERT_TRUE(matches(text, name)) << text;
  }
  EXPECT_GT(patterns, 500);
}

TEST(ClosestName, IsTheOneWithTheFewestEdits) {
  const std::vector<std::string> known = {"invoice.paid", "invoice.created", "user.created",
                                          "user.deleted"};
  const std::pair<const char*, const char*> rows[] = {
      {"invoice.payed", "invoice.paid"}, {"invoice_paid", "invoice.paid"},
      {"Invoice.Paid", "invoice.paid"},  {"user.create", "user.created"},
      {"users.deleted", "user.deleted"}, {"invoice.crated", "invoice.created"},
      {"invoice.paid", "invoice.paid"},
  };
  for (const auto& [name, closest] : rows) EXPECT_EQ(closest_name(name, known), closest) << name;
}

TEST(ClosestName, IsEmptyWhereNothingIsKnown) {
  EXPECT_EQ(closest_name("a", {}), "");
}

TEST(ClosestName, OfEquallyCloseOnesIsTheFirst) {
  EXPECT_EQ(closest_name("b", {"a", "c"}), "a");
}

TEST(ClosestName, HandlesEmptyNamesOnEitherSide) {
  EXPECT_EQ(closest_name("", {"abc", "a"}), "a");
  EXPECT_EQ(closest_name("a", {"", "abc"}), "");
}

TEST(ClosestName, ComparesOnlyTheBeginningOfAnEndlessName) {
  const std::vector<std::string> known(1000, "invoice.paid");

  EXPECT_EQ(closest_name(std::string(1'000'000, 'x'), known), "invoice.paid");
}

template <class E, class Named>
void expect_names(std::initializer_list<std::pair<E, std::string_view>> names, Named named) {
  for (const auto& [value, name] : names) {
    EXPECT_EQ(name_of(value), name);
    EXPECT_EQ(named(name), value);
  }
  for (const char* name : {"", " ", "Active", "nothing"}) EXPECT_EQ(named(name), std::nullopt);
}

TEST(Names, AreThoseOfTheApi) {
  expect_names<WebhookStatus>({{WebhookStatus::active, "active"},
                               {WebhookStatus::paused, "paused"},
                               {WebhookStatus::disabled, "disabled"}},
                              webhook_status_named);
  expect_names<SignatureScheme>({{SignatureScheme::standard, "standard"},
                                 {SignatureScheme::hex, "hex"},
                                 {SignatureScheme::github, "github"},
                                 {SignatureScheme::stripe, "stripe"}},
                                signature_scheme_named);
  expect_names<Envelope>({{Envelope::standard, "standard"},
                          {Envelope::event, "event"},
                          {Envelope::type, "type"},
                          {Envelope::raw, "raw"}},
                         envelope_named);
  expect_names<DeliveryStatus>({{DeliveryStatus::pending, "pending"},
                                {DeliveryStatus::retrying, "retrying"},
                                {DeliveryStatus::success, "success"},
                                {DeliveryStatus::failed, "failed"},
                                {DeliveryStatus::cancelled, "cancelled"},
                                {DeliveryStatus::skipped, "skipped"}},
                               delivery_status_named);
  expect_names<Trigger>({{Trigger::event, "event"},
                         {Trigger::test, "test"},
                         {Trigger::retry, "retry"},
                         {Trigger::replay, "replay"}},
                        trigger_named);
  expect_names<Role>({{Role::admin, "admin"},
                      {Role::tenant, "tenant"},
                      {Role::read, "read"},
                      {Role::publish, "publish"}},
                     role_named);
}

TEST(NamesDeathTest, AbortOnAValueThatDoesNotExist) {
  EXPECT_DEATH(name_of(static_cast<WebhookStatus>(9)), "assertion failed");
}

TEST(DeliveryStatus, OnlyPendingAndRetryingAreOpen) {
  EXPECT_FALSE(is_final(DeliveryStatus::pending));
  EXPECT_FALSE(is_final(DeliveryStatus::retrying));
  for (const auto status : {DeliveryStatus::success, DeliveryStatus::failed,
                            DeliveryStatus::cancelled, DeliveryStatus::skipped}) {
    EXPECT_TRUE(is_final(status));
  }
}

TEST(SigningSecret, IsValidUntilItExpires) {
  SigningSecret secret;
  EXPECT_TRUE(secret.is_valid_at(Timestamp::max()));

  secret.expires_at = Timestamp{Millis{1000}};

  EXPECT_TRUE(secret.is_valid_at(Timestamp{Millis{999}}));
  EXPECT_FALSE(secret.is_valid_at(Timestamp{Millis{1000}}));
}

}  // namespace
}  // namespace fanfare
