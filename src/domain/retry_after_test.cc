#include <gtest/gtest.h>

#include "base/random.h"
#include "domain/retry_policy.h"

namespace fanfare {
namespace {

using namespace std::chrono_literals;

// 1994-11-06T08:49:37Z, the date of RFC 9110's examples, less one hour.
constexpr Timestamp kNow{Millis{784'111'777'000 - 3'600'000}};

TEST(RetryAfter, ReadsSecondsAndAllThreeFormsOfADate) {
  const std::pair<const char*, Millis> readings[] = {
      {"0", 0s},
      {"1", 1s},
      {"120", 120s},
      {"0120", 120s},
      {" \t120 ", 120s},
      {"86400", 24h},
      {"Sun, 06 Nov 1994 08:49:37 GMT", 1h},
      {"Sunday, 06-Nov-94 08:49:37 GMT", 1h},
      {"Sun Nov  6 08:49:37 1994", 1h},
      {" Sun, 06 Nov 1994 08:49:37 GMT\t", 1h},
      {"Wed Nov 16 07:49:37 1994", 240h},
      {"Sun, 06 Nov 1994 07:49:38 GMT", 1s},
      {"Tue, 29 Feb 2000 00:00:00 GMT", Millis{951'782'400'000} - kNow.time_since_epoch()},
      {"Sun, 06 Nov 1994 08:59:60 GMT", 70min + 23s},
  };
  for (const auto& [value, wait] : readings) {
    const auto read = parse_retry_after(value, kNow);
    ASSERT_TRUE(read.has_value()) << value;
    EXPECT_EQ(*read, wait) << value;
  }
}

TEST(RetryAfter, IgnoresGarbageNegativesAndThePast) {
  const char* ignored[] = {
      "",
      " ",
      "-1",
      "+1",
      "1.5",
      "1e3",
      "0x10",
      "10s",
      "10 s",
      "soon",
      "120, 120",
      "12 0",
      "1_000",
      "١٢",
      "Sun, 06 Nov 1994 07:49:37 GMT",  // now
      "Sun, 06 Nov 1994 07:49:36 GMT",
      "Mon, 01 Jan 1900 00:00:00 GMT",
      "Sun, 06 Nov 1994 08:49:37",
      "Sun, 06 Nov 1994 08:49:37 UTC",
      "Sun, 06 Nov 1994 08:49:37 +0000",
      "Sun, 06 Nov 1994 08:49:37 GMT.",
      "sun, 06 nov 1994 08:49:37 gmt",
      "Sun 06 Nov 1994 08:49:37 GMT",
      "Sun,06 Nov 1994 08:49:37 GMT",
      "Sun, 6 Nov 1994 08:49:37 GMT",
      "Sun, 31 Nov 1994 08:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Tue, 29 Feb 1995 00:00:00 GMT",
      "Sun, 06 Foo 1994 08:49:37 GMT",
      "Foo, 06 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:00:00 GMT",
      "Sun, 06 Nov 1994 08:60:00 GMT",
      "Sun, 06 Nov 1994 08:49:61 GMT",
      "Sun, 06 Nov 1994 8:49:37 GMT",
      "Sun, 06 Nov 94 08:49:37 GMT",
      "Sunday, 06-Nov-1994 08:49:37 GMT",
      "Sun, 06-Nov-94 08:49:37 GMT",
      "Sun Nov 6 08:49:37 1994",
      "Sun Nov  6 08:49:37 1994 GMT",
      "Sun Nov  6 08:49:37 19944",
      "1994-11-06T08:49:37Z",
      "784111777000 GMT",
  };
  for (const char* value : ignored)
    EXPECT_FALSE(parse_retry_after(value, kNow).has_value()) << value;
}

TEST(RetryAfter, AHundredDigitsAreALongWaitAndNoOverflow) {
  const auto read = parse_retry_after(std::string(100, '9'), kNow);

  ASSERT_TRUE(read.has_value());
  EXPECT_GT(*read, limits::kRetryAfterMax);
}

TEST(RetryAfter, ReadsATwoDigitYearAsTheNearestOne) {
  const auto at = [](int year) {
    return Timestamp{std::chrono::sys_days{std::chrono::year{year} / std::chrono::March / 1}};
  };
  EXPECT_EQ(parse_retry_after("Sunday, 01-Mar-27 00:00:00 GMT", at(2026)), at(2027) - at(2026));
  EXPECT_EQ(parse_retry_after("Sunday, 01-Mar-76 00:00:00 GMT", at(2026)), at(2076) - at(2026));
  EXPECT_EQ(parse_retry_after("Sunday, 01-Mar-77 00:00:00 GMT", at(2026)), std::nullopt) << "1977";
  EXPECT_EQ(parse_retry_after("Sunday, 01-Mar-02 00:00:00 GMT", at(2099)), at(2102) - at(2099));
  EXPECT_EQ(parse_retry_after("Sunday, 01-Mar-94 00:00:00 GMT", at(2026)), std::nullopt);
}

TEST(RetryAfter, SurvivesEveryMutationOfADate) {
  SeededRandom random(1);
  const std::string forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                               "Sun Nov  6 08:49:37 1994", "3600"};
  for (int i = 0; i < 50'000; ++i) {
    std::string value = forms[i % 4];
    value[static_cast<std::size_t>(random.uniform01() * static_cast<double>(value.size()))] =
        static_cast<char>(random.uniform01() * 256);
    value.resize(
        static_cast<std::size_t>(random.uniform01() * static_cast<double>(value.size() + 1)));

    const auto wait = parse_retry_after(value, kNow);

    ASSERT_GE(wait.value_or(0ms), 0ms) << value;
  }
}

}  // namespace
}  // namespace fanfare
