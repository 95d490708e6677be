#include "base/time.h"

#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/random.h"

namespace fanfare {
namespace {

struct Reading {
  const char* text;
  std::int64_t ms;
};

TEST(Rfc3339, ReadsEveryPermittedForm) {
  const Reading readings[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1970-01-01T00:00:00.001Z", 1},
      {"1970-01-01t00:00:00z", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2026-03-01T12:00:00.000Z", 1'772'366'400'000},
      {"2026-03-01T13:30:00+01:30", 1'772'366'400'000},
      {"2026-03-01T00:30:00.5-11:30", 1'772'366'400'500},
      {"2026-03-01T12:00:00-00:00", 1'772'366'400'000},
      {"1970-01-01T00:00:00.1Z", 100},
      {"1970-01-01T00:00:00.12Z", 120},
      {"1970-01-01T00:00:00.999999999Z", 999},
      {"2000-02-29T00:00:00Z", 951'782'400'000},
      {"0000-01-01T00:00:00Z", -62'167'219'200'000},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
  };
  for (const Reading& reading : readings) {
    const auto t = parse_rfc3339(reading.text);

    ASSERT_TRUE(t.has_value()) << reading.text;
    EXPECT_EQ(ms_of(*t), reading.ms) << reading.text;
  }
}

TEST(Rfc3339, RefusesEverythingElse) {
  const char* refused[] = {
      "",
      "2026",
      "2026-03-01",
      "2026-03-01T12:00:00",
      "2026-03-01 12:00:00Z",
      "2026-03-01T12:00Z",
      "2026-02-29T00:00:00Z",
      "1900-02-29T00:00:00Z",
      "2026-13-01T00:00:00Z",
      "2026-00-01T00:00:00Z",
      "2026-01-00T00:00:00Z",
      "2026-04-31T00:00:00Z",
      "2026-03-01T24:00:00Z",
      "2026-03-01T12:60:00Z",
      "2026-03-01T12:00:60Z",
      "2026-03-01T12:00:00.Z",
      "2026-03-01T12:00:00.1234567890Z",
      "2026-03-01T12:00:00,5Z",
      "2026-03-01T12:00:00+24:00",
      "2026-03-01T12:00:00+01:60",
      "2026-03-01T12:00:00+0100",
      "2026-03-01T12:00:00+01",
      "2026-03-01T12:00:00Z ",
      " 2026-03-01T12:00:00Z",
      "+2026-03-01T12:00:00Z",
      "02026-03-01T12:00:00Z",
      "2026-3-01T12:00:00Z",
      "2026-03-01T12:00:00ZZ",
      "2026-03-01T-1:00:00Z",
      "0000-01-01T00:00:00+00:01",
      "9999-12-31T23:59:59-00:01",
      "٢٠٢٦-03-01T12:00:00Z",
  };
  for (const char* text : refused) {
    const auto t = parse_rfc3339(text);

    ASSERT_FALSE(t.has_value()) << text;
    EXPECT_EQ(t.error().code, Errc::invalid) << text;
  }
}

TEST(Rfc3339, RefusesEveryPrefixOfAGoodText) {
  const std::string good = "2026-03-01T12:00:00.123+01:00";
  for (std::size_t length = 0; length < good.size(); ++length) {
    EXPECT_FALSE(parse_rfc3339(good.substr(0, length))) << length;
  }
}

TEST(Rfc3339, WritesMillisecondsAndZ) {
  EXPECT_EQ(format_rfc3339(timestamp_of_ms(1'772'366'400'000)), "2026-03-01T12:00:00.000Z");
  EXPECT_EQ(format_rfc3339(timestamp_of_ms(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(timestamp_of_ms(951'868'799'007)), "2000-02-29T23:59:59.007Z");
}

TEST(Rfc3339, WritesTheNearestYearThatHasAText) {
  EXPECT_EQ(format_rfc3339(Timestamp::max()), "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(format_rfc3339(Timestamp::min()), "0000-01-01T00:00:00.000Z");
}

TEST(Rfc3339, ReadsBackWhatItWrites) {
  SeededRandom random(1);
  for (int i = 0; i < 20'000; ++i) {
    const auto ms = static_cast<std::int64_t>(random.uniform01() * 315e12) - 62'000'000'000'000;

    const auto back = parse_rfc3339(format_rfc3339(timestamp_of_ms(ms)));

    ASSERT_TRUE(back.has_value()) << ms;
    ASSERT_EQ(ms_of(*back), ms);
  }
}

TEST(SimClock, MovesOnlyWhenTold) {
  SimClock clock(timestamp_of_ms(1000));
  const SteadyTime start = clock.steady_now();

  clock.advance(Millis{250});

  EXPECT_EQ(ms_of(clock.wall_now()), 1250);
  EXPECT_EQ(clock.steady_now() - start, Millis{250});
}

TEST(SimClock, WallTimeMayGoBackWhileSteadyTimeStays) {
  SimClock clock(timestamp_of_ms(1000));
  const SteadyTime start = clock.steady_now();

  clock.jump_wall(Millis{-400});

  EXPECT_EQ(ms_of(clock.wall_now()), 600);
  EXPECT_EQ(clock.steady_now(), start);
}

TEST(SystemClock, SteadyTimeNeverGoesBack) {
  const SystemClock clock;
  SteadyTime last = clock.steady_now();
  for (int i = 0; i < 1000; ++i) {
    const SteadyTime now = clock.steady_now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClock, WallTimeIsAfterThisWasWritten) {
  EXPECT_GT(ms_of(SystemClock{}.wall_now()), 1'735'689'600'000);
}

}  // namespace
}  // namespace fanfare
