// Writing and checked reading of JSON.
#include <gtest/gtest.h>

#include "api/json_input.h"
#include "api/json_writer.h"
#include "base/limits.h"

namespace fanfare {
namespace {

TEST(JsonWriter, PutsCommasWhereTheyBelong) {
  JsonWriter out;
  out.begin_object().text("a", "1").key("b").begin_array();
  out.text_value("x").begin_object().end_object().raw_value("3").end_array();
  out.nothing("c").flag("d", true).number("e", -5).real("f", 0.5).end_object();
  EXPECT_EQ(out.take(), R"({"a":"1","b":["x",{},3],"c":null,"d":true,"e":-5,"f":0.5})");
}

TEST(JsonWriter, WritesUtf8WhateverBytesCome) {
  JsonWriter out;
  out.begin_object().text("a\xFF", "b\xFF\n").end_object();
  EXPECT_EQ(out.take(), "{\"a\xEF\xBF\xBD\":\"b\xEF\xBF\xBD\\n\"}");
}

TEST(ParseObject, AnEmptyBodyIsAnEmptyObject) {
  EXPECT_TRUE(parse_object("").value().empty());
  EXPECT_TRUE(parse_object(" \r\n").value().empty());
}

TEST(ParseObject, RefusesWhatIsNotOneStrictObject) {
  std::string deep;
  for (int i = 0; i < 70; ++i) deep += R"({"a":)";
  deep += "1" + std::string(70, '}');
  for (const std::string& body :
       {std::string("["), std::string("[]"), std::string("1"), std::string("null"),
        std::string("{\"a\":1,}"), std::string("{\"a\":1}x"), std::string("{\"a\":1,\"a\":2}"),
        std::string("{\"a\":{\"b\":1,\"b\":1}}"), std::string("{'a':1}"), std::string("{\"a\":01}"),
        std::string("{\"a\":\"\xFF\"}"), std::string("{\"a\":NaN}"), std::string("\xEF\xBB\xBF{}"),
        deep}) {
    const auto parsed = parse_object(body);
    ASSERT_FALSE(parsed) << body;
    EXPECT_EQ(parsed.error().kind, ProblemKind::malformed_json) << body;
  }
}

TEST(PointerTo, EscapesTildeAndSlash) {
  EXPECT_EQ(pointer_to("/a", "b/c~d"), "/a/b~1c~0d");
}

class Reading : public ::testing::Test {
 protected:
  ObjectReader& read(std::string_view body) {
    object_ = parse_object(body).value();
    reader_.emplace(object_, "", errors);
    return *reader_;
  }
  std::string only_error() {
    if (errors.size() != 1) return std::to_string(errors.size()) + " errors";
    return errors[0].pointer + " " + errors[0].code + ": " + errors[0].detail;
  }

  FieldErrors errors;

 private:
  boost::json::object object_;
  std::optional<ObjectReader> reader_;
};

TEST_F(Reading, SaysWhatWasExpectedAndWhatCame) {
  read(R"({"url":[1]})").text("url", {1, 10, false});
  EXPECT_EQ(only_error(), "/url wrong_type: expected a string, got an array");
}

TEST_F(Reading, KeepsTheFirstErrorsAndCountsTheRest) {
  std::string text = "{\"k0\":1";
  for (int i = 1; i < 1000; ++i) text += ",\"k" + std::to_string(i) + "\":1";
  read(text + "}").finish();
  EXPECT_EQ(errors.size(), limits::kFieldErrorsMax);
  EXPECT_EQ(errors.omitted(), 1000 - limits::kFieldErrorsMax);
}

TEST_F(Reading, NamesAFieldNobodyAskedForAndItsNeighbour) {
  ObjectReader& reader = read(R"({"evnets":[]})");
  reader.array("events");
  reader.finish();
  EXPECT_EQ(only_error(), R"(/evnets unknown_field: is not a field here; did you mean "events"?)");
}

TEST_F(Reading, SuggestsNothingForAStranger) {
  ObjectReader& reader = read(R"({"colour":1})");
  reader.array("events");
  reader.finish();
  EXPECT_EQ(only_error(), "/colour unknown_field: is not a field here");
}

TEST_F(Reading, NullReadsAsAbsent) {
  ObjectReader& reader = read(R"({"a":null})");
  EXPECT_EQ(reader.text("a", {1, 10, false}), std::nullopt);
  EXPECT_TRUE(reader.has_null("a"));
  reader.finish();
  EXPECT_TRUE(errors.empty());
}

TEST_F(Reading, WholeNumbersOnlyAndWithinBounds) {
  for (const std::string_view value : {"0", "61", "1.5", "-1", "1e400", "9223372036854775808"}) {
    errors.clear();
    const auto parsed = parse_object("{\"n\":" + std::string(value) + "}");
    if (!parsed) continue;
    ObjectReader reader(*parsed, "", errors);
    EXPECT_EQ(reader.integer("n", 1, 60), std::nullopt) << value;
    EXPECT_EQ(errors.size(), 1U) << value;
  }
  errors.clear();
  EXPECT_EQ(read(R"({"n":30.0})").integer("n", 1, 60), 30);
  EXPECT_TRUE(errors.empty());
}

TEST_F(Reading, RefusesControlCharactersButKeepsLinesWhereAllowed) {
  EXPECT_EQ(read(R"({"a":"x\u0000y"})").text("a", {0, 10, true}), std::nullopt);
  EXPECT_EQ(read(R"({"a":"x\ny"})").text("a", {0, 10, false}), std::nullopt);
  EXPECT_EQ(read(R"({"a":"x\ny"})").text("a", {0, 10, true}), "x\ny");
}

TEST_F(Reading, MetadataMergesAndNullRemoves) {
  Metadata metadata{{"a", "1"}, {"b", "2"}};
  read(R"({"metadata":{"a":null,"c":"3"}})").merge_metadata("metadata", metadata);
  EXPECT_EQ(metadata, (Metadata{{"b", "2"}, {"c", "3"}}));
}

TEST_F(Reading, MetadataHoldsStringsOnly) {
  Metadata metadata;
  read(R"({"metadata":{"a/b":7}})").merge_metadata("metadata", metadata);
  EXPECT_EQ(only_error(), "/metadata/a~1b wrong_type: expected a string, got a number");
}

TEST_F(Reading, MetadataIsBounded) {
  Metadata metadata;
  for (std::size_t i = 0; i < limits::kMetadataEntriesMax; ++i) metadata[std::to_string(i)] = "x";
  read(R"({"metadata":{"one too many":"x"}})").merge_metadata("metadata", metadata);
  EXPECT_EQ(errors.size(), 1U);
}

TEST_F(Reading, TwoWordsForTheTenantMustAgree) {
  const SameTenant same = [](const std::string& a, const std::string& b) {
    return a == "a" && b == "alias of a";
  };
  EXPECT_EQ(read(R"({"tenant_id":"a","client_id":"a"})").tenant({}, same), "a");
  EXPECT_EQ(read(R"({"tenant_id":"alias of a"})").tenant("a", same), "alias of a");
  EXPECT_TRUE(errors.empty());
  read(R"({"tenant_id":"a","org_id":"b"})").tenant({}, same);
  EXPECT_EQ(errors.size(), 1U);
}

}  // namespace
}  // namespace fanfare
