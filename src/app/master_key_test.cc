#include "app/master_key.h"

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

}  // namespace
}  // namespace fanfare
