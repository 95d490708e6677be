#include "domain/envelope.h"

#include <gtest/gtest.h>

#include "base/json_scan.h"
#include "base/json_text.h"
#include "base/random.h"

namespace fanfare {
namespace {

// Spelled in ways that a serializer would change: spaces, number forms, escapes, key order.
constexpr std::string_view kData = "{ \"b\" : 1.50e+2,\n\"a\":\"\\u0041\\/\", \"n\":-0 }";

EnvelopeFacts facts() {
  SeededRandom random(1);
  Uuid7Sequence ids(random);
  const Timestamp created{Millis{1'772'366'400'999}};
  return EnvelopeFacts{.event_type = "invoice.paid",
                       .data = kData,
                       .event = EventId{ids.next(created)},
                       .webhook = WebhookId{ids.next(created)},
                       .created_at = created};
}

TEST(Envelope, Standard) {
  EXPECT_EQ(make_body(Envelope::standard, facts()),
            "{\"type\":\"invoice.paid\",\"timestamp\":\"2026-03-01T12:00:00.999Z\",\"data\":" +
                std::string(kData) + "}");
}

TEST(Envelope, Event) {
  EXPECT_EQ(make_body(Envelope::event, facts()),
            "{\"event\":\"invoice.paid\",\"timestamp\":\"2026-03-01T12:00:00.999Z\",\"data\":" +
                std::string(kData) + ",\"webhook_id\":\"" + to_string(facts().webhook) + "\"}");
}

TEST(Envelope, Type) {
  EXPECT_EQ(make_body(Envelope::type, facts()),
            "{\"id\":\"" + to_string(facts().event) +
                "\",\"type\":\"invoice.paid\",\"created\":1772366400,\"data\":" +
                std::string(kData) + "}");
}

TEST(Envelope, RawIsTheDataAlone) {
  EXPECT_EQ(make_body(Envelope::raw, facts()), kData);
}

TEST(Envelope, CreatedRoundsDownBefore1970Too) {
  EnvelopeFacts before = facts();
  before.created_at = Timestamp{Millis{-1}};

  EXPECT_NE(make_body(Envelope::type, before).find("\"created\":-1,"), std::string::npos);
}

TEST(Envelope, AHostileEventTypeCannotLeaveItsString) {
  EnvelopeFacts hostile = facts();
  hostile.event_type = "a\",\"data\":{\"stolen\":true},\"x\":\"\\\n\x01";
  for (const Envelope envelope : {Envelope::standard, Envelope::event, Envelope::type}) {
    const std::string body = make_body(envelope, hostile);

    const auto members = scan_json_object(body);

    ASSERT_TRUE(members.has_value()) << members.error().message << "\n" << body;
    const JsonMember& type = (*members)[envelope == Envelope::type ? 1 : 0];
    EXPECT_EQ(unescape_json(type.value.substr(1, type.value.size() - 2)), hostile.event_type);
  }
}

TEST(Envelope, IsOneStrictObjectHoldingTheDataUnchanged) {
  const std::string_view values[] = {kData, "null", "[]", "\"€😀\"", "0", "{}", "[{\"data\":{}}]"};
  for (const std::string_view data : values) {
    for (const Envelope envelope : {Envelope::standard, Envelope::event, Envelope::type}) {
      EnvelopeFacts input = facts();
      input.data = data;
      const std::string body = make_body(envelope, input);

      const auto members = scan_json_object(body);

      ASSERT_TRUE(members.has_value()) << body;
      const auto is_data = [](const JsonMember& member) { return member.key == "data"; };
      const auto found = std::find_if(members->begin(), members->end(), is_data);
      ASSERT_NE(found, members->end());
      EXPECT_EQ(found->value, data);
    }
  }
}

TEST(Envelope, IsTheSameForTheSameFacts) {
  EXPECT_EQ(make_body(Envelope::event, facts()), make_body(Envelope::event, facts()));
}

}  // namespace
}  // namespace fanfare
