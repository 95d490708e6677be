#include "app/descriptors.h"

#include <limits>
#include <sys/resource.h>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(Descriptors, ReactorsShareWhatDeliveriesAndTheReserveLeave) {
  struct Row {
    std::uint64_t descriptors;
    std::size_t reactors;
    std::size_t expected;
  };
  const Row rows[] = {
      {0, 1, 16},
      {64, 1, 16},
      {256, 1, 64},
      {1024, 1, 448},
      {1024, 4, 112},
      {4096, 2, 1016},
      {20'000, 2, 8968},
      {1'048'576, 8, 10'000},
      {std::numeric_limits<std::uint64_t>::max(), 1, 10'000},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(connections_for_each_reactor(row.descriptors, row.reactors), row.expected)
        << row.descriptors << " descriptors, " << row.reactors << " reactors";
  }
}

TEST(Descriptors, TheSoftLimitIsRaisedToTheHardOne) {
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit low{64, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &low), 0);

  EXPECT_EQ(raise_descriptor_limit(), before.rlim_max);

  rlimit after{};
  ::getrlimit(RLIMIT_NOFILE, &after);
  EXPECT_EQ(after.rlim_cur, before.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &before);
}

}  // namespace
}  // namespace fanfare
