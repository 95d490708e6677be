#include "app/master_key.h"

#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

namespace fanfare {
namespace {

const Secret kMaster(std::string(32, 'm'));

TEST(DerivedKey, IsTheSameForTheSameMasterKeyAndPurpose) {
  EXPECT_EQ(derived_key(kMaster, "a"), derived_key(kMaster, "a"));
  EXPECT_EQ(derived_key(kMaster, "a").reveal().size(), 32U);
}

TEST(DerivedKey, DiffersForEachPurposeAndEachMasterKey) {
  const Secret other(std::string(32, 'n'));

  EXPECT_NE(derived_key(kMaster, "a").reveal(), derived_key(kMaster, "b").reveal());
  EXPECT_NE(derived_key(kMaster, "a").reveal(), derived_key(other, "a").reveal());
  EXPECT_NE(derived_key(kMaster, "a").reveal(), kMaster.reveal());
}

class MasterKeyFile : public testing::Test {
 protected:
  MasterKeyFile() {
    std::string pattern = testing::TempDir() + "fanfare-keys-XXXXXX";
    directory_ = mkdtemp(pattern.data());
  }
  ~MasterKeyFile() override { std::filesystem::remove_all(directory_); }

  std::string directory_;
};

TEST_F(MasterKeyFile, ReadsBackInItsOrderAndIsForItsOwnerOnly) {
  const std::string path = directory_ + "/f.key";
  const std::vector<Secret> two = {Secret(std::string(32, 'n')), kMaster};
  std::ofstream(path) << "what was there before";

  ASSERT_TRUE(write_master_keys(path, two));

  EXPECT_EQ(*read_master_keys(path), two);
  EXPECT_EQ(std::filesystem::status(path).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST_F(MasterKeyFile, ThatHoldsAnythingElseIsRefusedWhole) {
  const std::string path = directory_ + "/f.key";
  ASSERT_TRUE(write_master_keys(path, {kMaster}));
  std::ofstream(path, std::ios::app) << "c2hvcnQ=\n";

  EXPECT_EQ(read_master_keys(path).error().code, Errc::corrupt);
  EXPECT_EQ(read_master_keys(directory_ + "/none").error().code, Errc::not_found);
}

TEST_F(MasterKeyFile, ThatCannotBeWrittenLeavesNothingBehind) {
  EXPECT_FALSE(write_master_keys(directory_ + "/none/f.key", {kMaster}));
  EXPECT_TRUE(std::filesystem::is_empty(directory_));
}

}  // namespace
}  // namespace fanfare
