#include "telemetry/log.h"

#include <limits>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "base/json_scan.h"
#include "telemetry/attempt_line.h"
#include "telemetry/log_text.h"

namespace fanfare {
namespace {

using testing::HasSubstr;
using testing::Not;

const Timestamp kNoon = timestamp_of_ms(1'772'366'400'000);  // 2026-03-01T12:00:00Z

std::string json_with(std::string_view value) {
  return json_line({kNoon, LogLevel::info, "m", {{"k", value}}});
}
std::string pretty_with(std::string_view value) {
  return pretty_line({kNoon, LogLevel::info, "m", {{"k", value}}});
}

TEST(JsonLine, IsOneObjectWithTimeLevelMessageAndFields) {
  EXPECT_EQ(json_line({kNoon, LogLevel::warning, "disk is low", {{"free", 7}, {"ok", false}}}),
            R"({"ts":"2026-03-01T12:00:00.000Z","level":"warning","msg":"disk is low",)"
            R"("free":7,"ok":false})");
}

TEST(PrettyLine, PutsFieldsBehindTheMessage) {
  EXPECT_EQ(pretty_line({kNoon, LogLevel::info, "started", {{"port", 80}, {"host", "a.b"}}}),
            "2026-03-01T12:00:00.000Z INFO    started  port=80 host=a.b");
}

TEST(PrettyLine, WithoutFieldsEndsWithTheMessage) {
  EXPECT_EQ(pretty_line({kNoon, LogLevel::error, "stopped", {}}),
            "2026-03-01T12:00:00.000Z ERROR   stopped");
}

TEST(JsonLine, EscapesWhatWouldEndAStringOrALine) {
  EXPECT_THAT(json_with("a\"b\\c\nd\re\tf"), HasSubstr(R"("k":"a\"b\\c\nd\u000de\u0009f"})"));
}

TEST(JsonLine, EscapesTheMessageAndFieldNamesToo) {
  EXPECT_THAT(json_line({kNoon, LogLevel::info, "a\"b", {{"c\"d", 1}}}),
              HasSubstr(R"("msg":"a\"b","c\"d":1})"));
}

TEST(JsonLine, BytesThatAreNotUtf8BecomeTheReplacementCharacter) {
  EXPECT_THAT(json_with("a\xff\xc3(\xed\xa0\x80z"),
              HasSubstr("\"a\xef\xbf\xbd\xef\xbf\xbd(\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\""));
}

TEST(JsonLine, ATruncatedSequenceAtTheEndIsReplaced) {
  EXPECT_THAT(json_with("a\xe2\x82"), HasSubstr("\"a\xef\xbf\xbd\xef\xbf\xbd\""));
}

TEST(JsonLine, KeepsTextOfOtherScripts) {
  EXPECT_THAT(json_with("grüße 雪 🎺"), HasSubstr("\"grüße 雪 🎺\""));
}

TEST(JsonLine, WritesTheExtremesOfNumbers) {
  EXPECT_THAT(json_line({kNoon,
                         LogLevel::info,
                         "m",
                         {{"min", std::numeric_limits<std::int64_t>::min()}, {"c", 'a'}}}),
              HasSubstr(R"("min":-9223372036854775808,"c":97})"));
}

TEST(JsonLine, EveryByteStringGivesStrictJsonOnOneLine) {
  for (int first = 0; first < 256; ++first)
    for (int second : {0x00, 0x22, 0x5c, 0x80, 0xbf, 0xff}) {
      const char pair[] = {static_cast<char>(first), static_cast<char>(second)};
      const std::string line = json_with(std::string_view(pair, 2));
      ASSERT_TRUE(check_json(line)) << line;
      ASSERT_EQ(line.find('\n'), std::string::npos);
    }
}

TEST(PrettyLine, AValueCannotForgeALineAFieldOrATerminalSequence) {
  const std::string line = pretty_with(
      "x\n2026 INFO fine status=200 \x1b[2J\xc2\x9b"
      "31m\x7f");

  EXPECT_THAT(line, HasSubstr(R"(k="x\n2026 INFO fine status=200 \u001b[2J\u009b31m\u007f")"));
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
}

TEST(PrettyLine, TextThatTurnsReadingDirectionIsSpelledOut) {
  EXPECT_THAT(pretty_with("a\xe2\x80\xae"
                          "b\xe2\x80\xa8"
                          "c\xe2\x81\xa6"),
              HasSubstr(R"("a\u202eb\u2028c\u2066")"));
}

TEST(PrettyLine, AValueWithASpaceQuoteOrEqualsSignIsQuoted) {
  for (const char* value : {"a b", "a=b", "a\"b", "", "a'b"})
    EXPECT_THAT(pretty_with(value), HasSubstr("k=\"")) << value;
}

TEST(LogText, ALongValueIsCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "ä";

  const std::string line = json_with(text);

  EXPECT_LT(line.size(), 1200U);
  EXPECT_THAT(line, HasSubstr("ää…\"}"));
  EXPECT_TRUE(is_valid_utf8(line));
}

class LogTest : public testing::Test {
 protected:
  SimClock clock_{kNoon};
  std::ostringstream out_;
};

TEST_F(LogTest, WritesOneLineForEachCall) {
  Log log({LogLevel::info, LogFormat::json}, clock_, out_);

  log.write(LogLevel::info, "one");
  clock_.advance(Millis{5});
  log.write(LogLevel::error, "two", {{"n", 2}});

  EXPECT_EQ(out_.str(),
            "{\"ts\":\"2026-03-01T12:00:00.000Z\",\"level\":\"info\",\"msg\":\"one\"}\n"
            "{\"ts\":\"2026-03-01T12:00:00.005Z\",\"level\":\"error\",\"msg\":\"two\",\"n\":2}\n");
}

TEST_F(LogTest, ABraceInTheTextIsNotAFormat) {
  Log log({LogLevel::info, LogFormat::pretty}, clock_, out_);

  log.write(LogLevel::info, "{} {0} %v %n", {{"k", "{:>999999999}"}});

  EXPECT_THAT(out_.str(), HasSubstr("{} {0} %v %n  k=\"{:>999999999}\"\n"));
}

TEST_F(LogTest, LessImportantLinesThanTheLevelAreLeftOut) {
  Log log({LogLevel::warning, LogFormat::pretty}, clock_, out_);

  log.write(LogLevel::debug, "a");
  log.write(LogLevel::info, "b");

  EXPECT_EQ(out_.str(), "");
  EXPECT_FALSE(log.is_on(LogLevel::info));
  EXPECT_TRUE(log.is_on(LogLevel::warning));
}

TEST_F(LogTest, OffWritesNothingAtAll) {
  Log log({LogLevel::off, LogFormat::pretty}, clock_, out_);

  log.write(LogLevel::error, "a");
  log.write(LogLevel::off, "b");

  EXPECT_EQ(out_.str(), "");
}

TEST_F(LogTest, ASecretPrintsAsStars) {
  Log log({LogLevel::info, LogFormat::json}, clock_, out_);

  log.write(LogLevel::info, "key", {{"key", Secret("hunter2")}});

  EXPECT_THAT(out_.str(), HasSubstr(R"("key":"***")"));
  EXPECT_THAT(out_.str(), Not(HasSubstr("hunter2")));
}

TEST_F(LogTest, LinesOfSeveralThreadsDoNotMix) {
  Log log({LogLevel::info, LogFormat::pretty}, clock_, out_);

  {
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
      threads.emplace_back([&] {
        for (int i = 0; i < 100; ++i) log.write(LogLevel::info, "line", {{"k", "v"}});
      });
  }

  std::istringstream lines(out_.str());
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count)
    ASSERT_EQ(line, "2026-03-01T12:00:00.000Z INFO    line  k=v");
  EXPECT_EQ(count, 400);
}

TEST(LogNames, AreThoseOfTheConfiguration) {
  EXPECT_EQ(log_level_named("debug"), LogLevel::debug);
  EXPECT_EQ(log_level_named("warning"), LogLevel::warning);
  EXPECT_EQ(log_level_named("off"), LogLevel::off);
  EXPECT_EQ(log_level_named("Debug"), std::nullopt);
  EXPECT_EQ(log_level_named(""), std::nullopt);
  EXPECT_EQ(log_format_named("json"), LogFormat::json);
  EXPECT_EQ(log_format_named("pretty"), LogFormat::pretty);
  EXPECT_EQ(log_format_named("xml"), std::nullopt);
}

TEST_F(LogTest, AFailedAttemptIsOneInfoLineWithEveryField) {
  Log log({LogLevel::info, LogFormat::json}, clock_, out_);

  log_attempt(log, {.tenant = "tnt_1",
                    .webhook = "wh_1",
                    .event = "evt_1",
                    .delivery = "dlv_1",
                    .event_type = "a.b",
                    .host = "example.com",
                    .peer = "203.0.113.9:443",
                    .run = 2,
                    .number = 3,
                    .status = 500,
                    .error_kind = "http_status",
                    .error = "answered 500",
                    .decision = "retry",
                    .retry_at = "2026-03-01T12:05:00.000Z",
                    .duration_ms = 12});

  EXPECT_EQ(out_.str(), R"({"ts":"2026-03-01T12:00:00.000Z","level":"info","msg":"attempt failed",)"
                        R"("tenant":"tnt_1","webhook":"wh_1","event":"evt_1","delivery":"dlv_1",)"
                        R"("event_type":"a.b","run":2,"attempt":3,"host":"example.com",)"
                        R"("peer":"203.0.113.9:443","status":500,"duration_ms":12,)"
                        R"("error_kind":"http_status","error":"answered 500","decision":"retry",)"
                        R"("retry_at":"2026-03-01T12:05:00.000Z"})"
                        "\n");
}

TEST_F(LogTest, ASuccessfulAttemptIsSilentUnlessDebugging) {
  Log quiet({LogLevel::info, LogFormat::json}, clock_, out_);
  log_attempt(quiet, {.delivery = "dlv_1", .is_success = true, .status = 200});
  EXPECT_EQ(out_.str(), "");

  Log loud({LogLevel::debug, LogFormat::json}, clock_, out_);
  log_attempt(loud, {.delivery = "dlv_1", .is_success = true, .status = 200});
  EXPECT_THAT(out_.str(), HasSubstr(R"("level":"debug","msg":"attempt succeeded")"));
}

}  // namespace
}  // namespace fanfare
