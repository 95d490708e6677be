#include "app/disk_space.h"

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(DiskSpace, AFileSystemHasNoMoreFreeThanItHolds) {
  const auto space = disk_space_at("/");

  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0U);
  EXPECT_LE(space->free_bytes, space->total_bytes);
}

TEST(DiskSpace, OfAPathThatIsNotThereNothingIsKnown) {
  EXPECT_FALSE(disk_space_at("/there/is/no/such/path"));
}

}  // namespace
}  // namespace fanfare
