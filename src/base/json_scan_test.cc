#include "base/json_scan.h"

#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fanfare {
namespace {

using namespace std::string_view_literals;

std::string repeated(std::string_view part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

std::string object_with_keys(int count) {
  std::string text = "{";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i) + "\":0";
  return text + "}";
}

// The cases that parsers must take, named and shaped after JSONTestSuite (y_…).
constexpr std::string_view kAccepted[] = {
    R"([[]   ])",
    R"([""])",
    R"([])",
    R"(["a"])",
    R"([false])",
    R"([null, 1, "1", {}])",
    R"([null])",
    "[1\n]",
    R"( [1])",
    R"([1,null,null,null,2])",
    R"([2] )",
    R"([123e65])",
    R"([0e+1])",
    R"([0e1])",
    R"([ 4])",
    R"([-0.000000000000000000000000000000000000000000000000000000000000000000000000000001])",
    R"([20e1])",
    R"([-0])",
    R"([-123])",
    R"([-1])",
    R"([1E22])",
    R"([1E-2])",
    R"([1E+2])",
    R"([123e45])",
    R"([123.456e78])",
    R"([1e-2])",
    R"([1e+2])",
    R"([123])",
    R"([123.456789])",
    R"({"asd":"sdf", "dfg":"fgh"})",
    R"({"asd":"sdf"})",
    R"({})",
    R"({"":0})",
    R"({"foo\u0000bar": 42})",
    R"({ "min": -1.0e+28, "max": 1.0e+28 })",
    R"({"x":[{"id": "xxxxxxxxxxxxxxxxxxxxxxxx"}], "id": "xxxxxxxxxxxxxxxxxxxx"})",
    R"({"a":[]})",
    R"({"title":"\u041f\u043e" })",
    "{\n\"a\": \"b\"\n}",
    R"(["\u0060\u012a\u12AB"])",
    R"(["\uD801\udc37"])",
    R"(["\ud83d\ude39\ud83d\udc8d"])",
    R"(["\"\\\/\b\f\n\r\t"])",
    R"(["\\u0000"])",
    R"(["\""])",
    R"(["a/*b*/c/*d//e"])",
    R"(["\\a"])",
    R"(["\\n"])",
    R"(["\u0012"])",
    R"(["\uFFFF"])",
    R"([ "asd"])",
    "[\"\xF4\x8F\xBF\xBF\"]",
    "[\"\xEF\xBF\xBF\"]",
    R"(["\u0000"])",
    R"(["\u002c"])",
    "[\"π\"]",
    "[\"\xF0\x9B\xBF\xBF\"]",
    R"("asd ")",
    R"(["\u0821"])",
    R"(["\u0061\u30af\u30EA\u30b9"])",
    "[\"\x7F\"]",
    R"("")",
    "42",
    "-0.1",
    "null",
    "true",
    "false",
    "[\"a\"]\n",
    "[true]",
    " [] ",
    "\r\n\t {}\r\n\t ",
    R"({"a":{"a":{"a":1}},"b":{"a":1}})",
    R"([{"a":1},{"a":1}])",
    "0",
    "1e999",
    "-0e-0",
    "123456789012345678901234567890123456789012345678901234567890",
};

TEST(JsonScan, AcceptsWhatRfc8259Allows) {
  for (const std::string_view text : kAccepted) {
    const auto checked = check_json(text);
    EXPECT_TRUE(checked.has_value()) << text << ": " << checked.error().message;
  }
}

// The cases that parsers must refuse (n_…).
constexpr std::string_view kRefused[] = {
    "",
    " ",
    "[1 true]",
    "[a\xE5]",
    R"(["": 1])",
    R"([""],)",
    "[,1]",
    "[1,,2]",
    R"(["x",,])",
    R"(["x"]])",
    R"(["",])",
    R"(["x")",
    "[x",
    "[3[4]]",
    "[\xFF]",
    "[1:2]",
    "[,]",
    "[-]",
    "[   , \"\"]",
    "[\"a\",\n4\n,1,",
    "[1,]",
    "[1,,]",
    "[\"\va\"\\f]",
    "[*]",
    "[1,",
    "[1,\n1\n,1",
    "[{}",
    "[fals]",
    "[nul]",
    "[tru]",
    "123\0"sv,
    "[++1234]",
    "[+1]",
    "[+Inf]",
    "[-01]",
    "[-1.0.]",
    "[-2.]",
    "[-NaN]",
    "[.-1]",
    "[.2e-3]",
    "[0.1.2]",
    "[0.3e+]",
    "[0.3e]",
    "[0.e1]",
    "[0E+]",
    "[0E]",
    "[0e+]",
    "[0e]",
    "[1.0e+]",
    "[1.0e-]",
    "[1.0e]",
    "[1 000.0]",
    "[1eE2]",
    "[2.e+3]",
    "[2.e-3]",
    "[2.e3]",
    "[9.e+]",
    "[Inf]",
    "[NaN]",
    "[\xEF\xBC\x91]",
    "[1+2]",
    "[0x1]",
    "[0x42]",
    "[Infinity]",
    "[0e+-1]",
    "[-123.123foo]",
    "[123\xE5]",
    "[1e1\xE5]",
    "[0\xE5]",
    "[-Infinity]",
    "[-foo]",
    "[- 1]",
    "[-012]",
    "[-.123]",
    "[-1x]",
    "[1ea]",
    "[1.]",
    "[.123]",
    "[1.2a-3]",
    "[1.8011670033376514H-308]",
    "[012]",
    "00",
    R"(["x", truth])",
    R"({[: "x"})",
    R"({"x", null})",
    R"({"x"::"b"})",
    R"({"a":"a" 123})",
    R"({key: 'value'})",
    "{\"\xB9\":\"0\",}",
    R"({"a" b})",
    R"({:"b"})",
    R"({"a" "b"})",
    R"({"a":)",
    R"({"a")",
    R"({1:1})",
    R"({9999E9999:1})",
    R"({null:null,null:null})",
    R"({"id":0,,,,,})",
    R"({'a':0})",
    R"({"id":0,})",
    R"({"a":"b"}/**/)",
    R"({"a":"b"}/**//)",
    R"({"a":"b"}//)",
    R"({"a":"b"}/)",
    R"({"a":"b",,"c":"d"})",
    R"({a: "b"})",
    R"({"a":"a)",
    R"({ "foo" : "bar", "a" })",
    R"({"a":"b"}#)",
    R"(["\uD800\"])",
    R"(["\uD800\u"])",
    R"(["\uD800\u1"])",
    R"(["\uD800\u1x"])",
    "[\xC3\xA9]",
    R"(["\x00"])",
    "[\"\\\0\"]"sv,
    R"(["\\\"])",
    "[\"\\\t\"]",
    "[\"\\🌀\"]",
    R"(["\"])",
    R"(["\u00A"])",
    R"(["\uD834\uDd"])",
    R"(["\uD800\uD800\x"])",
    R"(["\a"])",
    R"(["\uqqqq"])",
    "[\"\\\xE5\"]",
    "[\"\\u\xE5\"]",
    "[\\u0020\"asd\"]",
    "[\\n]",
    "\"",
    "['single quote']",
    "abc",
    R"(["\)",
    "[\"a\0a\"]"sv,
    "[\"new\nline\"]",
    "[\"\t\"]",
    R"("\UA66D")",
    R"(""x)",
    "<.>",
    "[<null>]",
    "[1]x",
    "[1]]",
    "[\"asd]",
    "aå",
    "[True]",
    "1]",
    "{\"x\": true,",
    "[][]",
    "]",
    "\xEF\xBB\xBF{}",
    "\xEF\xBB\xBF",
    "\xE5",
    "[",
    "{",
    "{]",
    "[}",
    "\0"sv,
    R"({"":)",
    R"({,)",
    R"({"a":/*comment*/"b"})",
    R"({"a": true} "x")",
    R"(['])",
    R"(["a)",
    R"(["a")",
    R"({"a":1]})",
    "{\xE2\x81\xA0}",
    "[\xE2\x81\xA0]",
    "[\x0C]",
    "\x0B[]",
    "*",
    "nul",
    "truee",
    "-",
    "1.",
    "1e",
    "--1",
    "[1]\0"sv,
    "\"\\u12G4\"",
    "\"\x1F\"",
    "[true,false,]",
    "tRue",
    // Accepted or refused at will by JSONTestSuite (i_…): lone surrogates and invalid UTF-8,
    // which we refuse.
    R"(["\uD888\u1234"])",
    R"(["\uDADA"])",
    R"(["\uD800"])",
    R"(["\uDd1e\uD834"])",
    R"(["\uDFAA"])",
    R"(["\ud800abc"])",
    R"(["\uD800\n"])",
    R"(["\uD800\uD800"])",
    "[\"\xFF\"]",
    "[\"\xED\xA0\x80\"]",
    "[\"\x81\"]",
    "[\"\xF4\xBF\xBF\xBF\"]",
    "[\"\xC0\xAF\"]",
    "[\"\xE6\x97\xA5\xD1\x88\xFA\"]",
    "[\"\xFC\x83\xBF\xBF\xBF\xBF\"]",
    "[\"\xE0\xFF\"]",
    "\"\xC3",
    "\"12345678\x80\"",
};

TEST(JsonScan, RefusesWhatRfc8259DoesNotAllow) {
  for (const std::string_view text : kRefused) {
    const auto checked = check_json(text);
    ASSERT_FALSE(checked.has_value()) << text;
    EXPECT_EQ(checked.error().code, Errc::invalid) << text;
  }
}

struct Complaint {
  std::string text;
  std::string message;
};

TEST(JsonScan, SaysWhereAndWhatWasExpected) {
  const Complaint complaints[] = {
      {"", "byte 0: expected '{', the start of an object"},
      {"[1]", "byte 0: expected '{', the start of an object"},
      {R"({"a" 1})", "byte 5: expected ':' after a key"},
      {R"({"a":1 "b":2})", "byte 7: expected ',' or '}' after a member"},
      {R"({"a":[1 2]})", "byte 8: expected ',' or ']' after an element"},
      {R"({"a":1,})", "byte 7: expected '\"', the start of a key"},
      {R"({"a":})", "byte 5: expected a value"},
      {R"({"a":nope})", "byte 5: expected a value"},
      {R"({"a":1}x)", "byte 7: expected nothing after the end of the value"},
      {R"({"a":"b)", "byte 7: expected '\"', the end of a string"},
      {R"({"a":"\q"})", "byte 7: expected one of \" \\ / b f n r t u after a backslash"},
      {R"({"a":"\u12"})", "byte 10: expected four hex digits after \\u"},
      {R"({"a":"\ud800"})", "byte 8: expected a surrogate escape only as part of a pair"},
      {"{\"a\":\"\n\"}", "byte 6: expected control characters in strings to be escaped"},
      {"{\"a\":\"\xFF\"}", "byte 6: expected valid UTF-8"},
      {R"({"a":-})", "byte 6: expected a digit after '-'"},
      {R"({"a":1.})", "byte 7: expected a digit after '.'"},
      {R"({"a":1e})", "byte 7: expected a digit in the exponent"},
      {R"({"a":1,"b":2,"a":3})", "byte 13: expected a key that this object does not have yet"},
      {"{\"a\":" + repeated("[", 64), "byte 68: expected at most 64 levels of nesting"},
      {object_with_keys(1001), "expected at most 1000 keys in one object"},
  };
  for (const Complaint& complaint : complaints) {
    const auto members = scan_json_object(complaint.text);

    ASSERT_FALSE(members.has_value()) << complaint.text;
    EXPECT_EQ(members.error().code, Errc::invalid);
    EXPECT_NE(members.error().message.find(complaint.message), std::string::npos)
        << complaint.text << "\n"
        << members.error().message;
  }
}

TEST(JsonScan, GivesTheExactBytesOfEachMember) {
  const std::string_view text =
      " { \"event_type\" : \"invoice.paid\" ,\n\t\"data\": {\"a\" : [1, 2 ,{\"b\":\"}\"}] }  "
      ",\"n\":-1.50e3\r\n,\"t\":true , "
      "\"z\":null,\"s\":\"\",\"e\\u0041\":[ ] } ";

  const auto members = scan_json_object(text);

  ASSERT_TRUE(members.has_value()) << members.error().message;
  const std::pair<std::string_view, std::string_view> expected[] = {
      {"event_type", "\"invoice.paid\""},
      {"data", "{\"a\" : [1, 2 ,{\"b\":\"}\"}] }"},
      {"n", "-1.50e3"},
      {"t", "true"},
      {"z", "null"},
      {"s", "\"\""},
      {"e\\u0041", "[ ]"}};
  ASSERT_EQ(members->size(), std::size(expected));
  for (std::size_t i = 0; i < members->size(); ++i) {
    EXPECT_EQ((*members)[i].key, expected[i].first);
    EXPECT_EQ((*members)[i].value, expected[i].second);
  }
}

TEST(JsonScan, ViewsPointIntoTheText) {
  const std::string text = R"({"data":{"x":1}})";

  const auto members = scan_json_object(text);

  ASSERT_TRUE(members.has_value());
  EXPECT_EQ((*members)[0].value.data(), text.data() + 8);
}

TEST(JsonScan, AnEmptyObjectHasNoMembers) {
  EXPECT_TRUE(scan_json_object("{}")->empty());
  EXPECT_TRUE(scan_json_object(" {\n} ")->empty());
}

TEST(JsonScan, RefusesEveryValueButAnObjectAtTheTop) {
  for (const char* text : {"[]", "1", "\"a\"", "null", "true", "[{}]"}) {
    EXPECT_FALSE(scan_json_object(text).has_value()) << text;
    EXPECT_TRUE(check_json(text).has_value()) << text;
  }
}

TEST(JsonScan, RefusesDuplicateKeysAtAnyDepth) {
  for (const char* text : {
           R"({"a":1,"a":2})",
           R"({"a":1,"b":2,"c":3,"a":{}})",
           R"({"x":{"a":1,"a":1}})",
           R"({"x":[[{"y":{"a":1,"b":1,"a":1}}]]})",
           R"({"":1,"":2})",
           R"({"a":1,"\u0061":2})",
           R"({"\u0061":1,"a":2})",
           R"({"\u0061":1,"\u0061":2})",
           R"({"\ud83d\ude00":1,"😀":2})",
           R"({"a\/b":1,"a/b":2})",
           R"({"é":1,"\u00E9":2})",
           R"({"a":{"a":1},"a":2})",
           R"([1,{"k":[],"k":[]}])",
       }) {
    EXPECT_FALSE(check_json(text).has_value()) << text;
  }
}

TEST(JsonScan, DistinctKeysMayLookAlike) {
  for (const char* text :
       {R"({"a":1,"A":2})", R"({"a":1,"\\u0061":2})", R"({"a":1,"a ":2})", R"({"a":1,"\u0000a":2})",
        R"({"a":{"b":1},"b":{"a":1}})", "{\"é\":1,\"e\xCC\x81\":2}", R"({"":1," ":2})"}) {
    const auto checked = check_json(text);
    EXPECT_TRUE(checked.has_value()) << text << checked.error().message;
  }
}

TEST(JsonScan, FindsADuplicateAmongManyKeysWhereverItIs) {
  for (const int count : {2, 15, 16, 17, 18, 100, 999}) {
    const std::string distinct = object_with_keys(count);
    ASSERT_TRUE(check_json(distinct).has_value()) << count;
    for (const int again : {0, count / 2, count - 1}) {
      const std::string text =
          distinct.substr(0, distinct.size() - 1) + ",\"k" + std::to_string(again) + "\":1}";

      const auto checked = check_json(text);

      ASSERT_FALSE(checked.has_value()) << count << " " << again;
      EXPECT_NE(checked.error().message.find("byte " + std::to_string(distinct.size()) + ":"),
                std::string::npos)
          << checked.error().message;
    }
  }
}

TEST(JsonScan, TakesAThousandKeysAndNoMore) {
  EXPECT_TRUE(check_json(object_with_keys(1000)).has_value());
  EXPECT_FALSE(check_json(object_with_keys(1001)).has_value());
}

TEST(JsonScan, CountsKeysForEachObjectAlone) {
  const std::string full = object_with_keys(1000);

  EXPECT_TRUE(check_json("[" + full + "," + full + "]").has_value());
  EXPECT_TRUE(check_json("{\"a\":" + full + ",\"b\":" + full + "}").has_value());
}

TEST(JsonScan, TakesSixtyFourLevelsAndNoMore) {
  EXPECT_TRUE(check_json(repeated("[", 64) + repeated("]", 64)).has_value());
  EXPECT_FALSE(check_json(repeated("[", 65) + repeated("]", 65)).has_value());
  EXPECT_TRUE(check_json(repeated("{\"a\":", 64) + "1" + repeated("}", 64)).has_value());
  EXPECT_FALSE(check_json(repeated("{\"a\":", 65) + "1" + repeated("}", 65)).has_value());
  EXPECT_TRUE(check_json("[" + repeated("[],", 1000) + "[]]").has_value())
      << "siblings are not depth";
}

TEST(JsonScan, EndsAtOnceOnAMillionOpenBrackets) {
  EXPECT_FALSE(check_json(repeated("[", 1'000'000)).has_value());
  EXPECT_FALSE(check_json(repeated("{\"a\":[", 500'000)).has_value());
}

TEST(JsonScan, RefusesEveryPrefixOfAGoodObject) {
  const std::string good = R"({"a":[1,-2.5e+3,true,{"b":"\u0041\ud83d\ude00é"}],"c":null,"d":{}})";
  ASSERT_TRUE(scan_json_object(good).has_value());
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(scan_json_object(std::string_view(good).substr(0, length)).has_value()) << length;
  }
}

TEST(JsonScan, FindsASpecialByteAtEveryPlaceOfAString) {
  for (std::size_t at = 0; at < 40; ++at) {
    for (const char bad : {'\n', '\0', '\x1F', '\x80', '\xFF', '\\'}) {
      std::string text = "\"" + std::string(40, 'x') + "\"";
      text[1 + at] = bad;
      EXPECT_FALSE(check_json(text).has_value()) << at << " " << static_cast<int>(bad);
    }
    std::string closed = "[\"" + std::string(40, 'x') + "\"]";
    closed[2 + at] = '"';
    EXPECT_FALSE(check_json(closed).has_value()) << at;
  }
}

TEST(JsonScan, NeverReadsPastTheEndOfAnyMutation) {
  SeededRandom random(1);
  const std::string good =
      R"({"event_type":"a.b","data":{"k":[1,2.5,"\u0041\ud83d\ude00"],"é":{}},"n":-1e5})";
  for (int i = 0; i < 50'000; ++i) {
    std::string text = good;
    for (int change = 0; change < 3; ++change) {
      text[static_cast<std::size_t>(random.uniform01() * static_cast<double>(text.size()))] =
          "{}[]\",:\\u0dD9e.-tn \n\xC3\xFF"[static_cast<std::size_t>(random.uniform01() * 22)];
    }
    text.resize(
        static_cast<std::size_t>(random.uniform01() * static_cast<double>(text.size() + 1)));
    text.shrink_to_fit();

    const auto members = scan_json_object(text);

    if (!members) continue;
    for (const JsonMember& member : *members) ASSERT_TRUE(check_json(member.value)) << text;
  }
}

TEST(JsonScan, ComparesLongKeysThatDifferOnlyAtTheEnd) {
  std::string object = "{";
  for (int i = 0; i < 1000; ++i) {
    object +=
        (i == 0 ? "\"" : ",\"") + std::string(200, 'a') + "\\u0061" + std::to_string(i) + "\":0";
  }
  object += "}";
  const std::string text = "[" + object + repeated("," + object, 3) + "]";

  const auto checked = check_json(text);

  ASSERT_TRUE(checked.has_value()) << checked.error().message;
}

}  // namespace
}  // namespace fanfare
