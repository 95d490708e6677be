#include "base/uuid.h"

#include <algorithm>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

struct ThingTag {
  static constexpr std::string_view kPrefix = "thing";
};
using ThingId = Id<ThingTag>;

constexpr Timestamp kNow{Millis{1'772'366'400'000}};

Uuid filled(std::uint8_t byte) {
  Uuid id;
  id.bytes.fill(byte);
  return id;
}

Uuid random_uuid(Random& random) {
  Uuid id;
  random.fill(id.bytes);
  return id;
}

// The greatest UUIDv7 of a millisecond: its counter is used up.
Uuid uuid7_ceiling(Timestamp t) {
  Uuid id = uuid7_floor(t);
  id.bytes[6] |= 0x0F;
  id.bytes[7] = 0xFF;
  id.bytes[8] |= 0x3F;
  for (std::size_t i = 9; i < 16; ++i) id.bytes[i] = 0xFF;
  return id;
}

TEST(Crockford, WritesTheEndsOfTheRange) {
  EXPECT_EQ(format_crockford(Uuid{}), "00000000000000000000000000");
  EXPECT_EQ(format_crockford(filled(0xFF)), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
}

TEST(Crockford, WritesAKnownValue) {
  const Uuid id{{0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x00, 0x7a, 0xbc, 0x8d, 0xef, 0x01, 0x23, 0x45, 0x67,
                 0x89, 0xab}};

  EXPECT_EQ(format_crockford(id), "01hf7yat00fay8vvr14d2pf2db");
}

TEST(Crockford, ReadsBackWhatItWrites) {
  SeededRandom random(3);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid id = random_uuid(random);

    const auto back = parse_crockford(format_crockford(id));

    ASSERT_TRUE(back.has_value());
    ASSERT_EQ(*back, id);
  }
}

TEST(Crockford, TextOrderIsByteOrder) {
  SeededRandom random(4);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid a = random_uuid(random);
    const Uuid b = random_uuid(random);

    ASSERT_EQ(a < b, format_crockford(a) < format_crockford(b));
  }
}

TEST(Crockford, RefusesEveryOtherSpelling) {
  const std::string good = "01hf7yat00fay8vvr14d2pey8b";
  ASSERT_TRUE(parse_crockford(good));
  std::vector<std::string> refused = {"",
                                      "0",
                                      good.substr(1),
                                      good + "0",
                                      "8" + good.substr(1),
                                      "z" + good.substr(1),
                                      "a" + good.substr(1)};
  for (const char c : std::string_view("ilouIOLUAZ-_ \0\xFF=", 16)) {
    refused.push_back(good.substr(0, 25) + c);
    refused.push_back(good.substr(0, 10) + c + good.substr(11));
  }
  for (const std::string& text : refused) {
    const auto id = parse_crockford(text);

    ASSERT_FALSE(id.has_value()) << text;
    EXPECT_EQ(id.error().code, Errc::invalid) << text;
  }
}

TEST(Uuid7, FloorIsTheSmallestIdOfItsMillisecond) {
  SeededRandom random(5);
  Uuid7Sequence ids(random);

  const Uuid id = ids.next(kNow);

  EXPECT_LE(uuid7_floor(kNow), id);
  EXPECT_GT(uuid7_floor(kNow + Millis{1}), id);
  EXPECT_EQ(uuid7_floor(kNow).time(), kNow);
}

TEST(Uuid7, FloorOfATimeWithoutAnIdIsTheNearestOne) {
  EXPECT_EQ(uuid7_floor(timestamp_of_ms(-5)).time(), timestamp_of_ms(0));
  EXPECT_EQ(uuid7_floor(Timestamp::max()).time(), timestamp_of_ms((std::int64_t{1} << 48) - 1));
}

TEST(Uuid7Sequence, CarriesTimeVersionAndVariant) {
  SeededRandom random(6);
  Uuid7Sequence ids(random);
  for (int i = 0; i < 1000; ++i) {
    const Uuid id = ids.next(kNow + Millis{i});

    ASSERT_EQ(id.time(), kNow + Millis{i});
    ASSERT_EQ(id.bytes[6] >> 4, 7);
    ASSERT_EQ(id.bytes[8] >> 6, 2);
  }
}

TEST(Uuid7Sequence, GrowsWithinAMillisecond) {
  SeededRandom random(7);
  Uuid7Sequence ids(random);
  Uuid last = ids.next(kNow);
  for (int i = 0; i < 10'000; ++i) {
    const Uuid id = ids.next(kNow);
    ASSERT_GT(id, last);
    last = id;
  }
  EXPECT_EQ(last.time(), kNow);
}

TEST(Uuid7Sequence, GrowsWhenTheClockGoesBack) {
  SeededRandom random(8);
  Uuid7Sequence ids(random);
  Uuid last = ids.next(kNow);
  for (int i = 1; i < 1000; ++i) {
    const Uuid id = ids.next(kNow - Millis{i * 1000});
    ASSERT_GT(id, last);
    ASSERT_EQ(id.time(), kNow);
    last = id;
  }
}

TEST(Uuid7Sequence, GrowsWhateverTheClockDoes) {
  SeededRandom random(9);
  Uuid7Sequence ids(random);
  Uuid last;
  for (int i = 0; i < 20'000; ++i) {
    const auto jump = static_cast<std::int64_t>((random.uniform01() - 0.4) * 10);
    const Uuid id = ids.next(kNow + Millis{jump * i});
    ASSERT_GT(id, last);
    last = id;
  }
}

TEST(Uuid7Sequence, GrowsAcrossARestartThoughTheClockWentBack) {
  SeededRandom random(10);
  Uuid7Sequence before(random);
  const Uuid newest = before.next(kNow);
  Uuid7Sequence after(random);

  after.resume_after(newest);

  const Uuid id = after.next(kNow - std::chrono::hours{1});
  EXPECT_GT(id, newest);
  EXPECT_EQ(id.time(), kNow);
}

TEST(Uuid7Sequence, ResumingAfterAnOlderIdChangesNothing) {
  SeededRandom random(11);
  Uuid7Sequence ids(random);
  const Uuid newest = ids.next(kNow);

  ids.resume_after(uuid7_floor(kNow - Millis{5000}));
  ids.resume_after(Uuid{});

  EXPECT_GT(ids.next(kNow), newest);
}

TEST(Uuid7Sequence, TakesTheRealTimeAgainOnceItHasPassedTheResumedOne) {
  SeededRandom random(12);
  Uuid7Sequence ids(random);

  ids.resume_after(uuid7_ceiling(kNow));

  EXPECT_EQ(ids.next(kNow + Millis{500}).time(), kNow + Millis{500});
}

TEST(Uuid7Sequence, BorrowsTheNextMillisecondWhenTheCounterIsUsedUp) {
  SeededRandom random(13);
  Uuid7Sequence ids(random);
  const Uuid newest = uuid7_ceiling(kNow);

  ids.resume_after(newest);

  const Uuid id = ids.next(kNow);
  EXPECT_GT(id, newest);
  EXPECT_EQ(id.time(), kNow + Millis{1});
  EXPECT_GT(ids.next(kNow), id);
}

TEST(Uuid7Sequence, CarriesIntoTheUpperBitsOfTheCounter) {
  SeededRandom random(14);
  Uuid7Sequence ids(random);
  Uuid newest = uuid7_ceiling(kNow);
  newest.bytes[7] = 0x01;

  ids.resume_after(newest);

  const Uuid id = ids.next(kNow);
  EXPECT_GT(id, newest);
  EXPECT_EQ(id.time(), kNow);
  EXPECT_EQ(id.bytes[7], 0x02);
  EXPECT_EQ(id.bytes[8], 0x80);
}

TEST(Uuid7Sequence, DiffersBetweenProcesses) {
  SeededRandom one(15);
  SeededRandom two(16);

  EXPECT_NE(Uuid7Sequence(one).next(kNow), Uuid7Sequence(two).next(kNow));
}

TEST(Id, ReadsBackWhatItWrites) {
  SeededRandom random(17);
  const ThingId id{random_uuid(random)};

  const auto back = parse_id<ThingTag>(to_string(id));

  ASSERT_TRUE(back.has_value());
  EXPECT_EQ(*back, id);
}

TEST(Id, RefusesAnotherKindAndEveryOtherShape) {
  const std::string digits = "01hf7yat00fay8vvr14d2pey8b";
  ASSERT_TRUE(parse_id<ThingTag>("thing_" + digits));
  for (const std::string& text :
       {digits, "think_" + digits, "thing-" + digits, "thing" + digits, "thing__" + digits,
        "THING_" + digits, "thing_" + digits + "0", std::string("thing_"), std::string()}) {
    const auto id = parse_id<ThingTag>(text);

    ASSERT_FALSE(id.has_value()) << text;
    EXPECT_EQ(id.error().code, Errc::invalid) << text;
  }
}

TEST(Id, HashesNeighboursApart) {
  SeededRandom random(18);
  Uuid7Sequence ids(random);
  std::unordered_set<std::size_t> hashes;

  for (int i = 0; i < 10'000; ++i) hashes.insert(std::hash<Uuid>{}(ids.next(kNow)));

  EXPECT_GT(hashes.size(), 9990U);
}

}  // namespace
}  // namespace fanfare
