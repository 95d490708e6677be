#include "app/database.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace fanfare {
namespace {

TEST(OpenDatabase, NamesThePathOfAFileThatIsNoDatabase) {
  std::string directory = testing::TempDir() + "fanfare-database-XXXXXX";
  ASSERT_NE(mkdtemp(directory.data()), nullptr);
  const std::string path = directory + "/notes.txt";
  std::ofstream(path) << std::string(8192, 'x');

  const auto store = open_database({DatabaseKind::sqlite, path}, SystemClock());

  ASSERT_FALSE(store);
  EXPECT_THAT(store.error().message, testing::HasSubstr(path));
  std::filesystem::remove_all(directory);
}

TEST(OpenDatabase, MemoryNeedsNoPath) {
  EXPECT_TRUE(open_database({DatabaseKind::memory, ""}, SystemClock()));
}

}  // namespace
}  // namespace fanfare
