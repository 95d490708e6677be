#include <gtest/gtest.h>

#include "base/random.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

TEST(Duration, ReadsEveryUnit) {
  const std::pair<const char*, Millis> readings[] = {
      {"5s", 5s},
      {"30m", 30min},
      {"2h", 2h},
      {"14d", 24h * 14},
      {"250ms", 250ms},
      {"1h30m", 90min},
      {"1d2h3m4s5ms", 26h + 3min + 4s + 5ms},
      {"0s", 0s},
      {"90m", 90min},
      {"1m1ms", 60'001ms},
      {"007s", 7s},
      {"36525d", 24h * 36525},
  };
  for (const auto& [text, duration] : readings) {
    const auto read = parse_duration(text);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(*read, duration) << text;
  }
}

TEST(Duration, RefusesEverythingElse) {
  for (const char* text : {"",
                           "5",
                           "s",
                           "ms",
                           "5 s",
                           " 5s",
                           "5s ",
                           "-5s",
                           "+5s",
                           "1.5h",
                           "5S",
                           "5sec",
                           "5w",
                           "5y",
                           "30m1h",
                           "5s5s",
                           "1ms1s",
                           "5mm",
                           "5sm",
                           "1h30",
                           "h30m",
                           "36526d",
                           "36525d1ms",
                           "9999999999d",
                           "12345678901s",
                           "99999999999999999999999s",
                           "5µs",
                           "5us",
                           "1e3s",
                           "0x5s",
                           "5s,",
                           "1h-30m",
                           "infinity"}) {
    const auto read = parse_duration(text);
    ASSERT_FALSE(read.has_value()) << text;
    EXPECT_EQ(read.error().code, Errc::invalid);
  }
}

TEST(Duration, ShowsOnlyTheBeginningOfARefusedText) {
  EXPECT_LT(parse_duration(std::string(100'000, 'x')).error().message.size(), 200U);
}

TEST(Duration, WritesTheShortestText) {
  const std::pair<Millis, const char*> texts[] = {
      {5s, "5s"},         {30min, "30m"},        {90min, "90m"},    {2h, "2h"},
      {24h, "1d"},        {36h, "36h"},          {24h * 14, "14d"}, {250ms, "250ms"},
      {1500ms, "1500ms"}, {60s, "1m"},           {90s, "90s"},      {3'600'001ms, "1h1ms"},
      {0s, "0s"},         {26h + 3min, "1563m"}, {1ms, "1ms"},      {61min + 1s, "3661s"},
  };
  for (const auto& [duration, text] : texts) EXPECT_EQ(format_duration(duration), text);
}

TEST(Duration, ReadsBackWhatItWrites) {
  SeededRandom random(1);
  for (int i = 0; i < 5000; ++i) {
    const auto magnitude = static_cast<std::int64_t>(1) << (i % 40);
    const Millis duration{
        static_cast<std::int64_t>(random.uniform01() * static_cast<double>(magnitude))};

    const auto back = parse_duration(format_duration(duration));

    ASSERT_TRUE(back.has_value()) << format_duration(duration);
    ASSERT_EQ(*back, duration);
  }
}

}  // namespace
}  // namespace fanfare
