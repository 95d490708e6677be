#include "base/edit_distance.h"

#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "base/random.h"

namespace fanfare {
namespace {

struct Pair {
  std::string_view a;
  std::string_view b;
  std::size_t distance;
};

TEST(EditDistance, CountsTheFewestChanges) {
  for (const Pair& pair :
       {Pair{"", "", 0}, Pair{"", "abc", 3}, Pair{"abc", "abc", 0}, Pair{"abc", "abd", 1},
        Pair{"abc", "ab", 1}, Pair{"abc", "xabc", 1}, Pair{"evnets", "events", 2},
        Pair{"kitten", "sitting", 3}, Pair{"saturday", "sunday", 3}, Pair{"abcdef", "ghijkl", 6},
        Pair{"Url", "url", 1}, Pair{"ab", "ba", 2}}) {
    EXPECT_EQ(edit_distance(pair.a, pair.b), pair.distance) << pair.a << " " << pair.b;
  }
}

std::string random_name(Random& random) {
  std::string name(static_cast<std::size_t>(random.uniform01() * 12), 'a');
  for (char& c : name) c = static_cast<char>('a' + static_cast<int>(random.uniform01() * 3));
  return name;
}

TEST(EditDistance, IsAMetricWithinTheLengths) {
  SeededRandom random(5);
  for (int i = 0; i < 2000; ++i) {
    const std::string a = random_name(random);
    const std::string b = random_name(random);
    const std::string c = random_name(random);
    const std::size_t ab = edit_distance(a, b);

    ASSERT_EQ(ab, edit_distance(b, a)) << a << " " << b;
    ASSERT_EQ(ab == 0, a == b) << a << " " << b;
    ASSERT_LE(ab, edit_distance(a, c) + edit_distance(c, b)) << a << " " << b << " " << c;
    ASSERT_LE(ab, std::max(a.size(), b.size()));
    ASSERT_GE(ab, std::max(a.size(), b.size()) - std::min(a.size(), b.size()));
  }
}

}  // namespace
}  // namespace fanfare
