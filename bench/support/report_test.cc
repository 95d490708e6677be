#include "bench/support/report.h"

#include <gtest/gtest.h>

namespace fanfare::bench {
namespace {

std::string body_with(const Mark& mark) {
  std::string text(Mark::kTextLength, ' ');
  mark.write(text.data());
  return "{\"data\":{" + std::string(Mark::kKey) + text + "\"}}";
}

TEST(Mark, IsFoundAsItWasWritten) {
  const Mark written{.sequence = 123'456, .published_at = 9'876'543'210, .is_measured = true};

  const auto found = Mark::find(body_with(written));

  ASSERT_TRUE(found);
  EXPECT_EQ(found->sequence, written.sequence);
  EXPECT_EQ(found->published_at, written.published_at);
  EXPECT_TRUE(found->is_measured);
}

TEST(Mark, IsNotFoundInABodyWithoutItOrCutShort) {
  const auto body = body_with({});

  EXPECT_FALSE(Mark::find("{}"));
  EXPECT_FALSE(Mark::find(body.substr(0, body.find("\"}}") - 1)));
  EXPECT_FALSE(Mark::find("\"bench\":\"not a number, but long enough to be one\""));
}

TEST(Report, IsOneLineOfJson) {
  EXPECT_EQ(Report{}.add("a", std::int64_t{1}).add("b", std::int64_t{-2}).line(),
            "{\"a\": 1, \"b\": -2}\n");
}

}  // namespace
}  // namespace fanfare::bench
